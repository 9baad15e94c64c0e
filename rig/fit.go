package rig

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// lookupTimeout bounds the question for the server's addresses.
const lookupTimeout = 5 * time.Second

// Room is what this machine allows a run.
type Room struct {
	// Servers are the addresses of the server, or of the proxy towards it. Lookup says why none are known; then one is reckoned with,
	// on another machine.
	Servers []netip.Addr
	Lookup  error

	Limits machine.Limits
	Need   machine.Need
	Bounds []machine.Bound // the one that binds first at the head; at least one
}

// Survey finds out what this machine allows the connections of c. It asks for the addresses of the
// server's name, for at most 5 seconds, but connects to nobody. An error is a *messages.FieldError, for
// a source address that is not this machine's. c must be valid, but for Connections, which may be 0 to
// ask how many fit.
func Survey(ctx context.Context, c Config) (Room, error) {
	c = c.withDefaults()
	for _, ip := range c.Transport.LocalIPs {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
		if err != nil {
			err = fmt.Errorf("got %s, which is no address of this machine: %w", ip, err)
			return Room{}, &messages.FieldError{Field: "LocalIPs", Err: err}
		}
		_ = ln.Close()
	}
	network, err := transport.NewNetwork(c.Transport)
	if err != nil {
		return Room{}, err
	}
	o := network.Options()
	r := Room{Limits: machine.Read()}
	r.Need = machine.Need{
		Connections: c.Connections, Shards: c.Shards, TLS: strings.HasPrefix(c.URL, "wss:"),
		Goroutines: o.Engine == transport.EngineGoroutine,
	}
	// Ports are taken towards the first hop, which may be a proxy; a Unix socket and Dial take none.
	hop := network.FirstHop(c.URL)
	ports := hop != "" && o.Dial == nil
	if ports {
		r.Servers, r.Lookup = servers(ctx, o.Resolver, hop)
		for _, ip := range r.Servers {
			r.Need.Routes = append(r.Need.Routes, network.Sources(ip))
		}
		r.Need.Local = len(r.Servers) > 0 && !slices.ContainsFunc(r.Servers, elsewhere)
		r.Need.AutoSources = len(o.LocalIPs) == 0 && slices.ContainsFunc(r.Need.Routes, func(n int) bool { return n > 1 })
	}
	r.Bounds = r.Limits.Fit(r.Need)
	if !ports {
		r.Bounds = slices.DeleteFunc(r.Bounds, func(b machine.Bound) bool { return b.Name == machine.LocalPorts })
	}
	return r, nil
}

// servers gives the addresses of a host.
func servers(ctx context.Context, resolver transport.Resolver, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	ips := make([]netip.Addr, 0, len(found))
	for _, ip := range found {
		if ip = ip.Unmap(); !slices.Contains(ips, ip) {
			ips = append(ips, ip)
		}
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	return ips, nil
}

// elsewhere tells whether ip is not this machine's.
func elsewhere(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return false
	}
	own, err := net.InterfaceAddrs()
	return err != nil || !slices.ContainsFunc(own, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		of, ok := netip.AddrFromSlice(n.IP)
		return ok && of.Unmap() == ip.WithZone("")
	})
}

// LimitError says that a run asks for more connections than this machine allows this process.
type LimitError struct {
	Asked  int
	Fits   int    // the most that can be asked for
	Limit  string // which limit that is
	Remedy string
}

// Error gives the limit and the remedy.
func (e *LimitError) Error() string {
	return fmt.Sprintf("got %d, but only %d fit: %s; %s", e.Asked, e.Fits, e.Limit, e.Remedy)
}

// Refuse gives a *LimitError for the exact limit that binds first if the connections asked for do not fit
// it, else nil. The other limits are estimates, which a run may be there to find out about.
func (r Room) Refuse() error {
	for _, b := range r.Bounds {
		if b.Exact && r.Need.Connections > b.Fits {
			return &LimitError{r.Need.Connections, b.Fits, b.Name + " are " + b.Here, "raise that: " + b.Raise.String()}
		}
	}
	return nil
}

// Fit tells whether the connections of c fit this process, with a *LimitError for the limit that binds
// first if they do not; and whether its source addresses are this machine's, with a
// *messages.FieldError. c must be valid.
func Fit(c Config) error {
	r, err := Survey(context.Background(), c)
	if err != nil {
		return err
	}
	return r.Refuse()
}

// Probe tells what would keep every connection of c from being made and is no server's fault, as Run does before
// its first player; see transport.Network.Probe. c must be valid.
func Probe(ctx context.Context, c Config) error {
	network, err := transport.NewNetwork(c.Transport)
	if err != nil {
		return err
	}
	defer network.Wait()
	return network.Probe(ctx, c.connect())
}
