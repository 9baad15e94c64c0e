package transport

import (
	"fmt"
	"net"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

// Handler is told what happens to a connection, on its loop. The events are reused: they live until the
// method returns.
type Handler interface {
	// Opened is called at most once, when the opening handshake succeeded.
	Opened(*messages.Opened)
	// Message is called for each data message, and for each ping (already answered) and pong.
	Message(*messages.Message)
	// Closed is called exactly once, last, whether or not the connection ever opened.
	Closed(*messages.Closed)
}

// phase is where a connection is in its life.
type phase uint8

const (
	phaseDialing  phase = iota // everything before the upgrade is accepted; hs is set
	phaseOpen                  // messages may pass
	phaseClosing               // our close frame is sent or waits its turn; the peer's is awaited
	phaseDraining              // nothing more is said; awaiting the peer's end of TCP, discarding
	phaseEnded                 // the socket is closed, Closed is queued or told
)

// Conn is one client WebSocket connection. All of it belongs to its loop.
type Conn struct {
	loop     *Loop
	handler  Handler
	st       stream
	hs       *handshake // nil once open
	rx       *assembly  // nil between messages
	tx       *backlog   // nil while the socket takes everything
	ending   *ending    // nil while healthy
	ka       *keepalive // nil unless the connection sends pings by itself
	deflate  *deflation // nil unless messages may be compressed
	timer    Timer      // the nearest deadline: dial, close, write stall, idle or ping
	lastRead messages.Stamp
	since    messages.Stamp // when it opened
	index    int32          // in loop.conns
	phase    phase
}

// stream is what carries a connection's bytes. Its methods never block. Failures of reading are
// reported to the connection by readFailed. It counts the bytes that cross the wire, which over TLS are
// others than the connection's own.
type stream interface {
	// write gives how many bytes the kernel took. Where that is not all, the connection keeps the rest
	// and offers it again when it is told that the stream is writable.
	write(b []byte) (int, error)
	// close releases the stream at once; reset discards what the kernel still holds.
	close(reset bool)
	// moved gives when the kernel last took something that write has yet to tell of; since, if that was not
	// after since.
	moved(since messages.Stamp) messages.Stamp
}

func (c *Conn) ended() bool { return c.phase == phaseEnded }

// Open tells whether messages may be sent.
func (c *Conn) Open() bool { return c.phase == phaseOpen }

// Closing tells whether the connection was open and a closing handshake is under way.
func (c *Conn) Closing() bool { return c.phase == phaseClosing || c.phase == phaseDraining }

// Pending gives the number of messages that wait for the socket.
func (c *Conn) Pending() int {
	if c.tx == nil {
		return 0
	}
	n := len(c.tx.frames) - c.tx.first
	if n > 0 && c.tx.frames[c.tx.first].request {
		n--
	}
	return n
}

// Send sends one message, which it copies. op is OpText, OpBinary, OpPing or OpPong. A nil error means
// that the message was handed to the kernel or waits in the backlog; it does not mean that the peer
// has it. Errors: messages.ErrNotUTF8, ErrTooLong, ErrBacklog (dropped and counted), ErrClosing, and
// net.ErrClosed.
func (c *Conn) Send(op messages.Op, payload []byte) error {
	switch {
	case c.phase == phaseClosing || c.phase == phaseDraining:
		return messages.ErrClosing
	case c.phase != phaseOpen:
		return net.ErrClosed
	case op >= messages.OpClose:
		return fmt.Errorf("op: got %s, want text, binary, ping or pong", op)
	case op == messages.OpText && !utf8.Valid(payload):
		return messages.ErrNotUTF8
	case !op.IsData() && len(payload) > ws.MaxControlFramePayloadSize:
		return fmt.Errorf("%w: got %d bytes, want at most %d", messages.ErrTooLong, len(payload), ws.MaxControlFramePayloadSize)
	}
	return c.send(op, payload)
}

// send writes a frame without asking whether it may be sent.
func (c *Conn) send(op messages.Op, payload []byte) error {
	l := c.loop
	l.traffic.Asked++
	// What is left of the request is no message that one may have to wait for.
	if c.Pending() > 0 && op != messages.OpClose && len(c.tx.buf)-c.tx.head >= l.net.opts.MaxBacklog {
		l.traffic.Dropped[messages.DropBacklog]++
		if l.net.opts.CloseOnBacklog {
			c.fail(messages.CauseBacklog, messages.ClosePolicyViolation, errBacklogClosing)
		}
		return messages.ErrBacklog
	}
	wire, packed := c.pack(op, payload)
	frame := l.frame(op, wire)
	if packed {
		c.packedFrame(frame, payload)
	}
	if c.tx != nil {
		c.queue(op, frame, len(payload))
		return nil
	}
	n, err := c.st.write(frame)
	if n == len(frame) {
		c.sent(op, len(payload))
		return nil
	}
	if err != nil {
		l.traffic.Dropped[messages.DropClosed]++
		c.writeFailed(err)
		return fmt.Errorf("%w: %w", net.ErrClosed, err)
	}
	c.queue(op, frame[n:], len(payload))
	return nil
}

// frame builds a masked frame in the scratch.
func (l *Loop) frame(op messages.Op, payload []byte) []byte {
	mask := uint32(l.random.Uint64())
	b := appendFrame(l.scratch[:0], wireOp(op), mask, payload)
	if cap(b) <= maxScratch {
		l.scratch = b
	}
	return b
}

// sent counts a message whose last byte the kernel has.
func (c *Conn) sent(op messages.Op, payload int) {
	t := &c.loop.traffic
	t.Sent[op]++
	switch {
	case op.IsData():
		t.SentBytes += uint64(payload)
	case op == messages.OpClose:
		c.ending.sentClose = true
	}
}
