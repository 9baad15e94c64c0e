package transport

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// sources picks the source address of each connection.
//
// The kernel finds a free port for a (source, destination) pair quickly while at most half of the
// ephemeral range is taken, that is about 14,100 ports by default; beyond, each connect() takes some
// 40 times as long, and past the whole range it fails. So connections spread:
//
//   - over the addresses given, evenly, if there are any;
//   - towards 127.0.0.0/8 over the kernel's choice first and then 127.0.0.2 to 127.0.0.9, each filled
//     to perSource before the next is begun, where these are this machine's without further ado;
//   - elsewhere the kernel chooses.
type sources struct {
	given     []netip.Addr
	perSource int32

	mu     sync.Mutex
	routes map[netip.AddrPort]*route
}

// route counts the live connections to one destination by source.
type route struct {
	from []netip.Addr // the zero Addr is the kernel's choice
	live []atomic.Int32
}

// allLoopback is how many addresses serve one loopback destination where the whole of 127.0.0.0/8 is this
// machine's: 9 × 28,000 ports.
const allLoopback = 9

func newSources(given []netip.Addr) *sources {
	lo, hi := ephemeralPorts()
	return &sources{
		given:     given,
		perSource: int32(max(1, (hi-lo+1)/2*85/100)),
		routes:    make(map[netip.AddrPort]*route),
	}
}

func (s *sources) route(to netip.AddrPort) *route {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.routes[to]
	if r == nil {
		r = &route{from: s.candidates(to.Addr())}
		r.live = make([]atomic.Int32, len(r.from))
		s.routes[to] = r
	}
	return r
}

// candidates gives the sources for a destination, at least one, of its own family.
func (s *sources) candidates(to netip.Addr) []netip.Addr {
	var from []netip.Addr
	for _, ip := range s.given {
		if ip.Is4() == to.Is4() {
			from = append(from, ip)
		}
	}
	if len(from) > 0 {
		return from
	}
	from = append(from, netip.Addr{})
	if to.Is4() && to.IsLoopback() && len(s.given) == 0 {
		for i := byte(2); len(from) < loopbackSources; i++ {
			from = append(from, netip.AddrFrom4([4]byte{127, 0, 0, i}))
		}
	}
	return from
}

// choices gives how many sources there are towards the first of addrs; none where Options.Dial has taken
// the place of addresses.
func (s *sources) choices(addrs []netip.Addr) int {
	if len(addrs) == 0 {
		return 0
	}
	return len(s.candidates(addrs[0]))
}

// lease is one connection's use of a source address.
type lease struct {
	route *route
	index int
}

// take picks a source for a connection to that destination; not is how many of the sources have
// already been tried and had no port left.
func (s *sources) take(to netip.AddrPort, not int) lease {
	r := s.route(to)
	best := 0
	for i := range r.live {
		n := r.live[i].Load()
		if len(s.given) == 0 && n < s.perSource {
			best = i
			break
		}
		if n < r.live[best].Load() {
			best = i
		}
	}
	best = (best + not) % len(r.live)
	r.live[best].Add(1)
	return lease{r, best}
}

// addr gives the source address; the zero Addr where the kernel chooses.
func (l lease) addr() netip.Addr {
	if l.route == nil {
		return netip.Addr{}
	}
	return l.route.from[l.index]
}

func (l *lease) release() {
	if l.route != nil {
		l.route.live[l.index].Add(-1)
		l.route = nil
	}
}
