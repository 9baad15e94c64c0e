package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/transport"
)

// small is a short run on a server. How late this machine is does not matter to these tests.
func small(url string) Config {
	return Config{URL: url, Connections: 20, Duration: 500 * time.Millisecond, MaxLag: time.Hour,
		Traffic: players.PingPong, Size: 32, Settle: 10 * time.Second}
}

func runs(t *testing.T, ctx context.Context, c Config) *report.Summary {
	t.Helper()
	s, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rig.Conservation != "ok" {
		t.Errorf("the counts do not add up: %s", s.Rig.Conservation)
	}
	var sum int64
	for _, n := range s.Connections.ByState {
		sum += n
	}
	if sum != int64(s.Players) {
		t.Errorf("the states %v add up to %d, want %d", s.Connections.ByState, sum, s.Players)
	}
	return s
}

func TestRun(t *testing.T) {
	for _, engine := range []transport.Engine{transport.EngineAuto, transport.EngineGoroutine} {
		for _, kind := range []players.Kind{players.Idle, players.PingPong, players.Paced} {
			t.Run(fmt.Sprintf("%s/%s", engine, kind), func(t *testing.T) {
				srv := wstest.Serve(t, wstest.Echo)
				c := small(srv.URL())
				c.Traffic, c.Size, c.MessageRate = kind, 64, 20
				c.Transport.Engine = engine
				s := runs(t, t.Context(), c)
				if s.Verdict != report.Pass {
					t.Errorf("got %s %v, want pass", s.Verdict, s.Reasons)
				}
				if s.Connections.Opened != 20 || s.Connections.Peak != 20 || srv.Total() != 20 {
					t.Errorf("opened %d, peak %d, the server saw %d, want 20 each", s.Connections.Opened, s.Connections.Peak, srv.Total())
				}
				if s.Messages.Sent != s.Messages.Received || (s.Messages.Sent == 0) != (kind == players.Idle) {
					t.Errorf("sent %d, received %d", s.Messages.Sent, s.Messages.Received)
				}
				if kind != players.Idle && (s.RoundTrip.Count != s.Messages.Sent || s.Rig.Unanswered != 0) {
					t.Errorf("sent %d, answered %d, unanswered %d", s.Messages.Sent, s.RoundTrip.Count, s.Rig.Unanswered)
				}
				want := report.Disconnect{Cause: "shutdown", Initiator: "local", Code: 1000, Count: 20}
				if len(s.Disconnects) != 1 || s.Disconnects[0] != want {
					t.Errorf("got %+v, want %+v", s.Disconnects, want)
				}
			})
		}
	}
}

// TestRate: the n-th player starts n/rate after the start, and no earlier.
func TestRate(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	c := small(srv.URL())
	c.Rate, c.Duration = 100, time.Second // the last of 20 starts after 190 ms
	if s := runs(t, t.Context(), c); s.Connections.Opened != 20 || s.Verdict != report.Pass {
		t.Errorf("opened %d, %s, want 20, pass", s.Connections.Opened, s.Verdict)
	}
	c.Rate, c.Duration = 10, 450*time.Millisecond // the fifth is due after 400 ms, the sixth too late
	s := runs(t, t.Context(), c)
	if s.Connections.Attempted > 5 || s.Verdict != report.Fail || s.Connections.ByState["idle"] < 15 {
		t.Errorf("attempted %d, %s, %v, want at most 5, fail, 15 or more idle", s.Connections.Attempted, s.Verdict, s.Connections.ByState)
	}
}

func TestInterrupted(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	c := small(srv.URL())
	c.Duration = 10 * time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	c.Progress = func(Progress) { cancel() }
	s := runs(t, ctx, c)
	if !s.Interrupted || s.Verdict != report.Pass || s.Connections.Opened != 20 {
		t.Errorf("got interrupted %v, %s %v, want true, pass", s.Interrupted, s.Verdict, s.Reasons)
	}
}

