package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// probeTimeout bounds Probe, besides Options.DialTimeout.
const probeTimeout = 10 * time.Second

// Probe finds what would keep every connection from being made and is no server's fault, before the first: a
// name that cannot be looked up, a proxy that cannot be reached or refuses, a Unix socket that is not there. It
// gives a *messages.FieldError that names URL, Headers, ConnectTo, Proxy or UnixSocket.
//
// It looks names up, and where there is a proxy it goes through it to the server and hangs up. A server that
// does not answer is no mistake: nil, as where this machine runs out.
func (n *Network) Probe(ctx context.Context, connect *messages.Connect) error {
	limit := probeTimeout
	if n.opts.DialTimeout > 0 {
		limit = min(limit, n.opts.DialTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	wrong := func(field string, err error) error { return &messages.FieldError{Field: field, Err: err} }
	t, err := n.compile(connect)
	switch {
	case errors.Is(err, messages.ErrBadHeader):
		return wrong("Headers", err)
	case err != nil:
		return wrong("URL", err)
	case t.way.err != nil:
		return wrong("Proxy", t.way.err)
	}
	w := &t.way
	if w.unix != "" {
		if err := checkUnix(w.unix); err != nil {
			return wrong("UnixSocket", err)
		}
		return nil
	}
	named := "URL"
	if w.detour {
		named = "ConnectTo"
	}
	to := call{network: "tcp", proxy: w.proxy, server: w.server.String()}
	if w.proxy == nil {
		if n.opts.Dial != nil {
			return nil
		}
		if _, err := n.addresses(ctx, w.hop.host); err != nil {
			return wrong(named, err)
		}
		return nil
	}
	if w.proxy.resolvesHere() {
		addrs, err := n.addresses(ctx, w.server.host)
		if err != nil {
			return wrong(named, err)
		}
		to.server = netip.AddrPortFrom(addrs[0], w.server.port).String()
	}
	if err := n.probeProxy(ctx, &to, w.hop); err != nil {
		return wrong("Proxy", err)
	}
	return nil
}

// addresses looks a host up as connections do, and waits for it.
func (n *Network) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	type answer struct {
		addrs []netip.Addr
		err   error
	}
	answers := make(chan answer, 1)
	addrs, ok := n.resolver.lookup(host, func(addrs []netip.Addr, err error) { answers <- answer{addrs, err} })
	if ok {
		return addrs, nil
	}
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	if a.err != nil {
		return nil, fmt.Errorf("got host %q, want one that can be looked up: %w", host, a.err)
	}
	return a.addrs, nil
}

// probeProxy tells what is wrong with the proxy at hop, and not with the server behind it.
func (n *Network) probeProxy(ctx context.Context, to *call, hop hostPort) error {
	addrs := []netip.Addr{{}}
	if n.opts.Dial == nil {
		var err error
		if addrs, err = n.addresses(ctx, hop.host); err != nil {
			return err
		}
	}
	var err error
	for _, ip := range addrs {
		to.address = hop.String()
		if ip.IsValid() {
			at := netip.AddrPortFrom(ip, hop.port)
			to.address, to.from = at.String(), n.sources.take(at, new(tried))
		}
		d := n.dial(ctx, to, nil)
		to.from.release()
		if d.err == nil {
			return d.wire.Close()
		}
		var through *proxyError
		if !errors.As(d.err, &through) || through.stage == proxyBeyond || noPortLeft(d.err) || isAny(d.err, errnoResource) {
			return nil
		}
		if err = d.err; through.stage == proxyRefused {
			break
		}
	}
	return err
}
