package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/loadrig/loadrig/messages"
)

// way is how connections reach a server: straight, by a detour of Options.ConnectTo, through a proxy, or over
// a Unix socket.
type way struct {
	unix   string   // the path of the socket; the rest is then of no use
	hop    hostPort // where TCP goes: the server, or the proxy
	proxy  *proxy   // nil if there is none
	server hostPort // where the server is
	detour bool     // which ConnectTo says, not the URL
	err    error    // Options.Proxy gave nothing that can be gone through
}

// hostPort is one end of TCP, by name or address.
type hostPort struct {
	host string // without brackets
	port uint16
}

func (h hostPort) String() string { return net.JoinHostPort(h.host, strconv.Itoa(int(h.port))) }

// compile makes connect ready to dial.
func (n *Network) compile(connect *messages.Connect) (*target, error) {
	t, err := compile(connect, n.opts.UserAgent)
	if err == nil {
		t.way = n.wayTo(t)
	}
	return t, err
}

// wayTo finds the way to t.
func (n *Network) wayTo(t *target) (w way) {
	if w.unix = n.opts.UnixSocket; w.unix != "" {
		return w
	}
	w.server = hostPort{t.host, portOf(t.port)}
	for _, d := range n.opts.ConnectTo {
		if d.matches(w.server) {
			w.server, w.detour = d.apply(w.server), true
			break
		}
	}
	w.hop = w.server
	if n.opts.Proxy == nil {
		return w
	}
	u, err := n.opts.Proxy(t.parsed)
	if err == nil && u != nil {
		if w.proxy, err = newProxy(u); err == nil {
			w.hop, w.server.host = w.proxy.at, withoutZone(w.server.host)
		}
	}
	w.err = err
	return w
}

// portOf reads a port that was found to be one.
func portOf(text string) uint16 {
	n, _ := strconv.ParseUint(text, 10, 16)
	return uint16(n)
}

// FirstHop gives the host that TCP goes to for a URL, by name or address: the server's, or that of a proxy or
// of ConnectTo; empty where there is none, as over a Unix socket. The URL must be valid.
func (n *Network) FirstHop(rawURL string) string {
	t, err := n.compile(&messages.Connect{URL: rawURL}) // headers do not matter
	if err != nil {
		return ""
	}
	return t.way.hop.host
}

// withoutZone leaves out the zone of an IPv6 address, which means something on this machine only: it goes into
// no request, and no certificate has it (RFC 6874 §4). With brackets and a port, these stay.
func withoutZone(host string) string {
	at := strings.IndexByte(host, '%')
	if at < 0 {
		return host
	}
	end := strings.IndexByte(host[at:], ']')
	if end < 0 {
		return host[:at]
	}
	return host[:at] + host[at+end:]
}

// checkWays reports the mistakes in the options that say how servers are reached.
func (o Options) checkWays() (errs []error) {
	wrong := func(field string, err error) {
		errs = append(errs, &messages.FieldError{Field: field, Err: err})
	}
	for _, d := range o.ConnectTo {
		if err := d.check(); err != nil {
			wrong("ConnectTo", err)
		}
	}
	if o.ResolveSelect >= NumSelections {
		wrong("ResolveSelect", fmt.Errorf("got %d, want roundRobin, first or random", o.ResolveSelect))
	}
	if o.ResolvePolicy >= NumPolicies {
		wrong("ResolvePolicy", fmt.Errorf("got %d, want any, preferIPv4, preferIPv6, onlyIPv4 or onlyIPv6", o.ResolvePolicy))
	}
	if o.UnixSocket == "" {
		return errs
	}
	for _, other := range []struct {
		given bool
		err   error
	}{
		{len(o.UnixSocket) > maxUnixPath, fmt.Errorf("got a path of %d bytes, want at most %d", len(o.UnixSocket), maxUnixPath)},
		{o.UnixSocket[0] == '@' && !abstractSockets, errors.New("got an abstract name, which only Linux has, want a path")},
		{o.Proxy != nil, errors.New("got a proxy too, want one of them")},
		{o.Dial != nil, errors.New("got Dial too, want one of them")},
		{len(o.ConnectTo) > 0, errors.New("got another address to connect to too, want one of them")},
		{len(o.LocalIPs) > 0, errors.New("got source addresses too, which a Unix socket has no use for")},
	} {
		if other.given {
			wrong("UnixSocket", other.err)
		}
	}
	return errs
}

// ProxyURL gives a function for Options.Proxy that always goes through u.
func ProxyURL(u *url.URL) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return u, nil }
}
