package transport

import (
	"net"
	"net/netip"
	"strconv"
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
	// Static after construction.
	given4, given6 []netip.Addr
	perSource      int32

	// Guarded by mu.
	mu     sync.Mutex
	routes map[netip.AddrPort]*route
}

// route counts the live connections to one destination by source.
type route struct {
	from []netip.Addr // the zero Addr is the kernel's choice; shared by all routes
	live []atomic.Int32
	next atomic.Uint32 // where take begins to look, among the addresses given
}

// allLoopback is how many addresses serve one loopback destination where the whole of 127.0.0.0/8 is this
// machine's: 9 × 28,000 ports.
const allLoopback = 9

// looked is how many sources are compared to find the one with the fewest connections. There may be 65,536 of
// them, and it is the loop that looks; in turn, they fill evenly all the same.
const looked = 64

func newSources(given []netip.Addr) *sources {
	lo, hi := ephemeralPorts()
	s := &sources{
		perSource: int32(max(1, (hi-lo+1)/2*85/100)),
		routes:    make(map[netip.AddrPort]*route),
	}
	for _, ip := range given {
		if ip = ip.Unmap(); ip.Is4() {
			s.given4 = append(s.given4, ip)
		} else {
			s.given6 = append(s.given6, numberedZone(ip))
		}
	}
	return s
}

// numberedZone gives the zone by its number, which is what the kernel wants and is asked for only once.
func numberedZone(ip netip.Addr) netip.Addr {
	if ifi, err := net.InterfaceByName(ip.Zone()); err == nil {
		return ip.WithZone(strconv.Itoa(ifi.Index))
	}
	return ip
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
	given := s.given6
	if to.Is4() {
		given = s.given4
	}
	if len(given) > 0 {
		return given
	}
	from := []netip.Addr{{}}
	if to.Is4() && to.IsLoopback() && !s.given() {
		for i := byte(2); len(from) < loopbackSources; i++ {
			from = append(from, netip.AddrFrom4([4]byte{127, 0, 0, i}))
		}
	}
	return from
}

// given tells whether there are addresses to spread over.
func (s *sources) given() bool { return len(s.given4)+len(s.given6) > 0 }

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

// tried are the sources of a destination that had no port left for a connection.
type tried struct {
	number int
	last   int
}

// take picks a source for a connection to that destination, and goes on from the last that was tried.
func (s *sources) take(to netip.AddrPort, t *tried) lease {
	r := s.route(to)
	n := len(r.live)
	if t.number > 0 {
		return r.lease((t.last+1)%n, t)
	}
	first := 0
	if s.given() {
		first = int(r.next.Add(1)-1) % n
	}
	best := first
	for i := range min(n, looked) {
		i = (first + i) % n
		live := r.live[i].Load()
		if !s.given() && live < s.perSource {
			best = i
			break
		}
		if live < r.live[best].Load() {
			best = i
		}
	}
	return r.lease(best, t)
}

func (r *route) lease(i int, t *tried) lease {
	t.last = i
	r.live[i].Add(1)
	return lease{r, i}
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
