package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
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
	timer    Timer      // the nearest deadline: dial, close, write stall or idle
	lastRead messages.Stamp
	index    int32 // in loop.conns
	phase    phase
}

// ending is what is known of why a connection ends. The first cause is sticky.
type ending struct {
	cause     messages.Cause
	phase     messages.Phase
	opened    bool
	sentClose bool
	gotClose  bool
	code      messages.CloseCode
	reason    string
	status    int
	unsent    int
	err       error
	at        messages.Stamp
}

// stream is what carries a connection's bytes. Its methods never block. Failures of reading are
// reported to the connection by readFailed.
type stream interface {
	// write gives how many bytes the kernel took. Where that is not all, the connection keeps the rest
	// and offers it again when it is told that the stream is writable.
	write(b []byte) (int, error)
	// close releases the stream at once; reset discards what the kernel still holds.
	close(reset bool)
}

var (
	errEOF            = io.EOF
	errDialTimeout    = errors.New("timed out")
	errCloseTimeout   = errors.New("no close frame from the peer in time")
	errWriteTimeout   = errors.New("the socket took nothing in time")
	errIdleTimeout    = errors.New("nothing was received in time")
	errBacklogClosing = errors.New("the peer does not read")
)

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
	if c.tx != nil && op != messages.OpClose && len(c.tx.buf)-c.tx.head+len(payload) > l.net.opts.MaxBacklog {
		l.traffic.Dropped[messages.DropBacklog]++
		if l.net.opts.CloseOnBacklog {
			c.fail(messages.CauseBacklog, messages.ClosePolicyViolation, errBacklogClosing)
		}
		return messages.ErrBacklog
	}
	frame := l.frame(op, payload)
	if c.tx != nil {
		c.queue(op, frame, len(payload))
		return nil
	}
	n, err := c.st.write(frame)
	l.traffic.SentWire += uint64(n)
	if n == len(frame) {
		l.sent(op, len(payload))
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

func (l *Loop) sent(op messages.Op, payload int) {
	l.traffic.Sent[op]++
	if op.IsData() {
		l.traffic.SentBytes += uint64(payload)
	}
}

// Close starts the closing handshake with code and reason, or cancels the attempt to open. Closed
// follows with the cause local. On a connection that is closing already or has ended it does nothing.
// The code is not checked.
func (c *Conn) Close(code messages.CloseCode, reason string) {
	c.closeFor(messages.CauseLocal, code, reason)
}

// Shutdown is Close with the cause shutdown: it is the rig that ends, not the player.
func (c *Conn) Shutdown() { c.closeFor(messages.CauseShutdown, messages.CloseNormal, "") }

func (c *Conn) closeFor(cause messages.Cause, code messages.CloseCode, reason string) {
	switch c.phase {
	case phaseDialing:
		c.end(cause, nil)
	case phaseOpen:
		c.because(cause, nil)
		c.phase = phaseClosing
		c.sendClose(code, reason)
		c.deadline(c.loop.net.opts.CloseTimeout)
	}
}

// Abort ends the connection at once, without a closing handshake, and resets TCP. Closed follows, with
// this cause if there is no earlier one.
func (c *Conn) Abort(cause messages.Cause, err error) {
	c.endWith(cause, err, true)
}

// sendClose sends our close frame, once. CloseNoStatus sends one without a code.
func (c *Conn) sendClose(code messages.CloseCode, reason string) {
	e := c.ending
	if e.sentClose || c.ended() {
		return
	}
	e.sentClose = true
	if e.code == 0 {
		e.code = code
	}
	var payload []byte
	if code != messages.CloseNoStatus {
		payload = append([]byte{byte(code >> 8), byte(code)}, reason...)
	}
	_ = c.send(messages.OpClose, payload)
}

// because records the cause, unless there is one.
func (c *Conn) because(cause messages.Cause, err error) {
	if c.ending == nil {
		c.ending = &ending{opened: c.phase != phaseDialing}
	}
	if c.ending.cause == messages.CauseNone {
		c.ending.cause, c.ending.err = cause, err
	}
}

// fail ends an open connection whose peer broke a rule: a close frame with code, then the peer's end of
// TCP is awaited and what it still says discarded, since closing with unread bytes would make the
// kernel reset the connection and destroy our own close frame (RFC 6455 §7.1.7).
func (c *Conn) fail(cause messages.Cause, code messages.CloseCode, err error) {
	if c.phase != phaseOpen && c.phase != phaseClosing {
		return
	}
	c.because(cause, err)
	c.sendClose(code, "")
	c.drainPeer()
}

// drainPeer stops listening to the peer and waits for its end of TCP.
func (c *Conn) drainPeer() {
	if c.ended() {
		return
	}
	c.phase = phaseDraining
	c.releaseRX()
	c.deadline(c.loop.net.opts.CloseTimeout)
}

// end closes the socket and queues Closed.
func (c *Conn) end(cause messages.Cause, err error) { c.endWith(cause, err, false) }

func (c *Conn) endWith(cause messages.Cause, err error, reset bool) {
	if c.ended() {
		return
	}
	l := c.loop
	c.because(cause, err)
	e := c.ending
	if c.hs != nil {
		e.phase = c.hs.phase
		c.releaseHandshake()
	}
	l.timers.unset(&c.timer)
	if c.st != nil {
		c.st.close(reset)
		c.st = nil
	}
	e.unsent = c.dropBacklog()
	c.releaseRX()
	c.phase = phaseEnded
	last := len(l.conns) - 1
	l.conns[c.index] = l.conns[last]
	l.conns[c.index].index = c.index
	l.conns[last] = nil
	l.conns = l.conns[:last]
	e.at = messages.Now()
	l.Defer(c, nil)
}

// RunOnLoop implements Runner: it tells the handler that the connection has ended.
func (c *Conn) RunOnLoop(any) {
	c.loop.blame = c.handler
	e := c.ending
	code := e.code
	if code == 0 {
		code = messages.CloseAbnormal
	}
	c.loop.closed = messages.Closed{
		Cause: e.cause, Opened: e.opened, Phase: e.phase, Code: code, Reason: e.reason,
		Clean: e.sentClose && e.gotClose, Status: e.status, Unsent: e.unsent, Err: e.err, At: e.at,
	}
	c.handler.Closed(&c.loop.closed)
}

// deadline arms the timer for d from now; off if d is negative.
func (c *Conn) deadline(d time.Duration) {
	if d < 0 {
		c.loop.timers.unset(&c.timer)
		return
	}
	c.loop.timers.set(&c.timer, messages.Now().Add(d), c)
}

// Alarm implements the timer's callback.
func (c *Conn) Alarm(_ *Timer, now messages.Stamp) {
	c.loop.blame = c
	switch c.phase {
	case phaseDialing:
		c.end(messages.CauseConnectTimeout, errDialTimeout)
	case phaseClosing:
		c.end(c.ending.cause, nil)
		if c.ending.err == nil {
			c.ending.err = errCloseTimeout
		}
	case phaseDraining:
		c.end(c.ending.cause, nil)
	case phaseOpen:
		c.checkStalls(now)
	}
}

// checkStalls ends the connection if it is past one of its limits, else waits for the nearest.
func (c *Conn) checkStalls(now messages.Stamp) {
	o := &c.loop.net.opts
	var next messages.Stamp
	if c.tx != nil && o.WriteTimeout > 0 {
		if next = c.tx.since.Add(o.WriteTimeout); now >= next {
			c.end(messages.CauseWriteTimeout, errWriteTimeout)
			return
		}
	}
	if o.IdleTimeout > 0 {
		idle := c.lastRead.Add(o.IdleTimeout)
		if now >= idle {
			c.fail(messages.CauseIdleTimeout, messages.CloseGoingAway, errIdleTimeout)
			return
		}
		if next == 0 || idle < next {
			next = idle
		}
	}
	if next != 0 {
		c.loop.timers.set(&c.timer, next, c)
	}
}

// readFailed is told by the stream that nothing more can be read, and why.
func (c *Conn) readFailed(err error) {
	if c.hs != nil {
		c.handshakeReadFailed(err)
		return
	}
	if e := c.ending; err == errEOF && e != nil && e.cause == messages.CauseNone {
		err = e.err // the kernel told the failure to a write, and tells it once
	}
	if err == errEOF {
		c.end(messages.CauseEOF, nil)
		return
	}
	c.end(causeOf(err), err)
}

// writeFailed notes that the peer is gone. What it said before, a close frame perhaps, may still be
// unread and tell more than the failed write; the read that follows finds it, or the end.
func (c *Conn) writeFailed(err error) {
	if c.hs != nil || !peerGone(err) {
		c.end(causeOf(err), err)
		return
	}
	if c.ending == nil {
		c.ending = &ending{opened: true, err: err}
	}
}
