package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// deflation is what a connection that compresses knows: what was agreed on, and with context takeover the
// window of each side. Without, connections that have agreed on the same share one.
type deflation struct {
	agreement
	text           string // of the agreement
	sent, received window
}

const (
	// syncTail ends what a compressor was flushed to, and is left out of messages (RFC 7692 §7.2.1).
	syncTail = "\x00\x00\xff\xff"
	// inflateTail is put back behind a message, with a final block that tells its end from a message that
	// breaks off.
	inflateTail = syncTail + "\x01\x00\x00\xff\xff"

	// reach is how far back a message sent with context takeover refers, in bytes. More costs each
	// connection memory, and each message the time to index it, for little.
	reach = 8 << 10
	// maxLinked is the size of a message from which on earlier ones are not worth that time.
	maxLinked = 4 << 10
	// linkedLevel is the lowest level of the flate package that looks for matches in messages of less than
	// 128 bytes.
	linkedLevel = 7
)

var errNotDeflate = errors.New("compressed message is not deflate")

// codec compresses and decompresses the messages of all connections of a loop, one at a time. The zero
// value is ready; what it holds is made when it is first needed: some 50 KiB to inflate, less than 1 MiB
// for each way to deflate, and buffers of up to maxScratch.
type codec struct {
	shared map[agreement]*deflation
	pool   windowPool

	inflater io.Reader // implements flate.Resetter
	packed   []byte    // a message that came in one piece, with inflateTail
	source   bytes.Reader
	begun    int    // where in the message its last deflate stream begins
	text     []byte // scratch for the message inflated last

	deflated appender
	linked   *flate.Writer                    // for messages that refer back
	narrow   [maxWindowBits + 1]*flate.Writer // by bits: for messages longer than their window
}

// appender collects what a compressor writes.
type appender []byte

// Write implements io.Writer.
func (s *appender) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}

// open gives a connection what it needs for what was agreed on, nil if that is nothing.
func (z *codec) open(g agreement) *deflation {
	if !g.deflate {
		return nil
	}
	d := z.shared[g]
	if d == nil {
		d = &deflation{agreement: g, text: g.String()}
		if z.shared == nil {
			z.shared = make(map[agreement]*deflation)
		}
		z.shared[g] = d
	}
	if !g.serverTakeover && !g.clientTakeover {
		return d
	}
	own := &deflation{agreement: g, text: d.text}
	if g.serverTakeover {
		own.received.size = 1 << g.serverBits
	}
	if g.clientTakeover {
		own.sent.size = min(1<<g.clientBits, reach)
	}
	return own
}

// close takes back what the connection holds. Nil is allowed.
func (z *codec) close(d *deflation) {
	if d != nil {
		d.sent.release(&z.pool)
		d.received.release(&z.pool)
	}
}

// deflate gives the payload of a compressed message; it lives until the next call. No match reaches
// further back than the client's window.
func (z *codec) deflate(d *deflation, message []byte) []byte {
	z.deflated = z.deflated[:0]
	size := 1 << d.clientBits
	back := d.sent.last(size - len(message))
	switch {
	case len(back) > 0 && len(message) <= maxLinked:
		if z.linked == nil {
			z.linked, _ = flate.NewWriter(nil, linkedLevel) // fails for a level that there is not
		}
		z.linked.ResetDict(&z.deflated, back)
		flush(z.linked, message)
	case len(message) <= size || d.clientBits == maxWindowBits:
		// It holds nothing between messages, is no slower than the writers of levels 1 to 6, and unlike them
		// finds matches in small messages.
		_ = flate.StatelessDeflate(&z.deflated, message, false, nil) // fails where the appender does: never
	default:
		w := &z.narrow[d.clientBits]
		if *w == nil {
			*w, _ = flate.NewWriterWindow(nil, size) // fails for sizes outside 32 bytes to 32 KiB
		}
		(*w).Reset(&z.deflated)
		flush(*w, message)
	}
	packed := bytes.TrimSuffix(z.deflated, []byte(syncTail))
	if cap(z.deflated) > maxScratch {
		z.deflated = nil
	}
	return packed
}

// flush writes a message to a writer whose destination is an appender, which never fails.
func flush(w *flate.Writer, message []byte) {
	_, _ = w.Write(message)
	_ = w.Flush()
}

// inflate gives the message that packed, which ends in inflateTail, was made of. It lives until the next
// call. No more than limit bytes are set aside for it, whatever packed inflates to: up to maxScratch as it
// grows, and more only when its size is known, for which such a message is inflated twice.
func (z *codec) inflate(d *deflation, packed []byte, limit int) ([]byte, error) {
	if z.inflater == nil {
		z.inflater = flate.NewReader(&z.source)
		z.text = make([]byte, 0, 4<<10)
	}
	z.start(d, packed)
	text := z.text
	for {
		var done bool
		var err error
		text, done, err = z.fill(text)
		switch {
		case err != nil:
			return nil, err
		case len(text) > limit:
			return nil, tooMuch(limit)
		case done:
			if z.begun > 0 {
				d.received.buf = d.received.buf[:0]
			}
			d.received.add(&z.pool, text[z.begun:])
			return text, nil
		case cap(text) < maxScratch:
			text = append(make([]byte, 0, 2*cap(text)), text...)
			z.text = text[:0]
		default:
			size, err := z.measure(len(text), limit)
			if err != nil {
				return nil, err
			}
			z.start(d, packed)
			text = make([]byte, 0, size+1) // with room left, so that the end is found
		}
	}
}

func tooMuch(limit int) error {
	return fmt.Errorf("%w: it inflates to more than %d bytes", errMessageTooBig, limit)
}

// start begins to inflate packed.
func (z *codec) start(d *deflation, packed []byte) {
	z.source.Reset(packed)
	z.begun = 0
	z.restart(d.received.buf)
}

func (z *codec) restart(dict []byte) {
	_ = z.inflater.(flate.Resetter).Reset(&z.source, dict) // always nil
}

// fill inflates into b until its capacity is used up, or the message is done.
func (z *codec) fill(b []byte) (_ []byte, done bool, err error) {
	for len(b) < cap(b) {
		n, err := z.inflater.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == nil:
			continue
		case err != io.EOF:
			return b, false, fmt.Errorf("%w: %w", errNotDeflate, err)
		}
		// A final block has ended: the one at our end, or one of the peer's (RFC 7692 §7.2.3.4), behind
		// which there is another deflate stream, or nothing. A stream begins with an empty window.
		left := z.source.Len()
		if left > 0 {
			z.begun = len(b)
		}
		if left == 0 || left == len(inflateTail) {
			return b, true, nil
		}
		z.restart(nil)
	}
	return b, false, nil
}

// measure inflates the rest of a message of which had bytes were, and gives its size. It keeps none of it.
func (z *codec) measure(had, limit int) (size int, err error) {
	for size = had; ; {
		b, done, err := z.fill(z.text[:0:cap(z.text)])
		size += len(b)
		switch {
		case err != nil:
			return 0, err
		case size > limit:
			return 0, tooMuch(limit)
		case done:
			return size, nil
		}
	}
}
