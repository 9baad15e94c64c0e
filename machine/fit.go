package machine

import (
	"cmp"
	"fmt"
	"slices"
)

// Need is what a number of connections needs of a machine.
type Need struct {
	Shards  int  // event loops of the rig
	Sources int  // source addresses that connections spread over; 0 means 1
	Servers int  // destination addresses, each with its own ports; 0 means 1
	Local   bool // the server is on this machine too
	TLS     bool
}

// The names of the bounds that are exact: beyond them connections fail. The others are estimates.
const (
	OpenFiles  = "open files"
	LocalPorts = "local ports"
)

// Bound is one limit, in connections.
type Bound struct {
	Name   string // OpenFiles, LocalPorts, "memory", "tcp memory" or "conntrack"
	Fits   int    // connections it allows
	Here   string // what it is now: "20,000, of which 12 are in use"
	Remedy string // how to raise it
}

// What one connection takes, as measured on Linux; the kernel's share is not the process's memory.
const (
	plainBytes  = 2 << 10  // of a ws connection
	tlsBytes    = 12 << 10 // of a wss connection
	kernelBytes = 5 << 10  // of one end of a TCP connection
	bufferBytes = 4 << 10  // of the kernel's TCP buffers under traffic: a page
	spareFiles  = 32       // left for scrapes, name lookups and files
	shardFiles  = 2        // an epoll set and its eventfd
)

// Fit gives every limit that is known, the one that binds first at the head. There is always at least
// one.
func (l Limits) Fit(n Need) []Bound {
	sources, servers := max(1, n.Sources), max(1, n.Servers)
	bounds := []Bound{{
		Name: LocalPorts, Fits: l.Ports() * sources * servers,
		Here:   fmt.Sprintf("%d to %d, for %d source and %d server addresses", l.PortLow, l.PortHigh, sources, servers),
		Remedy: "more source addresses with --local-ips, or a wider net.ipv4.ip_local_port_range",
	}}
	add := func(known bool, b Bound) {
		if known {
			b.Fits = max(0, b.Fits)
			bounds = append(bounds, b)
		}
	}
	add(l.Files > 0, Bound{
		Name: OpenFiles, Fits: l.Files - l.OpenFiles - shardFiles*n.Shards - spareFiles,
		Here:   fmt.Sprintf("%d a process, of which %d are in use", l.Files, l.OpenFiles),
		Remedy: "ulimit -n, LimitNOFILE= of a service, --ulimit nofile= of a container; or several rigs",
	})
	each := int64(plainBytes + kernelBytes)
	if n.TLS {
		each += tlsBytes - plainBytes
	}
	buffers := int64(bufferBytes)
	if n.Local {
		each += kernelBytes + plainBytes
		buffers *= 2
	}
	add(l.MemoryAvailable > 0, Bound{
		Name: "memory", Fits: int(l.MemoryAvailable / each),
		Here:   fmt.Sprintf("%d MiB of %d MiB available, about %d KiB a player", l.MemoryAvailable>>20, l.MemoryTotal>>20, each>>10),
		Remedy: "a larger machine, or several rigs",
	})
	add(l.TCPMemory > 0, Bound{
		Name: "tcp memory", Fits: int((l.TCPMemory - l.TCPMemoryUsed) / buffers),
		Here:   fmt.Sprintf("%d MiB for all buffers, about %d KiB a player under traffic", l.TCPMemory>>20, buffers>>10),
		Remedy: "net.ipv4.tcp_mem",
	})
	add(l.Conntrack > 0, Bound{
		Name: "conntrack", Fits: l.Conntrack - l.ConntrackUsed,
		Here:   fmt.Sprintf("%d connections, of which %d are in use", l.Conntrack, l.ConntrackUsed),
		Remedy: "net.netfilter.nf_conntrack_max, or a NOTRACK rule for the server",
	})
	slices.SortStableFunc(bounds, func(a, b Bound) int { return cmp.Compare(a.Fits, b.Fits) })
	return bounds
}
