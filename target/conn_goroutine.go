package target

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/messages"
)

const portionSize = 16 << 10 // the read buffer of a connection's goroutine

// goConn is one connection with a goroutine. Its write blocks while the peer does not read, which is
// all the back-pressure there has to be. Where others have the peer sent messages too, it has an outbox
// and the session is under the host's lock.
type goConn struct {
	// Static after construction.
	nc  *net.TCPConn
	box *outbox // nil where nothing is pushed

	// Atomic.
	away atomic.Bool // set before the read under way is cut short
	slow atomic.Bool // likewise, under the host's lock

	// Owned by the connection's goroutine, under the host's lock where there is a box.
	session session
	parted  bool // away was obeyed
	out     []byte
}

func newGoConn(nc *net.TCPConn, h *host) *goConn {
	c := &goConn{nc: nc, session: session{host: h}}
	if h.talk != nil || h.holder != nil {
		c.session.guest = &guest{session: &c.session, line: c}
		if h.holder != nil {
			c.session.guest.number = h.holder.common.numbers.Add(1)
		}
	}
	if h.shared.pushes() {
		c.box = newOutbox(nc, h.opts.MaxBacklog)
	}
	return c
}

func (c *goConn) run() {
	defer c.nc.Close()
	if c.box != nil {
		written := make(chan struct{})
		go func() {
			defer close(written)
			c.box.run()
		}()
		defer func() {
			_ = c.nc.SetWriteDeadline(time.Now().Add(c.session.host.opts.CloseTimeout))
			c.box.end()
			<-written
		}()
	}
	c.readBy(c.session.host.opts.HandshakeTimeout)
	in := make([]byte, portionSize)
	for c.session.phase != done {
		n, err := c.nc.Read(in)
		if h := c.session.host.holder; h != nil {
			h.standStill()
		}
		c.took(in[:n], err)
		// Looked at after took, which may have lifted the very deadline that was to cut the
		// read short.
		if c.away.Load() && !c.parted {
			c.parted = true
			c.readBy(c.session.host.opts.CloseTimeout)
			c.act(c.session.goAway)
		}
		if c.slow.Load() {
			c.act(c.session.tooSlow)
			c.slow.Store(false)
		}
	}
}

// took handles what a read gave.
func (c *goConn) took(in []byte, err error) {
	h, now := c.session.host.holder, messages.Now()
	c.act(func(out []byte) []byte {
		if h != nil {
			h.read = now
		}
		return c.session.feed(in, out)
	})
	var late net.Error
	switch {
	case err == nil:
	case !errors.As(err, &late) || !late.Timeout():
		c.act(func(out []byte) []byte { c.session.end(done); return out })
	case c.parted || !c.away.Load() && !c.slow.Load():
		c.act(c.session.expire)
	}
}

// act has the session do something, writes what comes of it, and does what a new phase asks for.
func (c *goConn) act(f func(out []byte) []byte) {
	if c.box != nil {
		c.session.host.mu.Lock()
	}
	was := c.session.phase
	out := f(c.out[:0])
	now := c.session.phase
	if c.box != nil {
		c.box.add(out) // before anybody can push what comes after it
		c.session.host.mu.Unlock()
	}
	if cap(out) <= portionSize {
		c.out = out // kept for the next read; a bigger one is not, as idle connections are many
	}
	if len(out) > 0 {
		if now >= lingering {
			_ = c.nc.SetWriteDeadline(time.Now().Add(c.session.host.opts.CloseTimeout))
		}
		if c.box == nil {
			if _, err := c.nc.Write(out); err != nil {
				c.session.end(done)
				now = done
			}
		}
	}
	if c.box != nil && (len(out) > 0 || c.session.host.holder != nil) {
		c.box.pause() // also for answers that were held back
	}
	if now != was {
		c.entered(now)
	}
}

// entered does what a new phase asks for.
func (c *goConn) entered(p phase) {
	switch p {
	case open:
		if d := c.session.life(); d > 0 {
			c.readBy(d)
			return
		}
		_ = c.nc.SetReadDeadline(time.Time{})
	case lingering:
		if c.box != nil {
			c.box.drain()
		}
		// Closing with input unread would reset the connection, and the reset may overtake our
		// last word. So only our direction ends, and the peer's is read to its end.
		_ = c.nc.CloseWrite()
		c.readBy(c.session.host.opts.CloseTimeout)
	}
}

// push implements line, under the host's lock.
func (c *goConn) push(frame []byte) bool {
	if c.slow.Load() {
		return false
	}
	if !c.box.push(frame) {
		c.slow.Store(true)
		// Ends a read or, in time, a wait for room.
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.session.host.opts.CloseTimeout))
		return false
	}
	return true
}

// answer implements line, under the host's lock.
func (c *goConn) answer(frame []byte) { c.box.add(frame) }

func (c *goConn) readBy(d time.Duration) { _ = c.nc.SetReadDeadline(time.Now().Add(d)) }
