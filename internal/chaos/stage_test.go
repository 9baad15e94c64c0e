package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/target"
)

// stage is all that players can connect to: an echo server behind proxies, each with a climate of its own,
// one of them with TLS; a server that treats its clients badly; and places where nobody is.
type stage struct {
	echo    *target.Server
	moody   *wstest.Server
	proxies []*wstest.FaultProxy // by climate
	places  []place
	weights int
}

// place is something to connect to, and how often that is done.
type place struct {
	to     *messages.Connect
	weight int
}

func newStage(t *testing.T, seed uint64) *stage {
	s := &stage{echo: listen(t), moody: wstest.Serve(t, wstest.Moody)}
	front := wstest.ServeTLS(t, wstest.Forward(s.echo.Addr().String()))
	for i, c := range climates {
		// A receive buffer as small as it gets has clients notice who does not read.
		scheme, to := "ws", s.echo.Addr().String()
		if c.secure {
			scheme, to = "wss", front.Addr()
		}
		p := wstest.ServeFaultProxy(t, wstest.Narrow(t), to, seed<<8|uint64(i))
		s.proxies = append(s.proxies, p)
		s.add(c.weight, &messages.Connect{URL: scheme + "://" + p.Addr() + "/"})
	}
	calm := s.proxies[0].Addr()
	_, port, _ := net.SplitHostPort(calm)
	s.add(6, &messages.Connect{URL: "ws://game.test:" + port + "/"})
	s.add(1, &messages.Connect{URL: "ws://nowhere.test:" + port + "/"})
	s.add(4, &messages.Connect{URL: "ws://" + calm + "/", Auth: new(fickle)})
	s.add(2, &messages.Connect{URL: "ws://" + nobody(t) + "/"})
	s.add(1, &messages.Connect{URL: "wss://" + calm + "/"}) // where nobody speaks TLS
	for path := range wstest.Moods {
		s.add(1, &messages.Connect{URL: s.moody.URL() + path[1:]})
	}
	for path := range wstest.Refusals {
		s.add(1, &messages.Connect{URL: s.moody.URL() + path[1:]})
	}
	// Maps have no order, and a seed is to give the same run again.
	slices.SortStableFunc(s.places[len(s.places)-len(wstest.Moods)-len(wstest.Refusals):], func(a, b place) int {
		return cmpPath(a.to.URL, b.to.URL)
	})
	return s
}

func cmpPath(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func (s *stage) add(weight int, to *messages.Connect) {
	s.places = append(s.places, place{to, weight})
	s.weights += weight
}

// connect draws where to connect to.
func (s *stage) connect(r *rand.Rand) *messages.Connect {
	n := r.IntN(s.weights)
	for _, p := range s.places {
		if n -= p.weight; n < 0 {
			return p.to
		}
	}
	panic("the weights do not add up")
}

// narrow draws a place that may not carry much.
func (s *stage) narrow(r *rand.Rand) *messages.Connect {
	for {
		if i := r.IntN(len(climates)); climates[i].narrow {
			return s.places[i].to // they were added first
		}
	}
}

// listen starts the echo server.
func listen(t *testing.T) *target.Server {
	t.Helper()
	s, err := target.Listen(target.Options{MaxBacklog: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve() })
	t.Cleanup(func() {
		_ = s.Close()
		wg.Wait()
	})
	return s
}

// nobody gives an address where nobody listens.
func nobody(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// names is a Resolver that knows one name, behind the first address of which nobody listens.
type names struct{}

// LookupNetIP implements transport.Resolver.
func (names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host == "game.test" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.250"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// injected sums the faults over the proxies.
func (s *stage) injected() (n [wstest.NumFaults]uint64) {
	for _, p := range s.proxies {
		for f, v := range p.Injected() {
			n[f] += v
		}
	}
	return n
}

// strike strikes the curtain: no proxy is left, and the echo server has seen that.
func (s *stage) strike() error {
	for _, p := range s.proxies {
		p.Close()
	}
	for end := time.Now().Add(patience); s.echo.Stats().Open > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("the echo server: got %d connections open after all have ended, want 0", s.echo.Stats().Open)
		}
	}
	return nil
}
