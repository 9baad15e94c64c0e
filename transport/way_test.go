package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

func TestParseConnectTo(t *testing.T) {
	for _, c := range []struct {
		text string
		want ConnectTo
		err  string
	}{
		{"a.example:80:127.0.0.1:8080", ConnectTo{"a.example", 80, "127.0.0.1", 8080}, ""},
		{":::", ConnectTo{}, ""},
		{"::b:", ConnectTo{ToHost: "b"}, ""},
		{"[::1]:443:[fe80::1%lo]:", ConnectTo{"::1", 443, "fe80::1%lo", 0}, ""},
		{"a:80:b", ConnectTo{}, `got "a:80:b", which has 3 parts, want HOST1:PORT1:HOST2:PORT2, where each may be empty and IPv6 addresses have brackets`},
		{"::1:80:b:80", ConnectTo{}, `got "::1:80:b:80", which has 6 parts, want HOST1:PORT1:HOST2:PORT2, where each may be empty and IPv6 addresses have brackets`},
		{"", ConnectTo{}, `got "", which has 1 parts, want HOST1:PORT1:HOST2:PORT2, where each may be empty and IPv6 addresses have brackets`},
		{"[::1:80:b:80", ConnectTo{}, `got "[::1:80:b:80", want HOST1:PORT1:HOST2:PORT2, where each may be empty and IPv6 addresses have brackets`},
		{"[::1]80:b:80", ConnectTo{}, `got "[::1]80:b:80", want HOST1:PORT1:HOST2:PORT2, where each may be empty and IPv6 addresses have brackets`},
		{"[a]:80:b:80", ConnectTo{}, `got "a" in brackets in "[a]:80:b:80", want an IPv6 address`},
		{"a:http:b:80", ConnectTo{}, `got port "http" in "a:http:b:80", want 1 to 65535`},
		{"a:80:b:0", ConnectTo{}, `got port "0" in "a:80:b:0", want 1 to 65535`},
		{"a:80:b/c:80", ConnectTo{}, `got host "b/c" in "a:80:b/c:80", want a name or an address`},
	} {
		got, err := ParseConnectTo(c.text)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: got %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%s: got %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
}

// FuzzConnectTo: what was read is written as it was, but for its spelling.
func FuzzConnectTo(f *testing.F) {
	for _, s := range []string{"a:80:b:81", "[::1]:1:[::2%x]:2", ":::", "a:00080:b:", "[", "[]", "[::1]x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseConnectTo(s)
		if err != nil {
			return
		}
		if again, err := ParseConnectTo(c.String()); err != nil || again != c {
			t.Errorf("%q: got %+v, then %+v, %v", s, c, again, err)
		}
	})
}

