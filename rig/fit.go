package rig

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"

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

// spareFiles are left for what is neither a player nor open yet: scrapes, name lookups, files.
const spareFiles = 32

// Fit tells whether the connections of c fit this process, with a *LimitError for the limit that binds
// first if they do not; and whether its source addresses are this machine's, with a
// *messages.FieldError. c must be valid.
func Fit(c Config) error {
	c = c.withDefaults()
	if limit, open := fileLimit(); limit > 0 {
		perShard := 2 // an epoll set and its eventfd
		fits := int(limit) - open - perShard*c.Shards - spareFiles
		if c.Connections > fits {
			return &LimitError{c.Connections, max(0, fits), fmt.Sprintf("a process may open %d files here", limit),
				"raise that (ulimit -n, LimitNOFILE) or share the players out over several rigs"}
		}
	}
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
	if fits := network.PortsTo(toLoopback(c.URL)); c.Connections > fits && c.Transport.Dial == nil {
		return &LimitError{c.Connections, fits, "there are no more local ports for one server address and port",
			"give more source addresses with --local-ips, or widen net.ipv4.ip_local_port_range"}
	}
	return nil
}

func toLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ip.Is4() && ip.IsLoopback()
	}
	return u.Hostname() == "localhost"
}
