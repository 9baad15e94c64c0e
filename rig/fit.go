package rig

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

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

// Fit tells whether the connections of c fit this process, with a *LimitError for the limit that binds
// first if they do not; and whether its source addresses are this machine's, with a
// *messages.FieldError. c must be valid.
func Fit(c Config) error {
	c = c.withDefaults()
	for _, ip := range c.Transport.LocalIPs {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
		if err != nil {
			return &messages.FieldError{Field: "LocalIPs", Err: fmt.Errorf("got %s, which is no address of this machine: %w", ip, err)}
		}
		_ = ln.Close()
	}
	network, err := transport.NewNetwork(c.Transport)
	if err != nil {
		return err
	}
	// Ports are taken towards the first hop, which may be a proxy; a Unix socket and Dial take none.
	hop := network.FirstHop(c.URL)
	ports := hop != "" && c.Transport.Dial == nil
	need := machine.Need{Shards: c.Shards, Sources: network.Sources(toLoopback(hop))}
	for _, b := range machine.Read().Fit(need) {
		// The other bounds are estimates, which a run may be there to find out about.
		if (b.Name == machine.OpenFiles || (b.Name == machine.LocalPorts && ports)) && c.Connections > b.Fits {
			return &LimitError{c.Connections, b.Fits, b.Name + " are " + b.Here, "raise that: " + b.Remedy}
		}
	}
	return nil
}

// Probe tells what would keep every connection of c from being made and is no server's fault, as Run does before
// its first player; see transport.Network.Probe. c must be valid.
func Probe(ctx context.Context, c Config) error {
	network, err := transport.NewNetwork(c.Transport)
	if err != nil {
		return err
	}
	defer network.Wait()
	return network.Probe(ctx, c.connect(nil))
}

// toLoopback tells whether connections to a host spread over the addresses of 127.0.0.0/8.
func toLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().Is4() && ip.IsLoopback()
	}
	return host == "localhost"
}