// TestFailures: what goes wrong is counted under its cause, explained, and ends the run early.
func TestFailures(t *testing.T) {
	status := func(head string) func(net.Conn) {
		return func(c net.Conn) {
			b := make([]byte, 4096)
			if _, err := c.Read(b); err == nil {
				_, _ = io.WriteString(c, head)
			}
		}
	}
	for _, c := range []struct {
		name    string
		script  func(net.Conn)
		want    report.Disconnect
		verdict report.Verdict
		reason  string
	}{
		{"403", status("HTTP/1.1 403 Forbidden\r\n\r\n"),
			report.Disconnect{Cause: "upgrade_status", Initiator: "remote", Count: 20}, report.Fail, "upgrade: got status 403, want 101"},
		{"not http", status("220 mail.example ESMTP\r\n"),
			report.Disconnect{Cause: "upgrade_invalid", Initiator: "local", Count: 20}, report.Fail, "is this a WebSocket server?"},
		{"hangs up after the upgrade", func(c net.Conn) { _, _ = wstest.Accept(c) },
			report.Disconnect{Cause: "eof", Initiator: "remote", Code: 1006, Count: 20}, report.Fail, "20 connections ended by eof"},
		{"restarts", func(c net.Conn) {
			if _, err := wstest.Accept(c); err == nil {
				_, _ = c.Write([]byte{0x88, 6, 0x03, 0xf4, 'm', 'o', 'v', 'e'}) // 1012
				_, _ = io.Copy(io.Discard, c)
			}
		}, report.Disconnect{Cause: "remote", Initiator: "remote", Code: 1012, Count: 20}, report.Fail, `1012 service restart "move"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := wstest.Serve(t, c.script)
			cfg := small(srv.URL())
			cfg.Duration, cfg.Traffic = 10*time.Minute, players.Idle
			cfg.Transport.CloseTimeout = 200 * time.Millisecond
			s := runs(t, t.Context(), cfg)
			if len(s.Disconnects) != 1 || s.Disconnects[0] != c.want {
				t.Errorf("got %+v, want %+v", s.Disconnects, c.want)
			}
			if s.Verdict != c.verdict || len(s.Reasons) == 0 || !strings.Contains(strings.Join(s.Reasons, "\n"), c.reason) {
				t.Errorf("got %s %q, want %s with %q", s.Verdict, s.Reasons, c.verdict, c.reason)
			}
		})
	}
}

// TestMetrics follows a run through its metrics: players are idle until it is their turn, and connected
// after; and the listener is gone when the run is.
func TestMetrics(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	c := small(srv.URL())
	c.HTTP, c.Duration = ":0", 10*time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	var addr string
	c.Serving = func(a string) { addr = a }
	c.Progress = func(p Progress) {
		defer cancel()
		body := fetch(t, "http://"+addr+"/metrics")
		for _, line := range []string{
			`loadrig_connections{state="idle"} 0`, `loadrig_connections{state="connecting"} 0`,
			`loadrig_connections{state="connected"} 20`, `loadrig_connections{state="disconnected"} 0`,
			`loadrig_transitions_total{from="idle",to="connecting"} 20`, `loadrig_transitions_total{from="connecting",to="connected"} 20`,
			`loadrig_handshake_duration_seconds_count{phase="total"} 20`, `go_goroutines `, `process_open_fds `,
		} {
			if !strings.Contains(body, "\n"+line) {
				t.Errorf("/metrics lacks %s", line)
			}
		}
		if got := fetch(t, "http://"+addr+"/healthz"); !strings.Contains(got, "ok") {
			t.Errorf("/healthz: got %q, want ok", got)
		}
	}
	runs(t, ctx, c)
	if host, _, _ := net.SplitHostPort(addr); host != "127.0.0.1" {
		t.Errorf("listened at %s, want loopback where no host is named", addr)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
		t.Errorf("%s still listens", addr)
	}
}

func fetch(t *testing.T, url string) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// TestNothingStarted: what is the user's to mend is told before the first player and before anything listens.
func TestNothingStarted(t *testing.T) {
	server := wstest.Serve(t, wstest.Echo)
	proxy, err := url.Parse("http://" + wstest.Serve(t, wstest.HTTPProxy("a:b", nil)).Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		field  string
		change func(*Config)
	}{
		{"URL", func(c *Config) { c.URL = "ws://game.example/" }},
		{"Proxy", func(c *Config) { c.Transport.Proxy = transport.ProxyURL(proxy) }},
		{"UnixSocket", func(c *Config) { c.Transport.UnixSocket = t.TempDir() + "/absent" }},
		{"ConnectTo", func(c *Config) { c.Transport.ConnectTo = []transport.ConnectTo{{ToHost: "game.example"}} }},
	} {
		cfg := small(server.URL())
		cfg.HTTP = ":0"
		cfg.Transport.Resolver = nobody{}
		cfg.Serving = func(string) { t.Errorf("%s: it listens", c.field) }
		cfg.Starting = func() { t.Errorf("%s: it starts", c.field) }
		c.change(&cfg)
		_, err := Run(t.Context(), cfg)
		var field *messages.FieldError
		if !errors.As(err, &field) || field.Field != c.field {
			t.Errorf("got %v, want an error that names %s", err, c.field)
		}
		if err := Probe(t.Context(), cfg); !errors.As(err, &field) || field.Field != c.field {
			t.Errorf("Probe: got %v, want an error that names %s", err, c.field)
		}
		// Who interrupts it is not told of mistakes, but that it was interrupted.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		cfg.Serving, cfg.Starting = nil, nil
		if s, err := Run(ctx, cfg); err != nil || !s.Interrupted || s.Connections.Attempted != 0 {
			t.Errorf("%s, interrupted: got %+v, %v", c.field, s, err)
		}
	}
	if n := server.Total(); n != 0 {
		t.Errorf("the server saw %d connections, want none", n)
	}
}

// nobody is a Resolver that knows no name.
type nobody struct{}

func (nobody) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no such host")
}

// TestWays: a run through a proxy, and one over a Unix socket; Starting is told once.
func TestWays(t *testing.T) {
	server := wstest.Serve(t, wstest.Echo)
	proxy, err := url.Parse("socks5://" + wstest.Serve(t, wstest.SOCKSProxy("", nil)).Addr())
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	wstest.ServeOn(t, ln, wstest.Echo)
	for _, o := range []transport.Options{{Proxy: transport.ProxyURL(proxy)}, {UnixSocket: path}} {
		for _, e := range []transport.Engine{transport.EngineAuto, transport.EngineGoroutine} {
			c := small(server.URL())
			c.Transport = o
			c.Transport.Engine = e
			starts := 0
			c.Starting = func() { starts++ }
			if s := runs(t, t.Context(), c); s.Verdict != report.Pass || s.Connections.Opened != 20 || starts != 1 {
				t.Errorf("got %s %v, %d opened, started %d times", s.Verdict, s.Reasons, s.Connections.Opened, starts)
			}
		}
	}
}

func TestPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := small("ws://127.0.0.1:1/")
	c.HTTP = ln.Addr().String()
	_, err = Run(t.Context(), c)
	var field *messages.FieldError
	if !errors.As(err, &field) || field.Field != "HTTP" {
		t.Errorf("got %v, want an error that names HTTP", err)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.URL = "http://x/" }, `URL: bad url: got "http://x/", want ws://… or wss://…`},
		{func(c *Config) { c.URL = "ws://u:p4ss@x/" }, `URL: bad url: got a user name in "ws://x/", want an Authorization header instead`},
		{func(c *Config) { c.Connections = 0 }, "Connections: got 0, want 1 or more"},
		{func(c *Config) { c.Duration = -1 }, "Duration: got -1ns, want more than 0"},
		{func(c *Config) { c.Rate = -1 }, "Rate: rate: got -1 per second, want 0 to 1e+09"},
		{func(c *Config) { c.Shards = -1 }, "Shards: got -1, want 1 to 1023"},
		{func(c *Config) { c.HTTP = "x" }, `HTTP: got "x", want host:port, as 127.0.0.1:9464`},
		{func(c *Config) { c.Headers = http.Header{"X": {"a\nb"}} }, "Headers: bad header: the value of X has a control character"},
		{func(c *Config) { c.Transport.UnixSocket, c.Transport.ConnectTo = "x", make([]transport.ConnectTo, 1) },
			"UnixSocket: got another address to connect to too, want one of them"},
		{func(c *Config) { c.Transport.MaxMessage, c.Transport.ResolveSelect = -1, 9 },
			"Transport: max message: got -1 bytes, want 1 or more, or 0 for the default\nResolveSelect: got 9, want roundRobin, first or random"},
		{func(c *Config) { c.Connections, c.Duration = 0, 0 }, "Connections: got 0, want 1 or more\nDuration: got 0s, want more than 0"},
	} {
		cfg := small("ws://127.0.0.1/")
		c.change(&cfg)
		if err := cfg.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestFit(t *testing.T) {
	limit := machine.Read().Files
	if limit == 0 {
		t.Skip("SKIPPED: descriptors are not limited here")
	}
	c := small("ws://127.0.0.1/")
	c.Connections = limit
	var le *LimitError
	if err := Fit(c); !errors.As(err, &le) {
		t.Fatalf("got %v, want a LimitError", err)
	}
	c.Connections = le.Fits
	if err := Fit(c); err != nil {
		t.Errorf("what was said to fit does not: %v", err)
	}
	c.Connections = le.Fits + 1
	if err := Fit(c); err == nil {
		t.Error("one more fits, too")
	}
	// A destination that is not loopback has the ports of one source address.
	if ports := machine.Read().Ports(); ports < le.Fits {
		c.URL = "ws://192.0.2.1/"
		if err := Fit(c); !errors.As(err, &le) || le.Fits != ports {
			t.Errorf("got %v, want a limit of %d ports", err, ports)
		}
		// It is the first hop that counts, and a Unix socket needs none.
		nearby, err := url.Parse("socks5h://127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		c.Transport.Proxy = transport.ProxyURL(nearby)
		if err := Fit(c); errors.As(err, &le) && le.Fits == ports {
			t.Errorf("through a proxy on this machine: got %v", err)
		}
		c.Transport.Proxy, c.Transport.UnixSocket = nil, "/x"
		if err := Fit(c); errors.As(err, &le) && le.Fits == ports {
			t.Errorf("over a Unix socket: got %v", err)
		}
	}
}