// TestWay: where TCP goes, and what a proxy is asked for.
func TestWay(t *testing.T) {
	to := func(texts ...string) (all []ConnectTo) {
		for _, s := range texts {
			c, err := ParseConnectTo(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		return all
	}
	proxy := func(text string) Options { return Options{Proxy: through(t, text)} }
	detoured := proxy("socks5h://p")
	detoured.ConnectTo = to("::b:9")
	for _, c := range []struct {
		url     string
		options Options
		hop     string
		server  string
		host    string // the Host header
	}{
		{"ws://a.example/", Options{}, "a.example:80", "a.example:80", "a.example"},
		{"wss://a.example", Options{}, "a.example:443", "a.example:443", "a.example"},
		{"ws://[::1]:8080/", Options{}, "[::1]:8080", "[::1]:8080", "[::1]:8080"},
		{"ws://[fe80::1%25eth0]:8080/", Options{}, "[fe80::1%eth0]:8080", "[fe80::1%eth0]:8080", "[fe80::1]:8080"},
		{"ws://[fe80::1%25eth0]/", proxy("p"), "p:80", "[fe80::1]:80", "[fe80::1]"},
		{"ws://A.Example/", Options{ConnectTo: to("x::y:", "a.example:80:b:81", "a.example::c:")}, "b:81", "b:81", "A.Example"},
		{"ws://a.example:81/", Options{ConnectTo: to("a.example:80:b:81", ":::82")}, "a.example:82", "a.example:82", "a.example:81"},
		{"ws://[0::1]/", Options{ConnectTo: to("[::1]::[::2]:")}, "[::2]:80", "[::2]:80", "[0::1]"},
		{"ws://a.example/", proxy("https://p"), "p:443", "a.example:80", "a.example"},
		{"wss://a.example/", detoured, "p:1080", "b:9", "a.example"},
		{"ws://a.example/", Options{UnixSocket: "/x"}, ":0", ":0", "a.example"},
	} {
		n, err := NewNetwork(c.options)
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.compile(&messages.Connect{URL: c.url})
		if err != nil {
			t.Fatal(err)
		}
		if w := got.way; w.hop.String() != c.hop || w.server.String() != c.server || !strings.Contains(string(got.request), "\r\nHost: "+c.host+"\r\n") {
			t.Errorf("%s: got %s, %s, %q, want %s, %s, %s", c.url, w.hop, w.server, got.request, c.hop, c.server, c.host)
		}
		if got, want := n.FirstHop(c.url), strings.Trim(c.hop[:strings.LastIndex(c.hop, ":")], "[]"); got != want {
			t.Errorf("%s: the first hop: got %q, want %q", c.url, got, want)
		}
	}
}

// TestConnectTo: TCP goes elsewhere; the Host header, the name in TLS and the check of the certificate do not.
func TestConnectTo(t *testing.T) {
	_, pool := wstest.Certificate()
	eachEngine(t, func(t *testing.T, e Engine) {
		for _, secure := range []bool{false, true} {
			type seen struct{ host, sni string }
			saw := make(chan seen, 1)
			script := func(c net.Conn) {
				r, err := wstest.Accept(c)
				if err != nil {
					return
				}
				s := seen{host: r.Host}
				if tc, ok := c.(*tls.Conn); ok {
					s.sni = tc.ConnectionState().ServerName
				}
				saw <- s
				_ = wstest.EchoFrames(c)
			}
			srv, want := wstest.Serve(t, script), seen{"localhost:7", ""}
			if secure {
				srv, want = wstest.ServeTLS(t, script), seen{"localhost:7", "localhost"}
			}
			b := newLab(t, Options{Engine: e, TLS: &tls.Config{RootCAs: pool},
				ConnectTo: []ConnectTo{{Host: "localhost", ToHost: "127.0.0.1", ToPort: uint16(srv.Port())}}})
			roundTrip(t, b.open(strings.Replace(srv.URL(), srv.Addr(), "localhost:7", 1)))
			if got := await(t, saw, "the server"); got != want {
				t.Errorf("the server saw %+v, want %+v", got, want)
			}
			b.stop()
		}
	})
}

// needIPv6 skips a test where this machine has no ::1.
func needIPv6(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("SKIPPED: this machine has no ::1: %v", err)
	}
	_ = ln.Close()
}

// TestIPv6: with and without TLS, from an address given, and with a zone, which is in no request.
func TestIPv6(t *testing.T) {
	needIPv6(t)
	_, pool := wstest.Certificate()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Logf("no zone is tried, as the loopback interface has another name: %v", err)
	}
	eachEngine(t, func(t *testing.T, e Engine) {
		hosts := make(chan string, 1)
		script := func(c net.Conn) {
			if r, err := wstest.Accept(c); err == nil {
				hosts <- r.Host
				_ = wstest.EchoFrames(c)
			}
		}
		for _, secure := range []bool{false, true} {
			for _, from := range [][]netip.Addr{nil, {netip.MustParseAddr("::1")}, {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1%lo")}} {
				for _, host := range []string{"[::1]", "[::1%25lo]"} {
					if lo == nil && strings.Contains(host, "%") {
						continue
					}
					ln, err := net.Listen("tcp", "[::1]:0")
					if err != nil {
						t.Fatal(err)
					}
					port, scheme := ln.Addr().(*net.TCPAddr).Port, "ws"
					if secure {
						cert, _ := wstest.Certificate()
						ln, scheme = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}}), "wss"
					}
					srv := wstest.ServeOn(t, ln, script)
					b := newLab(t, Options{Engine: e, LocalIPs: from, TLS: &tls.Config{RootCAs: pool, ServerName: "localhost"}})
					p := b.open(fmt.Sprintf("%s://%s:%d/", scheme, host, port))
					if got, want := isNetStream(p), e == EngineGoroutine; got != want {
						t.Errorf("has goroutines: %v, want %v", got, want)
					}
					roundTrip(t, p)
					if got, want := await(t, hosts, "the server"), fmt.Sprintf("[::1]:%d", port); got != want {
						t.Errorf("%s from %v: the server saw %s, want %s", host, from, got, want)
					}
					b.stop()
					srv.Kill()
				}
			}
		}
	})
}

