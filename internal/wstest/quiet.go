package wstest

import (
	"io"
	"net"
)

// QuietEcho echoes frames of up to 125 bytes, without allocating.
func QuietEcho(c net.Conn) {
	if _, err := Accept(c); err != nil {
		return
	}
	b := make([]byte, 6+125)
	for {
		if _, err := io.ReadFull(c, b[:6]); err != nil {
			return
		}
		n := int(b[1] & 0x7f)
		if _, err := io.ReadFull(c, b[6:6+n]); err != nil {
			return
		}
		for i := range n {
			b[6+i] ^= b[2+i%4]
		}
		b[4], b[5] = b[0], byte(n)
		if _, err := c.Write(b[4 : 6+n]); err != nil || b[0] == 0x88 {
			return
		}
	}
}
