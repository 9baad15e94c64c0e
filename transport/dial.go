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
	wire  *meter    // the connection; nil if there is none
	over  net.Conn  // TLS to a proxy on it; nil if there is none
	tls   *tls.Conn // on these; nil for ws
	phase messages.Phase
	times [messages.NumPhases]time.Duration
	err   error
}

// call is what is to be dialed off the loop.
type call struct {
	network, address string
	from             lease
	proxy            *proxy      // at address; nil if there is none
	server           string      // what the proxy is asked for
	tls              *tls.Config // nil for ws
}

// dialStream connects to address, goes through the proxy if there is one, and shakes hands over TLS if asked
// for, off the loop.
func (c *Conn) dialStream(network, address string) {
	c.enter(messages.PhaseConnect)
	l, hs, n := c.loop, c.hs, c.loop.net
	to := call{network: network, address: address, proxy: hs.target.way.proxy, server: hs.target.way.server.String()}
	if len(hs.server) > 0 {
		to.server = netip.AddrPortFrom(hs.server[0], hs.target.way.server.port).String()
	}
	if at, err := netip.ParseAddrPort(address); err == nil && n.opts.Dial == nil {
		to.from = n.sources.take(at, &hs.sources)
	}
	if hs.target.secure {
		to.tls = n.tlsConfig(hs.target, hs.jar)
	}
	inTLS := func() { // so that who gives up meanwhile knows where it was
		l.Post(runFunc(func() {
			if c.hs == hs {
				hs.phase = messages.PhaseTLS
			}
		}), nil)
	}
	c.job(func(ctx context.Context) (then, lost func()) {
		d := n.dial(ctx, &to, inTLS)
		then = func() { c.dialed(&d, to.from) }
		lost = func() {
			to.from.release()
			if d.wire != nil {
				_ = d.wire.Close()
			}
		}
		return then, lost
	})
}

// dialed takes what dialStream gave, back on the loop.
func (c *Conn) dialed(d *dialed, from lease) {
	hs := c.hs
	for p, t := range d.times {
		hs.times.Phases[p] += t
	}
	hs.phase = d.phase
	if d.err == nil {
		if d.err = c.adopt(d, from); d.err == nil {
			c.begin()
			return
		}
		_ = d.wire.Close()
		hs.phase, d.phase = messages.PhaseConnect, messages.PhaseConnect
	}
	from.release()
	if d.phase == messages.PhaseTLS {
		cause := messages.CauseTLS
		if errors.Is(d.err, context.DeadlineExceeded) {
			cause = messages.CauseConnectTimeout // as the connection's own timer has it
		}
		c.end(cause, d.err)
		return
	}
	hs.began = messages.Now()
	c.connectFailed(d.err)
}

// dial runs off the loop, as does inTLS, which is called once bytes reach the server.
func (n *Network) dial(ctx context.Context, to *call, inTLS func()) (d dialed) {
	if n.opts.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.DialTimeout)
		defer cancel()
	}
	began := messages.Now()
	d.phase = messages.PhaseConnect
	var over net.Conn
	nc, err := n.reach(ctx, to)
	switch {
	case err == nil:
		d.wire = &meter{Conn: nc}
		over = d.wire
		if to.proxy != nil {
			d.over, err = n.through(ctx, to.proxy, d.wire, to.server)
		}
		if d.over != nil {
			over = d.over
		}
	case to.proxy != nil:
		err = to.proxy.fail(proxyUnreached, err)
	}
	d.times[messages.PhaseConnect] = max(1, messages.Now().Sub(began))
	if err != nil {
		if d.wire != nil {
			_ = d.wire.Close()
		}
		d.wire, d.err = nil, err
		return d
	}
	if to.tls == nil {
		return d
	}
	inTLS()
	began = messages.Now()
	d.phase = messages.PhaseTLS
	tc := tls.Client(over, to.tls)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = d.wire.Close()
		d.wire, d.err = nil, fmt.Errorf("tls: %w", err)
	} else {
		d.tls = tc
	}
	d.times[messages.PhaseTLS] = max(1, messages.Now().Sub(began))
	return d
}

// reach opens a byte stream to the next hop.
func (n *Network) reach(ctx context.Context, to *call) (net.Conn, error) {
	if n.opts.Dial != nil {
		return n.opts.Dial(ctx, to.network, to.address)
	}
	nd := net.Dialer{KeepAlive: -1}
	if to.network == "unix" {
		return reachUnix(ctx, &nd, to.address)
	}
	if from := to.from.addr(); from.IsValid() {
		nd.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		nd.Control = bindControl
	}
	return nd.DialContext(ctx, to.network, to.address)
}

// tlsConfig makes the configuration for one handshake.
func (n *Network) tlsConfig(t *target, jar *Jar) *tls.Config {
	cfg := n.tls.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = withoutZone(t.host)
	}
	if t.certificate != nil {
		cfg.Certificates, cfg.GetClientCertificate = []tls.Certificate{*t.certificate}, nil
	}
	if jar != nil && !n.opts.NoResume && cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = (*sessions)(jar)
	}
	return cfg
}