// TestAddressOrder: for each policy and selection, the addresses in the order in which three connections try
// them, and what is asked for.
func TestAddressOrder(t *testing.T) {
	const a4, b4, a6, b6 = "10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"
	for _, c := range []struct {
		policy Policy
		pick   Selection
		have   []string
		asks   string
		want   [3]string // "" is an error
	}{
		{PolicyAny, SelectRoundRobin, []string{a6, a4, b4}, "ip", [3]string{a6 + " " + a4 + " " + b4, a4 + " " + b4 + " " + a6, b4 + " " + a6 + " " + a4}},
		{PolicyAny, SelectFirst, []string{a6, a4}, "ip", [3]string{a6 + " " + a4, a6 + " " + a4, a6 + " " + a4}},
		{PolicyPreferIPv4, SelectRoundRobin, []string{a6, a4, b6, b4}, "ip", [3]string{
			a4 + " " + b4 + " " + a6 + " " + b6, b4 + " " + a4 + " " + a6 + " " + b6, a4 + " " + b4 + " " + a6 + " " + b6}},
		{PolicyPreferIPv6, SelectFirst, []string{a4, a6}, "ip", [3]string{a6 + " " + a4, a6 + " " + a4, a6 + " " + a4}},
		{PolicyPreferIPv6, SelectRoundRobin, []string{a4, b4}, "ip", [3]string{a4 + " " + b4, b4 + " " + a4, a4 + " " + b4}},
		{PolicyOnlyIPv4, SelectRoundRobin, []string{a6, a4}, "ip4", [3]string{a4, a4, a4}},
		{PolicyOnlyIPv6, SelectFirst, []string{a6, a4}, "ip6", [3]string{a6, a6, a6}},
		{PolicyOnlyIPv6, SelectRandom, []string{a4}, "ip6", [3]string{}},
	} {
		asks := ""
		n, err := NewNetwork(Options{ResolvePolicy: c.policy, ResolveSelect: c.pick, Resolver: lookup(func(network string) (all []netip.Addr) {
			asks = network
			for _, ip := range c.have {
				all = append(all, netip.MustParseAddr(ip))
			}
			return all
		})})
		if err != nil {
			t.Fatal(err)
		}
		var got [3]string
		for i := range got {
			addrs, err := n.addresses(t.Context(), "game.example")
			if err != nil && !strings.HasSuffix(err.Error(), "the name has no address that onlyIPv6 allows") {
				t.Error(err)
			}
			var words []string
			for _, ip := range addrs {
				words = append(words, ip.String())
			}
			got[i] = strings.Join(words, " ")
		}
		n.Wait()
		if got != c.want || asks != c.asks {
			t.Errorf("%s, %s: got %q, asked for %s; want %q, %s", c.policy, c.pick, got, asks, c.want, c.asks)
		}
	}
	// Any of them may come first, and after it all others.
	n, err := NewNetwork(Options{ResolveSelect: SelectRandom, Resolver: at(a4, b4, a6)})
	if err != nil {
		t.Fatal(err)
	}
	first := make(map[netip.Addr]bool)
	for range 200 { // (2/3)^200 is nothing
		addrs, err := n.addresses(t.Context(), "game.example")
		if err != nil || len(addrs) != 3 || addrs[0] == addrs[1] || addrs[1] == addrs[2] || addrs[0] == addrs[2] {
			t.Fatalf("got %v, %v", addrs, err)
		}
		first[addrs[0]] = true
	}
	n.Wait()
	if len(first) != 3 {
		t.Errorf("of three addresses these came first: %v", first)
	}
}

// lookup is a Resolver that is told the network.
type lookup func(network string) []netip.Addr

func (f lookup) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	return f(network), nil
}

// TestManySources: 4,096 addresses fill evenly, and none is left out.
func TestManySources(t *testing.T) {
	var given []netip.Addr
	for ip := netip.MustParseAddr("10.0.0.0"); len(given) < 4096; ip = ip.Next() {
		given = append(given, ip)
	}
	s, to := newSources(given), netip.MustParseAddrPort("192.0.2.1:80")
	var leases []lease
	for range 3 * len(given) {
		leases = append(leases, s.take(to, new(tried)))
	}
	for i := range s.routes[to].live {
		if n := s.routes[to].live[i].Load(); n != 3 {
			t.Fatalf("source %d has %d connections, want 3", i, n)
		}
	}
	for i := range leases {
		leases[i].release()
	}
}

