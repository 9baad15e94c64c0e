package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// dialed is what dialing off the loop gave.
type dialed struct {
	nc    net.Conn
	phase messages.Phase
	times [messages.NumPhases]time.Duration
	err   error
}

// dialStream connects to address, and shakes hands over TLS if asked for, off the loop.
func (c *Conn) dialStream(address string) {
	c.enter(messages.PhaseConnect)
	n, secure, host := c.loop.net, c.hs.target.secure, c.hs.target.host
	var from lease
	if to, err := netip.ParseAddrPort(address); err == nil && n.opts.Dial == nil {
		from = n.sources.take(to, c.hs.sources)
	}
	l, hs := c.loop, c.hs
	inTLS := func() { // so that who gives up meanwhile knows where it was
		l.Post(runFunc(func() {
			if c.hs == hs {
				hs.phase = messages.PhaseTLS
			}
		}), nil)
	}
	c.job(func(ctx context.Context) (then, lost func()) {
		d := n.dial(ctx, address, from, secure, host, inTLS)
		then = func() {
			for p, t := range d.times {
				hs.times.Phases[p] += t
			}
			hs.phase = d.phase
			switch {
			case d.err == nil:
				c.st = newNetStream(c, d.nc, from)
				c.begin()
			case d.phase == messages.PhaseTLS:
				from.release()
				cause := messages.CauseTLS
				if errors.Is(d.err, context.DeadlineExceeded) {
					cause = messages.CauseConnectTimeout // as the connection's own timer has it
				}
				c.end(cause, d.err)
			default:
				from.release()
				hs.began = messages.Now()
				c.connectFailed(d.err)
			}
		}
		lost = func() {
			from.release()
			if d.nc != nil {
				_ = d.nc.Close()
			}
		}
		return then, lost
	})
}

// dial runs off the loop, as does inTLS, which is called once TCP is up.
func (n *Network) dial(ctx context.Context, address string, from lease, secure bool, host string, inTLS func()) (d dialed) {
	if n.opts.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.DialTimeout)
		defer cancel()
	}
	dial := n.opts.Dial
	if dial == nil {
		var nd net.Dialer
		if from.addr().IsValid() {
			nd.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from.addr(), 0))
			nd.Control = bindControl
		}
		nd.KeepAlive = -1
		dial = nd.DialContext
	}
	began := messages.Now()
	d.phase = messages.PhaseConnect
	d.nc, d.err = dial(ctx, "tcp", address)
	d.times[messages.PhaseConnect] = max(1, messages.Now().Sub(began))
	if d.err != nil || !secure {
		return d
	}
	inTLS()
	began = messages.Now()
	d.phase = messages.PhaseTLS
	cfg := n.tls
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	tc := tls.Client(d.nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = d.nc.Close()
		d.nc, d.err = nil, fmt.Errorf("tls: %w", err)
	} else {
		d.nc = tc
	}
	d.times[messages.PhaseTLS] = max(1, messages.Now().Sub(began))
	return d
}
