package wstest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Peer is the server's end of one WebSocket, frame by frame. What it is told to write it writes, valid or
// not; what it reads must be valid.
type Peer struct {
	net.Conn
	Request *http.Request
	r       *bufio.Reader
}

// Upgrade accepts an opening handshake, with extra header lines in the answer.
func Upgrade(c net.Conn, extra ...string) (*Peer, error) {
	r, err := Accept(c, extra...)
	if err != nil {
		return nil, err
	}
	return NewPeer(c, r), nil
}

// UpgradeAnd is Upgrade with frames that come in one write with the answer.
func UpgradeAnd(c net.Conn, frames []byte) (*Peer, error) {
	r, err := accept(c, frames)
	if err != nil {
		return nil, err
	}
	return NewPeer(c, r), nil
}

// NewPeer makes a Peer of a connection that was accepted.
func NewPeer(c net.Conn, r *http.Request) *Peer {
	return &Peer{Conn: c, Request: r, r: bufio.NewReader(c)}
}

// Next reads a frame and checks that a client may send it (RFC 6455 §5): masked, no reserved bits, in
// the shortest form, text and close reasons in UTF-8, a close code that may cross the wire.
func (p *Peer) Next() (ws.Frame, error) {
	start, err := p.r.Peek(2)
	if err != nil {
		if len(start) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return ws.Frame{}, err
	}
	form := start[1] & 0x7f
	h, err := ws.ReadHeader(p.r)
	if err != nil {
		return ws.Frame{}, err
	}
	if (form == 126 && h.Length < 126) || (form == 127 && h.Length <= 0xffff) {
		return ws.Frame{}, fmt.Errorf("client's frame: its length of %d is not in the shortest form", h.Length)
	}
	if err := ws.CheckHeader(h, ws.StateServerSide); err != nil {
		return ws.Frame{}, fmt.Errorf("client's frame: %w", err)
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	if _, err := io.ReadFull(p.r, f.Payload); err != nil {
		return ws.Frame{}, fmt.Errorf("client's frame of %d bytes: %w", h.Length, err)
	}
	ws.Cipher(f.Payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpText:
		if !utf8.Valid(f.Payload) {
			return f, errors.New("client's text is not utf-8")
		}
	case ws.OpClose:
		if n := len(f.Payload); n == 1 || (n > 2 && !utf8.Valid(f.Payload[2:])) {
			return f, fmt.Errorf("client's close frame: got payload %q", f.Payload)
		}
		if code := CloseCode(f); len(f.Payload) > 0 && !onWire(code) {
			return f, fmt.Errorf("client's close frame: got code %d, which may not cross the wire", code)
		}
	}
	return f, nil
}

// onWire tells whether a close frame may carry the code (RFC 6455 §7.4, and the codes that IANA has
// registered since).
func onWire(code int) bool {
	switch {
	case code >= 1000 && code <= 1014:
		return code < 1004 || code > 1006
	default:
		return code >= 3000 && code <= 4999
	}
}

// CloseCode gives the code in the payload of a close frame; 1005 where there is none.
func CloseCode(f ws.Frame) int {
	if len(f.Payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.Payload))
}

// AwaitClose reads up to the client's close frame, and gives it and what came before.
func (p *Peer) AwaitClose() (before []ws.Frame, closing ws.Frame, err error) {
	for {
		f, err := p.Next()
		if err != nil {
			return before, f, err
		}
		if f.Header.OpCode == ws.OpClose {
			return before, f, nil
		}
		before = append(before, f)
	}
}

// AwaitEnd reads to the end of TCP. It gives an error where the client says something more, or resets.
func (p *Peer) AwaitEnd() error {
	n, err := io.Copy(io.Discard, p.r)
	if err == nil && n > 0 {
		err = fmt.Errorf("the client sent %d bytes more", n)
	}
	return err
}

// Frame gives the bytes of a server's frame.
func Frame(op ws.OpCode, fin bool, payload []byte) []byte {
	first := byte(op)
	if fin {
		first |= 0x80
	}
	return RawFrame(first, payload)
}

// RawFrame is Frame with any first byte.
func RawFrame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// Header gives the header of a server's frame with its length in 7, 16 or 64 bits, whether or not that is the
// shortest form, and whether or not as much follows.
func Header(first byte, bits int, length uint64) []byte {
	switch bits {
	case 7:
		return []byte{first, byte(length)}
	case 16:
		return binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(length))
	default:
		return binary.BigEndian.AppendUint64([]byte{first, 127}, length)
	}
}

// Masked is RawFrame of up to 125 bytes with a mask, as only a client's may be.
func Masked(first byte, payload []byte) []byte {
	b := append([]byte{first, 0x80 | byte(len(payload)), 1, 2, 3, 4}, payload...)
	ws.Cipher(b[6:], [4]byte{1, 2, 3, 4}, 0)
	return b
}

// Text gives a whole text message.
func Text(s string) []byte { return Frame(ws.OpText, true, []byte(s)) }

// Close gives a close frame.
func Close(code int, reason string) []byte {
	return Frame(ws.OpClose, true, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}
