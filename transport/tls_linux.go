package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// tlsLayer is TLS on a socket of the loop: crypto/tls above, the socket below, and no goroutine.
//
// crypto/tls only knows sockets that block, so it is shown one that does not: socket. Its Read fails with
// a temporary error when what was read from the socket is used up; crypto/tls keeps what it has of a
// record, and goes on from there the next time. Its Write must never fail in passing, as that breaks the
// connection for good; so what the kernel does not take is kept.
type tlsLayer struct {
	tc *tls.Conn
	s  *fdStream

	in  []byte // read from the socket and not yet seen by tc; only while received runs
	eof bool

	out   []byte         // records that the kernel has not taken
	wrote int            // bytes of the connection that are in out, not yet told to it
	moved messages.Stamp // when the kernel last took some of out

	gathering bool // Write collects in the loop's scratch
}

const (
	tlsRead  = 16 << 10 // the most that one record holds
	tlsWrite = 64 << 10 // the most that is encrypted at once

	// maxTLSOut bounds what may wait besides: what crypto/tls says by itself, such as the answer to a request
	// for new keys, which a peer can ask for as often as it likes.
	maxTLSOut = 4 * tlsWrite
)

// notNow is the error of a read that would block.
type notNow struct{}

func (notNow) Error() string   { return "no more bytes for now" }
func (notNow) Timeout() bool   { return true }
func (notNow) Temporary() bool { return true }

var (
	errNotNow error = notNow{}
	errTLSOut       = errors.New("tls: the peer asks for more than it reads")
)

// received decrypts bytes that were read from the socket and hands them on.
func (t *tlsLayer) received(b []byte) {
	t.in = b
	t.read()
	t.in = nil
}

// ended tells tc that the peer has ended TCP, which it may or may not have announced.
func (t *tlsLayer) ended() {
	t.eof = true
	t.read()
}

// read hands on what can be decrypted. It ends: the bytes at hand are used up, and each record takes some.
func (t *tlsLayer) read() {
	c := t.s.conn
	l := c.loop
	if l.plain == nil {
		l.plain = make([]byte, tlsRead)
	}
	for {
		n, err := t.tc.Read(l.plain)
		if n > 0 {
			opening := c.hs != nil
			c.received(l.plain[:n])
			if opening && c.hs == nil {
				trim(t.tc)
			}
		}
		switch {
		case c.st != stream(t.s):
			return // the connection has ended meanwhile
		case err == errNotNow:
			return
		case err != nil:
			c.readFailed(err)
			return
		}
	}
}

// write encrypts b and gives it to the socket. Of a piece that the kernel does not take whole, the
// connection is told that nothing was taken; when the rest has gone it is told that the stream is writable,
// offers the piece again, and is given its number of bytes. So a message counts as sent when it really was.
func (t *tlsLayer) write(b []byte) (taken int, err error) {
	if len(t.out) > 0 {
		return 0, nil
	}
	taken, t.wrote = t.wrote, 0
	for taken < len(b) {
		piece := b[taken:min(taken+tlsWrite, len(b))]
		if err := t.seal(piece); err != nil {
			return taken, err
		}
		if len(t.out) > 0 {
			t.wrote = len(piece)
			break
		}
		taken += len(piece)
	}
	return taken, nil
}

// seal encrypts b, and gives the records to the socket in one go.
func (t *tlsLayer) seal(b []byte) error {
	l := t.s.conn.loop
	t.gathering = true
	_, err := t.tc.Write(b)
	t.gathering = false
	records := l.sealed
	if l.sealed = l.sealed[:0]; cap(l.sealed) > maxScratch {
		l.sealed = nil
	}
	if err != nil {
		return err
	}
	return t.send(records)
}

// send gives records to the socket, behind those that wait, and keeps what it does not take.
func (t *tlsLayer) send(records []byte) error {
	if len(t.out) == 0 {
		n, err := t.s.send(records)
		if err != nil {
			return err
		}
		records = records[n:]
	}
	if len(t.out)+len(records) > maxTLSOut {
		return errTLSOut
	}
	t.out = append(t.out, records...)
	return nil
}

// flush offers the socket what waits, and tells whether nothing does any more.
func (t *tlsLayer) flush() bool {
	if len(t.out) == 0 {
		return true
	}
	n, err := t.s.send(t.out)
	if err != nil {
		t.s.conn.writeFailed(err)
		return false
	}
	if n > 0 {
		t.moved = t.s.conn.loop.now
	}
	if t.out = t.out[:copy(t.out, t.out[n:])]; len(t.out) > 0 {
		return false
	}
	t.out = nil
	return true
}

// goodbye says that this side ends TLS, if that can be said at once.
func (t *tlsLayer) goodbye() {
	if len(t.out) == 0 {
		_ = t.tc.CloseWrite()
		t.out = nil
	}
}

// The methods of net.Conn, for tc. The deadlines are the connection's own business.

// Read implements net.Conn.
func (t *tlsLayer) Read(b []byte) (int, error) {
	if len(t.in) == 0 {
		if t.eof {
			return 0, io.EOF
		}
		return 0, errNotNow
	}
	n := copy(b, t.in)
	t.in = t.in[n:]
	return n, nil
}

// Write implements net.Conn.
func (t *tlsLayer) Write(b []byte) (int, error) {
	if t.gathering {
		l := t.s.conn.loop
		l.sealed = append(l.sealed, b...)
		return len(b), nil
	}
	if err := t.send(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close implements net.Conn. The socket is the stream's, which closes it.
func (t *tlsLayer) Close() error { return nil }

// LocalAddr implements net.Conn.
func (t *tlsLayer) LocalAddr() net.Addr { return nil }

// RemoteAddr implements net.Conn.
func (t *tlsLayer) RemoteAddr() net.Addr { return nil }

// SetDeadline implements net.Conn.
func (t *tlsLayer) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (t *tlsLayer) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (t *tlsLayer) SetWriteDeadline(time.Time) error { return nil }
