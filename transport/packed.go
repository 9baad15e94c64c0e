package transport

import (
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

const (
	rsv1    = 4    // in ws.Header.Rsv: the first frame of a compressed message (RFC 7692 §6)
	rsv1Bit = 0x40 // in a frame's first byte
)

// beginsPacked tells whether h begins a compressed message, as only the first frame of a data message may
// (RFC 7692 §6.1), and only where that was agreed on.
func (c *Conn) beginsPacked(h ws.Header) bool {
	return h.Rsv == rsv1 && c.deflate != nil && (h.OpCode == ws.OpText || h.OpCode == ws.OpBinary)
}

// pack gives what a message is sent as, and whether that is compressed.
func (c *Conn) pack(op messages.Op, message []byte) (wire []byte, packed bool) {
	if c.deflate == nil || !op.IsData() || len(message) < c.loop.net.opts.Compress.Threshold {
		return message, false
	}
	return c.loop.codec.deflate(c.deflate, message), true
}

// packedFrame makes frame, which holds a message that was packed, say so. The peer will have the message,
// so later ones may refer to it.
func (c *Conn) packedFrame(frame, message []byte) {
	frame[0] |= rsv1Bit
	c.deflate.sent.add(&c.loop.codec.pool, message)
}

// unpack takes a whole compressed message, which ends in inflateTail. UTF-8 is checked once it is inflated.
func (c *Conn) unpack(op messages.Op, packed []byte) {
	message, err := c.loop.codec.inflate(c.deflate, packed, c.loop.net.opts.MaxMessage)
	if err == nil && op == messages.OpText && !utf8.Valid(message) {
		err = errTextNotUTF8
	}
	if err != nil {
		c.failFrame(err)
		return
	}
	c.deliver(op, message)
}

// unpackPiece is unpack for a message that lies within a read.
func (c *Conn) unpackPiece(op messages.Op, piece []byte) {
	z := &c.loop.codec
	z.packed = append(append(z.packed[:0], piece...), inflateTail...)
	c.unpack(op, z.packed)
}
