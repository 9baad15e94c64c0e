package transport

import (
	"encoding/binary"
	"errors"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

const maskBit = 0x80

// appendFrame appends a final, masked frame (RFC 6455 §5.2) to b.
func appendFrame(b []byte, op ws.OpCode, mask uint32, payload []byte) []byte {
	b = append(b, 0x80|byte(op))
	switch n := len(payload); {
	case n <= 125:
		b = append(b, maskBit|byte(n))
	case n <= 0xffff:
		b = append(b, maskBit|126, byte(n>>8), byte(n))
	default:
		b = append(b, maskBit|127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], mask)
	b = append(b, key[:]...)
	at := len(b)
	b = append(b, payload...)
	ws.Cipher(b[at:], key, 0)
	return b
}

var (
	errShortHeader  = errors.New("frame header incomplete")
	errLengthForm   = errors.New("frame length not in its shortest form")
	errLengthTooBig = errors.New("frame length has its most significant bit set")
)

// parseHeader reads a frame header from the start of b, and gives its size. It gives errShortHeader
// where b ends before the header does. Lengths must be in their shortest form (RFC 6455 §5.2).
func parseHeader(b []byte) (h ws.Header, n int, err error) {
	if len(b) < 2 {
		return h, 0, errShortHeader
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] >> 4 & 0x07
	h.OpCode = ws.OpCode(b[0] & 0x0f)
	h.Masked = b[1]&maskBit != 0
	h.Length = int64(b[1] & 0x7f)
	n = 2
	switch h.Length {
	case 126:
		if len(b) < 4 {
			return h, 0, errShortHeader
		}
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
		n = 4
		if h.Length < 126 {
			return h, n, errLengthForm
		}
	case 127:
		if len(b) < 10 {
			return h, 0, errShortHeader
		}
		v := binary.BigEndian.Uint64(b[2:])
		n = 10
		if v>>63 != 0 {
			return h, n, errLengthTooBig
		}
		if v <= 0xffff {
			return h, n, errLengthForm
		}
		h.Length = int64(v)
	}
	if h.Masked {
		if len(b) < n+4 {
			return h, 0, errShortHeader
		}
		copy(h.Mask[:], b[n:])
		n += 4
	}
	return h, n, nil
}

func wireOp(op messages.Op) ws.OpCode {
	return [messages.NumOps]ws.OpCode{ws.OpText, ws.OpBinary, ws.OpPing, ws.OpPong, ws.OpClose}[op]
}

func opOf(op ws.OpCode) messages.Op {
	switch op {
	case ws.OpText:
		return messages.OpText
	case ws.OpBinary:
		return messages.OpBinary
	case ws.OpPing:
		return messages.OpPing
	case ws.OpPong:
		return messages.OpPong
	default:
		return messages.OpClose
	}
}
