package transport

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"sync"
)

// Network is what the loops of one rig share: options, cached name lookups, source addresses, and the
// goroutines for what may block. It is safe for concurrent use.
type Network struct {
	opts     Options
	tls      *tls.Config
	jobs     jobs
	resolver resolver
	sources  *sources
	streams  sync.WaitGroup // goroutines that read and write
}

// dialers is how many goroutines look names up, fetch tokens and shake hands over TLS. More do not
// dial faster, as the work is CPU, and each costs memory.
const dialers = 64

// NewNetwork checks o and makes a Network of it.
func NewNetwork(o Options) (*Network, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	o = o.withDefaults()
	n := &Network{opts: o, sources: newSources(o.LocalIPs)}
	n.jobs.limit = dialers
	n.resolver = resolver{
		ask: o.Resolver, ttl: o.ResolveTTL, pick: o.ResolveSelect, policy: o.ResolvePolicy, jobs: &n.jobs, names: make(map[string]*resolved),
	}
	if o.TLS != nil {
		n.tls = o.TLS.Clone()
	} else {
		n.tls = new(tls.Config)
	}
	n.tls.NextProtos = []string{"http/1.1"}
	return n, nil
}

// Options gives the options in force, with defaults filled in.
func (n *Network) Options() Options { return n.opts }

// Sources gives over how many source addresses connections to an address spread.
func (n *Network) Sources(to netip.Addr) int { return len(n.sources.candidates(to.Unmap())) }

// Wait returns when no goroutine of the network is left. The loops must have stopped.
func (n *Network) Wait() {
	n.jobs.wait()
	n.streams.Wait()
}
