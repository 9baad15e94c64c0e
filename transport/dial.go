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
	tls   *tls.Conn // on it; nil for ws
	phase messages.Phase
	times [messages.NumPhases]time.Duration
	err   error
}

// dialStream connects to address, and shakes hands over TLS if asked for, off the loop.
func (c *Conn) dialStream(address string) {
	c.enter(messages.PhaseConnect)
	l, hs, n := c.loop, c.hs, c.loop.net
	var from lease
	if to, err := netip.ParseAddrPort(address); err == nil && n.opts.Dial == nil {
		from = n.sources.take(to, hs.sources)
	}
	var cfg *tls.Config
	if hs.target.secure {
		cfg = n.tlsConfig(hs.target, hs.jar)
	}
	inTLS := func() { // so that who gives up meanwhile knows where it was
		l.Post(runFunc(func() {
			if c.hs == hs {
				hs.phase = messages.PhaseTLS
			}
		}), nil)
	}
	c.job(func(ctx context.Context) (then, lost func()) {
		d := n.dial(ctx, address, from, cfg, inTLS)
		then = func() { c.dialed(&d, from) }
		lost = func() {
			from.release()
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

// dial runs off the loop, as does inTLS, which is called once TCP is up. cfg is nil for ws.
func (n *Network) dial(ctx context.Context, address string, from lease, cfg *tls.Config, inTLS func()) (d dialed) {
	if n.opts.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.DialTimeout)
		defer cancel()
	}
	began := messages.Now()
	d.phase = messages.PhaseConnect
	nc, err := n.reach(ctx, address, from)
	d.times[messages.PhaseConnect] = max(1, messages.Now().Sub(began))
	if err != nil {
		d.err = err
		return d
	}
	d.wire = &meter{Conn: nc}
	if cfg == nil {
		return d
	}
	inTLS()
	began = messages.Now()
	d.phase = messages.PhaseTLS
	tc := tls.Client(d.wire, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = d.wire.Close()
		d.wire, d.err = nil, fmt.Errorf("tls: %w", err)
	} else {
		d.tls = tc
	}
	d.times[messages.PhaseTLS] = max(1, messages.Now().Sub(began))
	return d
}

// reach opens a byte stream to address.
func (n *Network) reach(ctx context.Context, address string, from lease) (net.Conn, error) {
	if n.opts.Dial != nil {
		return n.opts.Dial(ctx, "tcp", address)
	}
	nd := net.Dialer{KeepAlive: -1}
	if from.addr().IsValid() {
		nd.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from.addr(), 0))
		nd.Control = bindControl
	}
	return nd.DialContext(ctx, "tcp", address)
}

// tlsConfig makes the configuration for one handshake.
func (n *Network) tlsConfig(t *target, jar *Jar) *tls.Config {
	cfg := n.tls.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = t.host
	}
	if t.certificate != nil {
		cfg.Certificates, cfg.GetClientCertificate = []tls.Certificate{*t.certificate}, nil
	}
	if jar != nil && !n.opts.NoResume && cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = (*sessions)(jar)
	}
	return cfg
}
