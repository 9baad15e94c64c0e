package rig

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// names is a Resolver that knows some.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	ips, ok := n[host]
	if !ok || network != "ip" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ips, nil
}

func addrs(texts ...string) (ips []netip.Addr) {
	for _, s := range texts {
		ips = append(ips, netip.MustParseAddr(s))
	}
	return ips
}

// TestSurvey: connections need a port for each pair of a source and a server address, as transport spreads
// them. 192.0.2.0/24 and 2001:db8::/32 are nobody's.
func TestSurvey(t *testing.T) {
	resolver := names{
		"one.test": addrs("192.0.2.1"), "three.test": addrs("192.0.2.1", "192.0.2.2", "2001:db8::1"),
		"twice.test": addrs("192.0.2.1", "::ffff:192.0.2.1"), "here.test": addrs("127.0.0.1", "::1"),
		"both.test": addrs("127.0.0.1", "192.0.2.1"), "none.test": nil,
	}
	loopback := 1 // sources towards 127.0.0.0/8 that the rig uses on its own
	if n, err := transport.NewNetwork(transport.Options{}); err == nil {
		loopback = n.Sources(netip.MustParseAddr("127.0.0.1"))
	}
	type survey struct {
		url     string
		from    []netip.Addr
		servers []netip.Addr
		routes  []int
		local   bool
		auto    bool
		tls     bool
	}
	surveys := []survey{
		{url: "ws://192.0.2.1/", servers: addrs("192.0.2.1"), routes: []int{1}},
		{url: "wss://one.test/", servers: addrs("192.0.2.1"), routes: []int{1}, tls: true},
		{url: "ws://[2001:db8::1]:81/", servers: addrs("2001:db8::1"), routes: []int{1}},
		{url: "ws://three.test/", servers: addrs("192.0.2.1", "192.0.2.2", "2001:db8::1"), routes: []int{1, 1, 1}},
		{url: "ws://twice.test/", servers: addrs("192.0.2.1"), routes: []int{1}},
		{url: "ws://127.0.0.1/", servers: addrs("127.0.0.1"), routes: []int{loopback}, local: true, auto: loopback > 1},
		{url: "ws://[::ffff:127.0.0.1]/", servers: addrs("127.0.0.1"), routes: []int{loopback}, local: true, auto: loopback > 1},
		{url: "ws://here.test/", servers: addrs("127.0.0.1", "::1"), routes: []int{loopback, 1}, local: true, auto: loopback > 1},
		{url: "ws://both.test/", servers: addrs("127.0.0.1", "192.0.2.1"), routes: []int{loopback, 1}, auto: loopback > 1},
		{url: "ws://127.0.0.1/", from: addrs("127.0.0.1"), servers: addrs("127.0.0.1"), routes: []int{1}, local: true},
		{url: "ws://three.test/", from: addrs("127.0.0.1"), servers: addrs("192.0.2.1", "192.0.2.2", "2001:db8::1"), routes: []int{1, 1, 1}},
	}
	if loopback > 1 { // the whole of 127.0.0.0/8 is this machine's, but of no use towards IPv6
		surveys = append(surveys, survey{url: "ws://three.test/", from: addrs("127.0.0.1", "127.0.0.2"),
			servers: addrs("192.0.2.1", "192.0.2.2", "2001:db8::1"), routes: []int{2, 2, 1}})
	}
	for _, c := range surveys {
		cfg := Config{URL: c.url, Shards: 2, Transport: transport.Options{Resolver: resolver, LocalIPs: c.from}}
		r, err := Survey(t.Context(), cfg)
		if err != nil || r.Lookup != nil {
			t.Errorf("%s: got %v, %v", c.url, err, r.Lookup)
			continue
		}
		n := r.Need
		if !slices.Equal(r.Servers, c.servers) || !slices.Equal(n.Routes, c.routes) || n.Local != c.local || n.AutoSources != c.auto || n.TLS != c.tls {
			t.Errorf("%s from %v: got %v, %+v, want %+v", c.url, c.from, r.Servers, n, c)
		}
		if n.Shards != 2 || n.Connections != 0 || r.Refuse() != nil {
			t.Errorf("%s: got %+v, refused %v, want 2 shards and nothing asked", c.url, n, r.Refuse())
		}
	}
}

