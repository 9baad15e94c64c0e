package transport

import (
	"errors"
	"net/netip"

	"github.com/loadrig/loadrig/messages"
)

// resolve looks up what has to be known here: the next hop, and before it the server, where a proxy is to be
// given its address.
func (c *Conn) resolve() {
	hs := c.hs
	switch w := &hs.target.way; {
	case w.unix != "":
		c.dialStream("unix", w.unix)
	case w.proxy != nil && w.proxy.resolvesHere():
		c.lookup(w.server.host, func(addrs []netip.Addr, err error) {
			if err != nil {
				c.end(messages.CauseResolve, err)
				return
			}
			hs.server = addrs
			c.resolveHop()
		})
	default:
		c.resolveHop()
	}
}

func (c *Conn) resolveHop() {
	w := &c.hs.target.way
	if c.loop.net.opts.Dial != nil {
		c.dialStream("tcp", w.hop.String())
		return
	}
	c.lookup(w.hop.host, func(addrs []netip.Addr, err error) {
		switch {
		case err == nil:
			c.connectTo(addrs)
		case w.proxy != nil:
			c.end(messages.CauseProxy, w.proxy.fail(proxyUnreached, err))
		default:
			c.end(messages.CauseResolve, err)
		}
	})
}

// lookup calls then with the addresses of host: at once where they are known, else in a later turn.
func (c *Conn) lookup(host string, then func([]netip.Addr, error)) {
	hs, l := c.hs, c.loop
	c.enter(messages.PhaseResolve)
	addrs, ok := l.net.resolver.lookup(host, func(addrs []netip.Addr, err error) {
		l.Post(runFunc(func() {
			if c.hs != hs {
				return
			}
			l.blame = c
			c.leave()
			then(addrs, err)
		}), nil)
	})
	if ok {
		then(addrs, nil)
	}
}

// connectTo tries the first of addrs; the others follow if it cannot be reached.
func (c *Conn) connectTo(addrs []netip.Addr) {
	hs := c.hs
	hs.addrs = addrs
	w := &hs.target.way
	to := netip.AddrPortFrom(addrs[0], w.hop.port)
	// The number of a zone is not to be had without asking the kernel for all interfaces.
	if hs.target.secure || w.proxy != nil || to.Addr().Zone() != "" || c.loop.net.opts.Engine == EngineGoroutine {
		c.dialStream("tcp", to.String())
		return
	}
	c.enter(messages.PhaseConnect)
	if err := c.dialFD(to); err != nil {
		c.connectFailed(err)
	}
}

// connectFailed goes on with the next source address, or the next address of a name, or gives up.
func (c *Conn) connectFailed(err error) {
	hs := c.hs
	if c.st != nil {
		c.st.close(false)
		c.st = nil
	}
	c.leave()
	var through *proxyError
	reached := errors.As(err, &through) && through.stage != proxyUnreached
	switch {
	case reached && (through.stage != proxyBeyond || len(hs.server) < 2):
		c.end(causeOf(err), err)
	case reached: // the proxy is fine; the server may have another address that it can reach
		hs.server = hs.server[1:]
		if len(hs.addrs) == 0 { // Options.Dial has none
			c.resolveHop()
			return
		}
		c.connectTo(hs.addrs)
	case noPortLeft(err) && hs.sources.number+1 < c.loop.net.sources.choices(hs.addrs):
		hs.sources.number++
		c.connectTo(hs.addrs)
	case len(hs.addrs) > 1 && !isAny(err, errnoResource):
		// Not only where refused: without IPv6, ::1 for instance is an address that cannot be had.
		hs.sources = tried{}
		c.connectTo(hs.addrs[1:])
	default:
		c.end(causeOf(err), err)
	}
}
