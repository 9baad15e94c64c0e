package transport

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

// assembly is what a connection keeps of a message that has not arrived whole: a part of a header, a
// part of a control frame, or the fragments of a data message. It is pooled, and grows only as bytes
// arrive, to at most Options.MaxMessage.
type assembly struct {
	header  [ws.MaxHeaderSize]byte
	nheader int

	inFrame bool // the header of frame was read
	frame   ws.Header
	left    int64 // of the frame's payload

	inMessage bool // a data message has begun
	packed    bool // which is compressed
	op        messages.Op
	data      []byte
	checked   int // data[:checked] is known to be UTF-8

	control [ws.MaxControlFramePayloadSize]byte
	filled  int
}

const maxPooledData = 64 << 10 // larger buffers are left to the garbage collector

// received takes bytes that were read, and hands on each whole message in place. b is not kept.
func (c *Conn) received(b []byte) {
	l := c.loop
	l.reading = c
	if c.hs != nil {
		b = c.upgradeAnswer(b)
	}
	c.feed(b)
	l.reading = nil
}

// feed parses frames until b is used up or nothing more is listened to.
func (c *Conn) feed(b []byte) {
	c.lastRead = c.loop.now
	for len(b) > 0 && (c.phase == phaseOpen || c.phase == phaseClosing) {
		rx := c.rx
		if rx == nil || !rx.inFrame {
			h, n, err := c.nextHeader(b)
			if err == errShortHeader {
				return
			}
			if err == nil {
				err = c.checkHeader(h)
			}
			if err != nil {
				c.failFrame(err)
				return
			}
			b = b[n:]
			rx = c.rx
			if int64(len(b)) >= h.Length && (h.OpCode.IsControl() || (h.Fin && (rx == nil || !rx.inMessage))) {
				payload := b[:h.Length]
				b = b[h.Length:]
				if h.Rsv == rsv1 {
					c.unpackPiece(opOf(h.OpCode), payload)
				} else {
					c.whole(opOf(h.OpCode), payload)
				}
				continue
			}
			rx = c.assembly()
			rx.begin(h)
		}
		n := int(min(rx.left, int64(len(b))))
		if err := rx.take(b[:n]); err != nil {
			c.failFrame(err)
			return
		}
		b = b[n:]
		if rx.left == 0 {
			c.frameDone(rx)
		}
	}
	if rx := c.rx; rx != nil && !rx.inFrame && !rx.inMessage && rx.nheader == 0 {
		c.releaseRX()
	}
}

// nextHeader reads a header from what was left of the last read and b, and gives how much of b it took.
// An incomplete one is kept.
func (c *Conn) nextHeader(b []byte) (h ws.Header, n int, err error) {
	if c.rx == nil || c.rx.nheader == 0 {
		h, n, err = parseHeader(b)
		if err == errShortHeader {
			rx := c.assembly()
			rx.nheader = copy(rx.header[:], b)
		}
		return h, n, err
	}
	rx := c.rx
	had := rx.nheader
	all := had + copy(rx.header[had:], b)
	h, n, err = parseHeader(rx.header[:all])
	if err == errShortHeader {
		rx.nheader = all
		return h, 0, err
	}
	rx.nheader = 0
	return h, n - had, err
}

// checkHeader applies RFC 6455 §5 to a header, and the message limit, before any of the payload is
// stored.
func (c *Conn) checkHeader(h ws.Header) error {
	state := ws.StateClientSide
	var have int
	if c.rx != nil && c.rx.inMessage {
		state = state.Set(ws.StateFragmented)
		have = len(c.rx.data)
	}
	if c.beginsPacked(h) {
		h.Rsv = 0
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return err
	}
	if limit := c.loop.net.opts.MaxMessage; !h.OpCode.IsControl() && h.Length > int64(limit-have) {
		return fmt.Errorf("%w: got %d bytes or more, want at most %d", errMessageTooBig, uint64(h.Length)+uint64(have), limit)
	}
	return nil
}

var (
	errMessageTooBig = errors.New("message over the limit")
	errTextNotUTF8   = errors.New("text is not utf-8")
	errClosePayload  = errors.New("close frame with 1 byte of payload")
	errCloseReason   = errors.New("close reason is not utf-8")
)

// failFrame ends the connection over what the peer sent, with the close code that says so.
func (c *Conn) failFrame(err error) {
	switch {
	case errors.Is(err, errMessageTooBig):
		c.fail(messages.CauseTooBig, messages.CloseTooBig, err)
	case errors.Is(err, errTextNotUTF8), errors.Is(err, errCloseReason):
		c.fail(messages.CauseBadUTF8, messages.CloseInvalidPayload, err)
	default:
		c.fail(messages.CauseProtocolError, messages.CloseProtocolError, err)
	}
}

func (c *Conn) assembly() *assembly {
	if c.rx == nil {
		c.rx = c.loop.free.assembly()
	}
	return c.rx
}

func (c *Conn) releaseRX() {
	if c.rx != nil {
		c.loop.free.putAssembly(c.rx)
		c.rx = nil
	}
}