// TestOwnAddress: a server at any address of this machine is on this machine.
func TestOwnAddress(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		ip, ok := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if ok && elsewhere(ip.Unmap()) {
			t.Errorf("%v: got elsewhere, want here", ip)
		}
	}
	if !elsewhere(netip.MustParseAddr("192.0.2.1")) {
		t.Error("192.0.2.1: got here, want elsewhere")
	}
}

// TestSurveyUnknown: a name without an address is no mistake of the survey: it says so, and reckons with one
// address elsewhere.
func TestSurveyUnknown(t *testing.T) {
	for host, want := range map[string]string{"gone.test": "no such host", "none.test": "none.test has no address"} {
		r, err := Survey(t.Context(), Config{URL: "ws://" + host + "/", Transport: transport.Options{Resolver: names{"none.test": nil}}})
		if err != nil || r.Lookup == nil || !strings.Contains(r.Lookup.Error(), want) {
			t.Errorf("%s: got %v, %v, want %s", host, err, r.Lookup, want)
		}
		if len(r.Need.Routes) != 0 || r.Need.Local || len(r.Bounds) == 0 {
			t.Errorf("%s: got %+v with %d bounds", host, r.Need, len(r.Bounds))
		}
	}
}

// silent is a Resolver that never answers.
type silent struct{}

func (silent) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSurveyTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r, err := Survey(t.Context(), Config{URL: "ws://slow.test/", Transport: transport.Options{Resolver: silent{}}})
		if err != nil || !errors.Is(r.Lookup, context.DeadlineExceeded) || time.Since(began) != lookupTimeout {
			t.Errorf("got %v, %v after %v, want no answer after %v", err, r.Lookup, time.Since(began), lookupTimeout)
		}
	})
}

// TestSurveyDial: connections over something else than TCP need no ports, and nobody is asked for addresses.
func TestSurveyDial(t *testing.T) {
	c := Config{URL: "ws://slow.test/", Connections: 1, Transport: transport.Options{Resolver: silent{},
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }}}
	r, err := Survey(t.Context(), c)
	if err != nil || r.Lookup != nil || r.Servers != nil || !r.Need.Goroutines {
		t.Errorf("got %v, %+v", err, r)
	}
	for _, b := range r.Bounds {
		if b.Name == machine.LocalPorts {
			t.Errorf("got %+v", b)
		}
	}
}

func TestSurveyForeignSource(t *testing.T) {
	var field *messages.FieldError
	_, err := Survey(t.Context(), Config{URL: "ws://127.0.0.1/", Transport: transport.Options{LocalIPs: addrs("192.0.2.7")}})
	if !errors.As(err, &field) || field.Field != "LocalIPs" || !strings.Contains(err.Error(), "got 192.0.2.7, which is no address of this machine") {
		t.Errorf("got %v", err)
	}
}

// TestRefuse: only exact limits refuse, with the most that fit and the way to what was asked for.
func TestRefuse(t *testing.T) {
	l := machine.Limits{
		OS: "linux", Files: 20000, PortLow: 32768, PortHigh: 60999,
		MemoryTotal: 1 << 30, MemoryAvailable: 7 << 20, Conntrack: 100,
	}
	for _, c := range []struct {
		asked int
		want  string
	}{
		{0, ""},
		{19932, ""}, // though the memory is enough for 1,024, and conntrack for 100
		{19933, "got 19933, but only 19932 fit: open files are 20,000 a process, 68 of them for the rig itself; " +
			"raise that: ulimit -n 20001, or LimitNOFILE=20001, or docker run --ulimit nofile=20001:20001, or 2 × loadrig run -c 9967"},
	} {
		n := machine.Need{Connections: c.asked, Shards: 2}
		err := Room{Need: n, Bounds: l.Fit(n)}.Refuse()
		if (err == nil) != (c.want == "") || (err != nil && err.Error() != c.want) {
			t.Errorf("%d: got %v, want %s", c.asked, err, c.want)
		}
	}
	l.Files = 0
	n := machine.Need{Connections: 28233}
	want := `got 28233, but only 28232 fit: local ports are 28,232 of 32768-60999 × 1 source × 1 server; ` +
		`raise that: sysctl -w net.ipv4.ip_local_port_range="1024 65535", or --local-ips with 2 addresses`
	if err := (Room{Need: n, Bounds: l.Fit(n)}).Refuse(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
