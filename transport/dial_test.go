package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// asked is a Resolver that is a function.
type asked func(ctx context.Context, host string) ([]netip.Addr, error)

func (f asked) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return f(ctx, host)
}

// authorized is an Authorizer that is a function.
type authorized func(ctx context.Context) (http.Header, error)

func (f authorized) HandshakeHeaders(ctx context.Context) (http.Header, error) { return f(ctx) }

// stuckDial is a way to be stuck in a phase of the opening handshake.
type stuckDial struct {
	phase   messages.Phase
	name    string
	connect *messages.Connect
	options Options
	reached <-chan struct{}
	release func() // lets go what does not end with the connection; may be nil
}

// stuckIn makes, for an engine, a way to be stuck in each phase.
func stuckIn(t *testing.T, e Engine) []stuckDial {
	var all []stuckDial
	add := func(s stuckDial) { s.options.Engine = e; all = append(all, s) }

	inAuth := make(chan struct{})
	add(stuckDial{phase: messages.PhaseResolve, name: "auth", reached: inAuth, connect: &messages.Connect{
		URL: "ws://127.0.0.1:1/", Auth: authorized(func(ctx context.Context) (http.Header, error) {
			close(inAuth)
			<-ctx.Done()
			return nil, ctx.Err()
		})}})

	inResolve, answer := make(chan struct{}), make(chan struct{})
	add(stuckDial{phase: messages.PhaseResolve, name: "resolve", reached: inResolve, release: func() { close(answer) },
		connect: &messages.Connect{URL: "ws://game.example/"},
		options: Options{Resolver: asked(func(context.Context, string) ([]netip.Addr, error) {
			close(inResolve)
			<-answer
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		})}})

	if s, ok := stuckConnect(t); ok {
		add(s)
	}
	if e == EngineGoroutine {
		inDial := make(chan struct{})
		add(stuckDial{phase: messages.PhaseConnect, name: "dial", reached: inDial, connect: &messages.Connect{URL: "ws://game.example/"},
			options: Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				close(inDial)
				<-ctx.Done()
				return nil, ctx.Err()
			}}})
	}

	for _, scheme := range []string{schemeHTTP, schemeHTTPS, schemeSOCKS5H} {
		inProxy := make(chan struct{})
		silent := wstest.Serve(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			close(inProxy)
			_, _ = io.Copy(io.Discard, c)
		})
		add(stuckDial{phase: messages.PhaseConnect, name: scheme + " proxy", reached: inProxy, connect: &messages.Connect{URL: "wss://game.example/"},
			options: Options{Proxy: through(t, scheme+"://"+silent.Addr())}})
	}

	inTLS := make(chan struct{})
	silent := wstest.Serve(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		close(inTLS)
		_, _ = io.Copy(io.Discard, c)
	})
	add(stuckDial{phase: messages.PhaseTLS, name: "tls", reached: inTLS, connect: &messages.Connect{URL: "wss://" + silent.Addr() + "/"}})

	inUpgrade := make(chan struct{})
	mute := wstest.Serve(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, goodHead) // all but its end
			close(inUpgrade)
			_, _ = io.Copy(io.Discard, c)
		}
	})
	add(stuckDial{phase: messages.PhaseUpgrade, name: "upgrade", reached: inUpgrade, connect: &messages.Connect{URL: mute.URL()}})
	return all
}

// TestEndInEachPhase ends an opening handshake in each of its phases, in each way, and checks that the end
// is told as what it is and that nothing is left of the attempt.
func TestEndInEachPhase(t *testing.T) {
	for _, way := range []struct {
		name    string
		timeout time.Duration
		end     func(*player)
		cause   messages.Cause
	}{
		{"close", time.Minute, func(p *player) { p.do(func() { p.conn.Close(messages.CloseNormal, "") }) }, messages.CauseLocal},
		{"abort", time.Minute, func(p *player) { p.do(func() { p.conn.Abort(messages.CauseBacklog, nil) }) }, messages.CauseBacklog},
		{"stop", time.Minute, func(p *player) { p.do(p.loop.Stop) }, messages.CauseShutdown},
		{"timeout", 30 * time.Millisecond, func(*player) {}, messages.CauseConnectTimeout},
	} {
		t.Run(way.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				for _, s := range stuckIn(t, e) {
					s.options.DialTimeout = way.timeout
					b := newLab(t, s.options)
					p := b.player().dial(s.connect)
					if s.reached != nil {
						await(t, s.reached, s.name)
					}
					way.end(p)
					m := p.awaitClosed()
					checkOutcome(t, m, outcome{Cause: way.cause, Code: messages.CloseAbnormal})
					if m.Phase != s.phase {
						t.Errorf("%s: got phase %s, want %s", s.name, m.Phase, s.phase)
					}
					if s.release != nil {
						s.release()
					}
					b.stop()
				}
			})
		})
	}
}