// begin starts a frame that has not arrived whole, or continues a message.
func (rx *assembly) begin(h ws.Header) {
	rx.inFrame, rx.frame, rx.left = true, h, h.Length
	if h.OpCode.IsControl() {
		rx.filled = 0
	} else if !rx.inMessage {
		rx.inMessage, rx.op, rx.packed = true, opOf(h.OpCode), h.Rsv == rsv1
	}
}

// take adds payload to the frame. Text is checked as it arrives, so that a long message fails at its
// first bad byte.
func (rx *assembly) take(b []byte) error {
	rx.left -= int64(len(b))
	if rx.frame.OpCode.IsControl() {
		rx.filled += copy(rx.control[rx.filled:], b)
		return nil
	}
	rx.data = append(rx.data, b...)
	if rx.op == messages.OpText && !rx.packed {
		ok, n := utf8Prefix(rx.data[rx.checked:])
		if !ok {
			return errTextNotUTF8
		}
		rx.checked += n
	}
	return nil
}

// utf8Prefix gives how many bytes of b are whole UTF-8 characters; ok is false where what follows them
// can be no beginning of one.
func utf8Prefix(b []byte) (ok bool, n int) {
	if utf8.Valid(b) {
		return true, len(b)
	}
	// The only permitted flaw is an unfinished character at the end, of at most three bytes.
	for n = len(b) - 1; n >= max(0, len(b)-utf8.UTFMax+1); n-- {
		if utf8.RuneStart(b[n]) {
			return startsRune(b[n:]) && utf8.Valid(b[:n]), n
		}
	}
	return false, 0
}

// startsRune tells whether some bytes appended to b, which is 1 to 3 long, would make one character.
func startsRune(b []byte) bool {
	if utf8.FullRune(b) {
		return false // whole or hopeless: utf8.Valid has refused it
	}
	return true
}

// frameDone ends a frame that has arrived in pieces.
func (c *Conn) frameDone(rx *assembly) {
	rx.inFrame = false
	if rx.frame.OpCode.IsControl() {
		// Answering may end the connection, which frees rx before the handler has read the payload.
		l := c.loop
		c.whole(opOf(rx.frame.OpCode), l.control[:copy(l.control[:], rx.control[:rx.filled])])
		return
	}
	if !rx.frame.Fin {
		return
	}
	if rx.op == messages.OpText && !rx.packed && rx.checked != len(rx.data) {
		c.failFrame(errTextNotUTF8)
		return
	}
	rx.inMessage = false
	c.rx = nil // the handler may end the connection, which must not free what it is reading
	defer c.loop.free.putAssembly(rx)
	if rx.packed {
		rx.data = append(rx.data, inflateTail...)
		c.unpack(rx.op, rx.data)
	} else {
		c.deliver(rx.op, rx.data)
	}
}

// whole takes a frame that is all of a message.
func (c *Conn) whole(op messages.Op, payload []byte) {
	switch op {
	case messages.OpText:
		if !utf8.Valid(payload) {
			c.failFrame(errTextNotUTF8)
			return
		}
	case messages.OpPing:
		if c.phase == phaseOpen { // nothing is said after our own close frame
			_ = c.send(messages.OpPong, payload)
		}
	case messages.OpClose:
		c.loop.traffic.Received[op]++
		c.peerClosed(payload)
		return
	}
	c.deliver(op, payload)
}

func (c *Conn) deliver(op messages.Op, payload []byte) {
	l := c.loop
	l.traffic.Received[op]++
	if op.IsData() {
		l.traffic.ReceivedBytes += uint64(len(payload))
	}
	m := &l.message
	m.Op, m.Payload, m.At, m.Arrived, m.RoundTrip = op, payload, l.now, l.arrived, 0
	if op == messages.OpPong {
		m.RoundTrip = c.pongTime(payload)
	}
	l.blame = c
	c.handler.Message(m)
	m.Payload = nil
}

// peerClosed handles the peer's close frame (RFC 6455 §5.5.1, §7.1.5).
func (c *Conn) peerClosed(payload []byte) {
	code, reason, err := parseClose(payload)
	if err != nil {
		c.failFrame(err)
		return
	}
	c.because(messages.CauseRemote, nil)
	e := c.ending
	e.gotClose, e.peerFirst = true, !e.askedClose
	e.peerCode, e.reason = code, string(reason)
	c.sendClose(code, "")
	c.drainPeer()
}

// parseClose reads the payload of a close frame; without one the code is CloseNoStatus.
func parseClose(p []byte) (code messages.CloseCode, reason []byte, err error) {
	switch len(p) {
	case 0:
		return messages.CloseNoStatus, nil, nil
	case 1:
		return 0, nil, errClosePayload
	}
	code = messages.CloseCode(p[0])<<8 | messages.CloseCode(p[1])
	if !code.OnWire() {
		return 0, nil, fmt.Errorf("close code: got %s, want one that may be sent", code)
	}
	if !utf8.Valid(p[2:]) {
		return 0, nil, errCloseReason
	}
	return code, p[2:], nil
}
