package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/klauspost/compress/flate"

	"github.com/loadrig/loadrig/messages"
)

const (
	fullWindow = 15 // bits: 32 KiB
	rsv1       = 4  // in ws.Header.Rsv: the first frame of a compressed message (RFC 7692 §6)
	syncTail   = "\x00\x00\xff\xff"
)

var failNotDeflate = protocolFailure("not deflate")

// compression is what a peer is answered that offers permessage-deflate: never context takeover, so that
// nothing is kept between messages, and else what it asks for.
type compression struct {
	window int // of the server, in bits; 0: messages are not compressed
	text   string
}

// compression picks the first offer that can be met (RFC 7692 §5); none if there is none.
func (r *request) compression() (c compression, bad *refusal) {
	for _, list := range r.extensions {
		offers := httphead.OptionSelector{Check: func(o httphead.Option) bool {
			var p wsflate.Parameters
			if c.window == 0 && string(o.Name) == wsflate.ExtensionName && p.Parse(o) == nil {
				c = answerTo(p)
			}
			return false
		}}
		if _, ok := offers.Select(list, nil); !ok {
			return compression{}, badRequest("Sec-WebSocket-Extensions is not a list of extensions")
		}
	}
	return c, nil
}

func answerTo(offer wsflate.Parameters) compression {
	c := compression{fullWindow, wsflate.ExtensionName + "; server_no_context_takeover; client_no_context_takeover"}
	if w := offer.ServerMaxWindowBits; w.Defined() {
		c.window = int(w)
		c.text += fmt.Sprintf("; server_max_window_bits=%d", w)
	}
	if w := offer.ClientMaxWindowBits; w > 1 { // 1 stands for one without a value
		c.text += fmt.Sprintf("; client_max_window_bits=%d", w)
	}
	return c
}

// codec compresses and decompresses one message at a time. It holds up to 1 MiB for each size of window
// that was asked for, so there is one for each loop, and for as many goroutines as run at once.
type codec struct {
	inflater io.Reader // implements flate.Resetter
	packed   bytes.Reader
	tailed   []byte // scratch: a compressed message with what its sender cut off
	text     []byte // scratch: the message
	writers  [fullWindow + 1]*flate.Writer
	out      bytes.Buffer
}

// inflate gives the message that packed was made of; it lives until the next call. Not more than limit
// bytes and one window are kept of it.
func (z *codec) inflate(packed []byte, limit int) ([]byte, *failure) {
	// The final block behind the tail tells the end from a stream that breaks off.
	const tail = syncTail + "\x01" + syncTail
	z.tailed = append(append(slices.Grow(z.tailed[:0], len(packed)+len(tail)), packed...), tail...)
	z.packed.Reset(z.tailed)
	if cap(z.tailed) > keptScratch {
		z.tailed = nil
	}
	if z.inflater == nil {
		z.inflater = flate.NewReader(&z.packed)
	}
	_ = z.inflater.(flate.Resetter).Reset(&z.packed, nil) // always nil
	text := z.text[:0]
	for {
		if len(text) == cap(text) {
			text = append(make([]byte, 0, max(4096, min(2*cap(text), limit+1))), text...)
		}
		n, err := z.inflater.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > limit:
			return nil, tooBig(limit)
		case errors.Is(err, io.EOF):
			if cap(text) <= keptScratch {
				z.text = text
			}
			return text, nil
		case err != nil:
			return nil, failNotDeflate
		}
	}
}

// deflate appends a frame of p, compressed, with no match further back than the window of that many bits.
func (z *codec) deflate(dst []byte, op ws.OpCode, p []byte, window int) []byte {
	w := z.writers[window]
	switch {
	case w == nil && window == fullWindow:
		w, _ = flate.NewWriter(nil, flate.BestSpeed)
	case w == nil:
		w, _ = flate.NewWriterWindow(nil, 1<<window)
	}
	z.writers[window] = w
	z.out.Reset()
	w.Reset(&z.out)
	_, _ = w.Write(p) // a buffer takes all
	_ = w.Flush()
	at := len(dst)
	dst = appendFrame(dst, op, bytes.TrimSuffix(z.out.Bytes(), []byte(syncTail)))
	dst[at] |= rsv1 << 4
	if z.out.Cap() > keptScratch {
		z.out = bytes.Buffer{}
	}
	return dst
}

func tooBig(limit int) *failure {
	return &failure{messages.CloseTooBig, "more than " + strconv.Itoa(limit) + " bytes"}
}
