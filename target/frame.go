package target

import (
	"encoding/binary"
	"errors"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

var (
	errLengthSign = errors.New("frame length has its most significant bit set")
	errLengthForm = errors.New("frame length is not in its shortest form")
)

// headerSize gives the size of the frame header that b begins with; what b must have to tell more if
// it is too short to tell.
func headerSize(b []byte) int {
	if len(b) < 2 {
		return 2
	}
	n := 2
	switch b[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// parseHeader reads the frame header at the start of b. It gives the header's size, or 0 where b is too
// short for it. Unlike ws.ReadHeader it reads from a slice, and refuses lengths in more bytes than
// they need (RFC 6455 §5.2).
func parseHeader(b []byte) (h ws.Header, n int, err error) {
	n = headerSize(b)
	if len(b) < n {
		return h, 0, nil
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] & 0x70 >> 4
	h.OpCode = ws.OpCode(b[0] & 0x0f)
	h.Masked = b[1]&0x80 != 0
	short := false
	switch l := b[1] & 0x7f; l {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
		short = h.Length < 126
	case 127:
		h.Length = int64(binary.BigEndian.Uint64(b[2:]))
		if h.Length < 0 {
			return h, n, errLengthSign
		}
		short = h.Length < 1<<16
	default:
		h.Length = int64(l)
	}
	if short {
		return h, n, errLengthForm
	}
	if h.Masked {
		copy(h.Mask[:], b[n-4:n])
	}
	return h, n, nil
}

// appendFrame appends a whole, final, unmasked frame.
func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	b0 := 0x80 | byte(op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, b0, byte(n))
	case n < 1<<16:
		dst = append(dst, b0, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, b0, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, payload...)
}

// appendClose appends a close frame. CloseNoStatus makes it an empty one; reason must be UTF-8 of at
// most messages.MaxCloseReason bytes.
func appendClose(dst []byte, code messages.CloseCode, reason string) []byte {
	if code == messages.CloseNoStatus {
		return append(dst, 0x80|byte(ws.OpClose), 0)
	}
	dst = append(dst, 0x80|byte(ws.OpClose), byte(2+len(reason)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}