// The end of TCP before or within the answer, in order or by a reset.
func TestServerGoesBeforeItAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		says  string
		reset bool
		cause messages.Cause
	}{
		{"eof before", "", false, messages.CauseEOF},
		{"eof within", goodHead, false, messages.CauseEOF},
		{"reset before", "", true, messages.CauseReset},
		{"reset within", "HTTP/1.1 1", true, messages.CauseReset},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := wstest.Serve(t, func(conn net.Conn) {
					_, _ = http.ReadRequest(bufio.NewReader(conn))
					_, _ = io.WriteString(conn, c.says)
					if c.reset {
						wstest.Reset(conn)
					}
				})
				m := newLab(t, Options{Engine: e}).connect(srv.URL()).awaitClosed()
				checkOutcome(t, m, outcome{Cause: c.cause, Code: messages.CloseAbnormal})
				if m.Phase != messages.PhaseUpgrade || m.Err == nil {
					t.Errorf("got phase %s, error %v; want upgrade and some error", m.Phase, m.Err)
				}
			})
		})
	}
}

// TestAuthorizer: its headers are in the request, afresh each time; its failures are told as such.
func TestAuthorizer(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		requests := make(chan *http.Request, 2)
		srv := wstest.Serve(t, func(c net.Conn) {
			r, err := wstest.Accept(c)
			if err == nil {
				requests <- r
				_ = wstest.EchoFrames(c)
			}
		})
		var calls atomic.Int32
		connect := &messages.Connect{URL: srv.URL(), Auth: authorized(func(context.Context) (http.Header, error) {
			return http.Header{"Authorization": {fmt.Sprintf("Bearer %d", calls.Add(1))}, "X-M2-World-Id": {"w"}}, nil
		})}
		b := newLab(t, Options{Engine: e})
		for i := 1; i <= 2; i++ {
			b.player().dial(connect).awaitOpened()
			r := await(t, requests, "a request")
			if got, want := r.Header.Get("Authorization"), fmt.Sprintf("Bearer %d", i); got != want || r.Header.Get("X-M2-World-Id") != "w" {
				t.Errorf("got %q and %v, want %q", got, r.Header, want)
			}
		}
		for _, c := range []struct {
			name   string
			header http.Header
			err    error
		}{
			{"fails", nil, errors.New("token endpoint: 500")},
			{"gives an owned header", http.Header{"Upgrade": {"secret"}}, nil},
			{"gives a broken value", http.Header{"Authorization": {"secret\r\n"}}, nil},
		} {
			m := b.player().dial(&messages.Connect{URL: srv.URL(), Auth: authorized(func(context.Context) (http.Header, error) {
				return c.header, c.err
			})}).awaitClosed()
			checkOutcome(t, m, outcome{Cause: messages.CauseAuth, Code: messages.CloseAbnormal})
			if m.Err == nil || (c.err != nil && !errors.Is(m.Err, c.err)) || strings.Contains(m.Err.Error(), "secret") {
				t.Errorf("%s: got error %v", c.name, m.Err)
			}
		}
	})
}

// The next address is tried after any failure of one, but not where this machine has run out.
func TestNextAddress(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, wstest.Echo)
		url := fmt.Sprintf("ws://game.example:%d/", srv.Port())
		addrs := func(ips ...string) Resolver {
			return asked(func(context.Context, string) (all []netip.Addr, _ error) {
				for _, ip := range ips {
					all = append(all, netip.MustParseAddr(ip))
				}
				return all, nil
			})
		}
		// Nobody listens at the first; the second cannot be reached from 127.0.0.1, whatever the reason.
		b := newLab(t, Options{Engine: e, Resolver: addrs("127.0.0.77", "2001:db8::1", "::ffff:127.0.0.1"), LocalIPs: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("2001:db8::2")}})
		b.open(url)
		all := newLab(t, Options{Engine: e, Resolver: addrs("127.0.0.77", "127.0.0.78")})
		m := all.connect(url).awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseRefused, Code: messages.CloseAbnormal})
		if m.Phase != messages.PhaseConnect || !errors.Is(m.Err, syscall.ECONNREFUSED) {
			t.Errorf("got %s: %v, want a refusal in connect", m.Phase, m.Err)
		}
		none := newLab(t, Options{Engine: e, Resolver: addrs()})
		checkOutcome(t, none.connect(url).awaitClosed(), outcome{Cause: messages.CauseResolve, Code: messages.CloseAbnormal})
	})
}

