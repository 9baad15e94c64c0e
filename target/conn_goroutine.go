package target

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

const portionSize = 16 << 10 // the read buffer of a connection's goroutine

// goConn is one connection with a goroutine. Its write blocks while the peer does not read, which is
// all the back-pressure there has to be.
type goConn struct {
	// Static after construction.
	nc *net.TCPConn

	// Atomic.
	away atomic.Bool // set before the read under way is cut short

	// Owned by the connection's goroutine.
	session session
	parted  bool // away was obeyed
	out     []byte
}

func (c *goConn) run() {
	defer c.nc.Close()
	c.readBy(c.session.host.opts.HandshakeTimeout)
	in := make([]byte, portionSize)
	for c.session.phase != done {
		n, err := c.nc.Read(in)
		c.took(in[:n], err)
		// Looked at after took, which may have lifted the very deadline that was to cut the
		// read short.
		if c.away.Load() && !c.parted {
			c.part()
		}
	}
}

// took handles what a read gave.
func (c *goConn) took(in []byte, err error) {
	was := c.session.phase
	out := c.session.feed(in, c.out[:0])
	if cap(out) <= portionSize {
		c.out = out // kept for the next read; a bigger one is not, as idle connections are many
	}
	if len(out) > 0 {
		if c.session.phase >= lingering {
			_ = c.nc.SetWriteDeadline(time.Now().Add(c.session.host.opts.CloseTimeout))
		}
		if _, werr := c.nc.Write(out); werr != nil {
			err = werr
		}
	}
	var late net.Error
	switch {
	case err == nil:
	case !errors.As(err, &late) || !late.Timeout():
		c.session.end(done)
	case c.parted || !c.away.Load():
		c.session.expire()
	}
	if now := c.session.phase; now != was {
		c.entered(now)
	}
}

// entered does what a new phase asks for.
func (c *goConn) entered(p phase) {
	switch p {
	case open:
		_ = c.nc.SetReadDeadline(time.Time{})
	case lingering:
		// Closing with input unread would reset the connection, and the reset may overtake our
		// last word. So only our direction ends, and the peer's is read to its end.
		_ = c.nc.CloseWrite()
		c.readBy(c.session.host.opts.CloseTimeout)
	}
}

// part obeys away.
func (c *goConn) part() {
	c.parted = true
	c.readBy(c.session.host.opts.CloseTimeout)
	if out := c.session.goAway(nil); len(out) > 0 {
		if _, err := c.nc.Write(out); err != nil {
			c.session.end(done)
		}
	}
}

func (c *goConn) readBy(d time.Duration) { _ = c.nc.SetReadDeadline(time.Now().Add(d)) }
