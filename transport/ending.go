package transport

import (
	"errors"
	"fmt"

	"github.com/loadrig/loadrig/messages"
)

// ending is what is known of why a connection ends. The first cause is sticky.
type ending struct {
	cause  messages.Cause
	phase  messages.Phase
	opened bool

	askedClose bool // our close frame was built
	sentClose  bool // and the kernel has it
	gotClose   bool
	peerFirst  bool               // the peer's close frame came before ours was built
	code       messages.CloseCode // ours
	peerCode   messages.CloseCode
	reason     string // the peer's

	status int
	unsent int
	err    error
	at     messages.Stamp
}

var errBacklogClosing = errors.New("the peer does not read")

// Close starts the closing handshake with code and reason, or cancels the attempt to open. Closed
// follows with the cause local. On a connection that is closing already or has ended it does nothing.
// The code and the length of reason are not checked.
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
	if e.askedClose || c.ended() {
		return
	}
	e.askedClose, e.code = true, code
	var payload []byte
	if code != messages.CloseNoStatus {
		payload = append([]byte{byte(code >> 8), byte(code)}, reason...)
	}
	_ = c.send(messages.OpClose, payload)
}

// because records the cause, unless there is one; and its details, unless there are some.
func (c *Conn) because(cause messages.Cause, err error) {
	if c.ending == nil {
		c.ending = &ending{opened: c.phase != phaseDialing}
	}
	switch e := c.ending; {
	case e.cause == messages.CauseNone:
		e.cause, e.err = cause, err
	case e.cause == cause && e.err == nil:
		e.err = err
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

// giveUp silences a connection after a panic, for internal reasons, until it is aborted; should nobody
// do that, it ends with its peer or at the close timeout.
func (c *Conn) giveUp() {
	if !c.ended() {
		c.because(messages.CauseInternal, nil)
		c.drainPeer()
	}
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
	l.codec.close(c.deflate)
	c.deflate = nil
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
	code, reason := e.closeCode()
	c.loop.closed = messages.Closed{
		Cause: e.cause, Opened: e.opened, Phase: e.phase, Code: code, Reason: reason,
		Clean: e.sentClose && e.gotClose, Status: e.status, Unsent: e.unsent, Err: e.err, At: e.at,
	}
	if e.opened {
		c.loop.closed.Lasted = e.at.Sub(c.since)
	}
	c.handler.Closed(&c.loop.closed)
}

// closeCode gives the first close code that crossed the wire, with the reason if it is the peer's. Ours
// counts only if the kernel has it, and then from when it was built: what the peer says afterwards is
// its answer.
func (e *ending) closeCode() (messages.CloseCode, string) {
	switch {
	case e.gotClose && (e.peerFirst || !e.sentClose):
		return e.peerCode, e.reason
	case e.sentClose:
		return e.code, ""
	default:
		return messages.CloseAbnormal, ""
	}
}

// readFailed is told by the stream that nothing more can be read, and why.
func (c *Conn) readFailed(err error) {
	cause := c.causeOfLoss(err)
	if cause != messages.CauseEOF {
		c.end(cause, err)
		return
	}
	err = nil
	switch e := c.ending; {
	case c.hs != nil:
		err = errors.New("the peer ended the connection before it answered")
	case e != nil && e.cause == messages.CauseNone && e.err != nil:
		err = e.err // the kernel told the failure to a write, and tells it once
		cause = c.causeOfLoss(err)
	}
	c.end(cause, err)
}

// writeFailed notes that the peer is gone. What it said before, a close frame perhaps, may still be
// unread and tell more than the failed write; the read that follows finds it, or the end.
func (c *Conn) writeFailed(err error) {
	if c.hs != nil || !peerGone(err) {
		c.end(c.causeOfLoss(err), err)
		return
	}
	if c.ending == nil {
		c.ending = &ending{opened: true, err: fmt.Errorf("write: %w", err)}
	}
}

// causeOfLoss is causeOf for a connection that was up: what would mean that it could not be made means
// that it was lost.
func (c *Conn) causeOfLoss(err error) messages.Cause {
	cause := causeOf(err)
	if c.hs == nil && (cause == messages.CauseRefused || cause == messages.CauseConnectTimeout) {
		return messages.CauseReset
	}
	return cause
}