// A source address that is not this machine's (RFC 5737 has these for nobody) is passed over while there is another.
func TestNextSource(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		from := make(chan string, 1)
		srv := wstest.Serve(t, func(c net.Conn) {
			from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
			wstest.Echo(c)
		})
		b := newLab(t, Options{Engine: e, LocalIPs: []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("127.0.0.3")}})
		b.open(srv.URL())
		if got := await(t, from, "a connection"); got != "127.0.0.3" {
			t.Errorf("connected from %s, want 127.0.0.3", got)
		}
		b = newLab(t, Options{Engine: e, LocalIPs: []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2")}})
		m := b.connect(srv.URL()).awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseLocalResource, Code: messages.CloseAbnormal})
		if !errors.Is(m.Err, syscall.EADDRNOTAVAIL) {
			t.Errorf("got %v, want %v", m.Err, syscall.EADDRNOTAVAIL)
		}
	})
}

// A DialFunc's errors are told as a socket's are, also one that means that no port is left.
func TestDialFuncFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		want messages.Cause
	}{
		{syscall.EADDRNOTAVAIL, messages.CauseLocalResource},
		{syscall.ECONNREFUSED, messages.CauseRefused},
		{&net.DNSError{Err: "no such host", Name: "game.example"}, messages.CauseResolve},
		{context.DeadlineExceeded, messages.CauseConnectTimeout},
	} {
		wstest.NoLeaks(t)
		b := newLab(t, Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, c.err }})
		m := b.connect("ws://game.example/").awaitClosed()
		checkOutcome(t, m, outcome{Cause: c.want, Code: messages.CloseAbnormal})
		if !errors.Is(m.Err, c.err) {
			t.Errorf("got %v, want %v", m.Err, c.err)
		}
	}
}

func TestCauseOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want messages.Cause
	}{
		{syscall.ECONNRESET, messages.CauseReset},
		{syscall.EPIPE, messages.CauseReset},
		{syscall.EHOSTUNREACH, messages.CauseRefused},
		{syscall.EAFNOSUPPORT, messages.CauseRefused},
		{syscall.ETIMEDOUT, messages.CauseConnectTimeout},
		{syscall.EMFILE, messages.CauseLocalResource},
		{syscall.EADDRINUSE, messages.CauseLocalResource},
		{io.EOF, messages.CauseEOF},
		{io.ErrUnexpectedEOF, messages.CauseEOF},
		{io.ErrClosedPipe, messages.CauseEOF},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, messages.CauseTLS},
		{errors.New("anything else"), messages.CauseReset},
	} {
		if got := causeOf(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
	l := still(t, Options{})
	c := openOn(l, new(recorder), &sink{})
	for _, err := range []error{syscall.ETIMEDOUT, syscall.EHOSTUNREACH} {
		if got := c.causeOfLoss(err); got != messages.CauseReset {
			t.Errorf("%v on an open connection: got %s, want reset", err, got)
		}
	}
}

// lookups asks r for host n times at once and gives the first address of each answer.
func lookups(t *testing.T, r *resolver, host string, n int) (first []string) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	note := func(addrs []netip.Addr, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			first = append(first, err.Error())
			return
		}
		first = append(first, addrs[0].String())
	}
	for range n {
		wg.Add(1)
		if addrs, ok := r.lookup(host, func(addrs []netip.Addr, err error) { note(addrs, err); wg.Done() }); ok {
			note(addrs, nil)
			wg.Done()
		}
	}
	wg.Wait()
	return first
}

// TestResolver: one question for all that wait, answers kept for their time and handed out in turn,
// failures not kept.
func TestResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")}
		asks, fail := 0, false
		make1 := func(ttl time.Duration) *resolver {
			asks = 0
			return &resolver{ttl: ttl, jobs: &jobs{limit: 2}, names: make(map[string]*resolved), ask: asked(func(context.Context, string) ([]netip.Addr, error) {
				asks++
				time.Sleep(time.Second)
				if fail {
					return nil, errors.New("no such name")
				}
				return shared, nil
			})}
		}
		check := func(what string, got []string, want string, wantAsks int) {
			t.Helper()
			if strings.Join(got, " ") != want || asks != wantAsks {
				t.Errorf("%s: got %v after %d questions, want %s after %d", what, got, asks, want, wantAsks)
			}
		}
		r := make1(time.Minute)
		check("at once", lookups(t, r, "a", 4), "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.1", 1)
		time.Sleep(59 * time.Second)
		check("before the ttl", lookups(t, r, "a", 2), "10.0.0.2 10.0.0.3", 1)
		time.Sleep(time.Second)
		check("after the ttl", lookups(t, r, "a", 1), "10.0.0.1", 2)
		check("another name", lookups(t, r, "b", 1), "10.0.0.1", 3)
		check("an address", lookups(t, r, "127.0.0.9", 1), "127.0.0.9", 3)
		if shared[0].Is4() {
			t.Error("the Resolver's own slice was changed")
		}
		time.Sleep(time.Hour)
		fail = true
		check("a failure", lookups(t, r, "a", 2), "no such name no such name", 4)
		fail = false
		check("after a failure", lookups(t, r, "a", 1), "10.0.0.2", 5)

		r = make1(-1)
		lookups(t, r, "a", 1)
		check("no ttl", lookups(t, r, "a", 1), "10.0.0.2", 2)

		r = make1(Forever)
		lookups(t, r, "a", 1)
		time.Sleep(10 * 365 * 24 * time.Hour)
		check("forever", lookups(t, r, "a", 1), "10.0.0.2", 1)

		r = make1(time.Minute)
		for i := range maxNames + 10 {
			r.names[fmt.Sprint("name", i)] = new(resolved)
		}
		lookups(t, r, "a", 1)
		if len(r.names) != 1 {
			t.Errorf("the cache has %d names, want it emptied", len(r.names))
		}
	})
}