// TestRedirect: where a server sends elsewhere is told, in bounds and quoted, and not gone to.
func TestRedirect(t *testing.T) {
	for _, c := range []struct {
		status   string
		location string
		cause    messages.Cause
		want     string
	}{
		{"302 Found", "Location: wss://other.example/x", messages.CauseRedirect, `got status 302 to "wss://other.example/x": redirects are not followed; connect there instead`},
		{"308 Permanent Redirect", "location: /there", messages.CauseRedirect, `got status 308 to "/there": redirects are not followed; connect there instead`},
		{"307 x", "Location: " + strings.Repeat("\x80", 500), messages.CauseRedirect,
			`got status 307 to "` + strings.Repeat(`\x80`, 256) + `": redirects are not followed; connect there instead`},
		{"301 Moved", "X: y", messages.CauseRedirect, "got status 301 without a Location, want 101"},
		{"300 Multiple Choices", "Location: /there", messages.CauseRedirect, `got status 300 to "/there": redirects are not followed; connect there instead`},
		{"304 Not Modified", "X: y", messages.CauseUpgradeStatus, "got status 304, want 101"},
		{"201 Created", "Location: /there", messages.CauseUpgradeStatus, "got status 201, want 101"},
	} {
		eachEngine(t, func(t *testing.T, e Engine) {
			srv := wstest.Serve(t, says("HTTP/1.1 "+c.status+"\r\n"+c.location+"\r\n\r\n"))
			m := newLab(t, Options{Engine: e}).connect(srv.URL()).awaitClosed()
			checkOutcome(t, m, outcome{Cause: c.cause, Code: messages.CloseAbnormal})
			if m.Phase != messages.PhaseUpgrade || m.Err == nil || m.Err.Error() != c.want || fmt.Sprint(m.Status) != c.status[:3] {
				t.Errorf("got %s, %d: %v, want upgrade: %s", m.Phase, m.Status, m.Err, c.want)
			}
			if n := srv.Total(); n != 1 {
				t.Errorf("the server saw %d connections, want 1", n)
			}
		})
	}
}

// TestWayOptions: mistakes name their field.
func TestWayOptions(t *testing.T) {
	for _, c := range []struct {
		options Options
		want    []string
	}{
		{Options{ConnectTo: []ConnectTo{{Host: "a/b"}}}, []string{`ConnectTo: got host "a/b" in "a/b:::", want a name or an address`}},
		{Options{ResolveSelect: 3, ResolvePolicy: 5}, []string{"ResolveSelect: got 3, want roundRobin, first or random",
			"ResolvePolicy: got 5, want any, preferIPv4, preferIPv6, onlyIPv4 or onlyIPv6"}},
		{Options{UnixSocket: strings.Repeat("x", 200), Proxy: func(*url.URL) (*url.URL, error) { return nil, nil }}, []string{
			fmt.Sprintf("UnixSocket: got a path of 200 bytes, want at most %d", maxUnixPath), "UnixSocket: got a proxy too, want one of them"}},
		{Options{UnixSocket: "x", Dial: func(context.Context, string, string) (net.Conn, error) { return nil, nil }, ConnectTo: make([]ConnectTo, 1), LocalIPs: []netip.Addr{netip.IPv6Loopback()}},
			[]string{"UnixSocket: got Dial too, want one of them", "UnixSocket: got another address to connect to too, want one of them",
				"UnixSocket: got source addresses too, which a Unix socket has no use for"}},
	} {
		var got []string
		for _, err := range c.options.Validate().(interface{ Unwrap() []error }).Unwrap() {
			if _, ok := err.(*messages.FieldError); !ok {
				t.Errorf("got a %T", err)
			}
			got = append(got, err.Error())
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
	names := []string{SelectRoundRobin.String(), SelectFirst.String(), SelectRandom.String(), Selection(9).String(), PolicyAny.String(), PolicyOnlyIPv6.String(), Policy(9).String()}
	if want := []string{"roundRobin", "first", "random", "unknown", "any", "onlyIPv6", "unknown"}; !slices.Equal(names, want) {
		t.Errorf("got the names %v, want %v", names, want)
	}
}
