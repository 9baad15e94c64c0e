package transport

import (
	"errors"
	"time"

	"github.com/loadrig/loadrig/messages"
)

var (
	errDialTimeout  = errors.New("timed out")
	errCloseTimeout = errors.New("no close frame from the peer in time")
	errWriteTimeout = errors.New("the socket took nothing in time")
	errIdleTimeout  = errors.New("nothing was received in time")
)

// deadline arms the timer for d from now; off if d is negative.
func (c *Conn) deadline(d time.Duration) {
	if d < 0 || c.ended() {
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
		err := errDialTimeout
		if t := c.hs.target; t != nil && t.way.proxy != nil && c.hs.phase == messages.PhaseConnect {
			err = t.way.proxy.fail(proxyBeyond, err)
		}
		c.end(messages.CauseConnectTimeout, err)
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

// watchStalls arms the timer for the nearest limit of an open connection. It only arms: it is called in
// the middle of writing, where a connection must not be ended or say more.
func (c *Conn) watchStalls() {
	o := &c.loop.net.opts
	var next messages.Stamp
	if c.tx != nil && o.WriteTimeout > 0 {
		next = c.tookLast().Add(o.WriteTimeout)
	}
	if o.IdleTimeout > 0 {
		if idle := c.lastRead.Add(o.IdleTimeout); next == 0 || idle < next {
			next = idle
		}
	}
	if c.ka != nil && (next == 0 || c.ka.due < next) {
		next = c.ka.due
	}
	if next != 0 {
		c.loop.timers.set(&c.timer, next, c)
	}
}

// tookLast tells when the socket last took something of the backlog.
func (c *Conn) tookLast() messages.Stamp { return c.st.moved(c.tx.since) }

// checkStalls ends the connection if it is past one of its limits, else sends the ping that is due, if any,
// and waits for the nearest.
func (c *Conn) checkStalls(now messages.Stamp) {
	o := &c.loop.net.opts
	switch {
	case c.tx != nil && o.WriteTimeout > 0 && now >= c.tookLast().Add(o.WriteTimeout):
		c.end(messages.CauseWriteTimeout, errWriteTimeout)
	case o.IdleTimeout > 0 && now >= c.lastRead.Add(o.IdleTimeout):
		c.fail(messages.CauseIdleTimeout, messages.CloseGoingAway, errIdleTimeout)
	default:
		if c.ka != nil && now >= c.ka.due {
			c.pingDue(now)
		}
		if c.phase == phaseOpen { // a ping may have found the backlog full, where that ends the connection
			c.watchStalls()
		}
	}
}