// TestSources: the kernel's choice first, then further loopback addresses, each filled before the next;
// given ones evenly; each of its family.
func TestSources(t *testing.T) {
	lo, there := netip.MustParseAddrPort("127.0.0.1:80"), netip.MustParseAddrPort("192.0.2.9:80")
	ip := netip.MustParseAddr
	for _, c := range []struct {
		name  string
		given []netip.Addr
		to    netip.AddrPort
		takes int
		want  map[string]int
	}{
		{"loopback", nil, lo, 25, map[string]int{"invalid IP": 10, "127.0.0.2": 10, "127.0.0.3": 5}},
		{"elsewhere", nil, there, 25, map[string]int{"invalid IP": 25}},
		{"given", []netip.Addr{ip("10.0.0.1"), ip("::1"), ip("10.0.0.2")}, lo, 25, map[string]int{"10.0.0.1": 13, "10.0.0.2": 12}},
		{"given, but of the other family", []netip.Addr{ip("::1")}, lo, 3, map[string]int{"invalid IP": 3}},
	} {
		s := newSources(c.given)
		s.perSource = 10
		got := make(map[string]int)
		var leases []lease
		for range c.takes {
			l := s.take(c.to, new(tried))
			got[l.addr().String()]++
			leases = append(leases, l)
		}
		for from, n := range c.want {
			if got[from] != n {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
				break
			}
		}
		for i := range leases {
			leases[i].release()
			leases[i].release() // does nothing more
		}
		for i := range s.routes[c.to].live {
			if n := s.routes[c.to].live[i].Load(); n != 0 {
				t.Errorf("%s: source %d has %d leases after all were released", c.name, i, n)
			}
		}
		// A source that had no port left is not tried again while there are others.
		all := make(map[string]bool)
		var so tried
		for range s.choices([]netip.Addr{c.to.Addr()}) {
			l := s.take(c.to, &so)
			all[l.addr().String()] = true
			so.number++
			l.release()
		}
		if n := s.choices([]netip.Addr{c.to.Addr()}); len(all) != n {
			t.Errorf("%s: tried %v, want %d sources", c.name, all, n)
		}
	}
	if n := newSources(nil).choices(nil); n != 0 {
		t.Errorf("choices without an address: got %d, want 0", n)
	}
}

func TestOptions(t *testing.T) {
	o := Options{}.withDefaults()
	if o.DialTimeout != DefaultDialTimeout || o.CloseTimeout != DefaultCloseTimeout || o.WriteTimeout != DefaultWriteTimeout || o.IdleTimeout != 0 ||
		o.MaxMessage != DefaultMaxMessage || o.MaxBacklog != DefaultMaxBacklog || o.ResolveTTL != DefaultResolveTTL || o.UserAgent != "loadrig" || o.Resolver == nil || o.Engine != defaultEngine {
		t.Errorf("got %+v", o)
	}
	if o := (Options{DialTimeout: -1}).withDefaults(); o.DialTimeout != -1 {
		t.Errorf("a limit that is off became %v", o.DialTimeout)
	}
	_, err := NewNetwork(Options{MaxMessage: -1, MaxBacklog: -2, Engine: 7, LocalIPs: []netip.Addr{{}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"transport: ", "max message: got -1", "max backlog: got -2", "engine: got 7", "local ips"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want %q in it", err, want)
		}
	}
	given := &tls.Config{NextProtos: []string{"h2"}}
	n, err := NewNetwork(Options{TLS: given})
	if err != nil {
		t.Fatal(err)
	}
	if given.NextProtos[0] != "h2" || n.tls.NextProtos[0] != "http/1.1" || given.ClientSessionCache != nil {
		t.Errorf("got %v from %v, which must not change", n.tls.NextProtos, given.NextProtos)
	}
}
