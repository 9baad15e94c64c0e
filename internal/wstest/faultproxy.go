package wstest

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// FaultProxy passes TCP connections on to another address, and hurts them as its Faults say. What it draws for
// its n-th connection depends on its seed and n alone.
type FaultProxy struct {
	// Static after construction.
	ln       net.Listener
	upstream string
	seed     uint64
	wg       sync.WaitGroup

	// Atomic.
	faults   atomic.Pointer[Faults]
	injected [NumFaults]atomic.Uint64

	// Guarded by mu.
	mu     sync.Mutex
	links  map[uint64]*link
	total  uint64
	closed bool
}

// ServeFaultProxy passes what connects to ln on to upstream, host:port, at first without any fault. It ends with
// the test.
func ServeFaultProxy(t testing.TB, ln net.Listener, upstream string, seed uint64) *FaultProxy {
	p := &FaultProxy{ln: ln, upstream: upstream, seed: seed, links: make(map[uint64]*link)}
	p.Set(Faults{})
	p.wg.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Addr gives host:port.
func (p *FaultProxy) Addr() string { return p.ln.Addr().String() }

// Set changes the faults from now on.
func (p *FaultProxy) Set(f Faults) { p.faults.Store(&f) }

// Open gives the number of connections that are passed on or held now.
func (p *FaultProxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Total gives the number of connections accepted so far.
func (p *FaultProxy) Total() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total
}

// Injected gives how often each fault was done so far: the first three to reads, the others to
// connections.
func (p *FaultProxy) Injected() (n [NumFaults]uint64) {
	for i := range n {
		n[i] = p.injected[i].Load()
	}
	return n
}

// Strike has a share of the connections that are open now meet with what, which is FaultReset, FaultCut or
// FaultHalfOpen. Which ones is drawn from random.
func (p *FaultProxy) Strike(what Fault, share float64, random *rand.Rand) {
	for _, l := range p.byAge() {
		if random.Float64() < share {
			l.strike(what)
		}
	}
}

// StrikeFirst is Strike of the n oldest connections that are open now, or of all if there are fewer.
func (p *FaultProxy) StrikeFirst(what Fault, n int) {
	hit := p.byAge()
	for _, l := range hit[:min(n, len(hit))] {
		l.strike(what)
	}
}

// byAge gives the connections that are open now, the oldest first.
func (p *FaultProxy) byAge() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*link, 0, len(p.links))
	for _, l := range p.links {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *link) int { return int(a.n) - int(b.n) })
	return list
}

// Close stops listening, resets all connections, and waits until nothing is left of them.
func (p *FaultProxy) Close() {
	_ = p.ln.Close()
	p.mu.Lock()
	p.closed = true
	for _, l := range p.links {
		l.drop()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *FaultProxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			Reset(c)
			continue
		}
		l := newLink(p, p.total, c)
		p.links[l.n] = l
		p.total++
		p.mu.Unlock()
		p.wg.Go(l.run)
	}
}

func (p *FaultProxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l.n)
}

// reach connects to upstream; the proxy's own machine is not at fault for long.
func (p *FaultProxy) reach() (net.Conn, error) {
	return net.DialTimeout("tcp", p.upstream, 5*time.Second)
}
