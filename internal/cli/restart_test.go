package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/target"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// gate is where the players of a scenario wait, by HTTP, until it is opened. Who waits there has nothing under way.
type gate struct {
	web    *httptest.Server
	came   atomic.Int64 // players, and those who came back from a lost connection once more
	opened chan struct{}
}

func newGate(t *testing.T) *gate {
	g := &gate{opened: make(chan struct{})}
	g.web = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.came.Add(1)
		select {
		case <-g.opened:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(g.web.Close)
	return g
}

// gated has each player send 10 requests, wait at a gate, and send 10 more. One that loses its connection comes back.
const gated = `
fragments:
  ask:
    - every: {interval: 2ms, times: 10, do: [{request: {name: ask, json: {id: "{{ seq }}"}, id: $.id, timeout: 1m}}]}
players:
  one:
    steps:
      - connect
      - call: ask
      - http: {name: gate, url: "%s", timeout: 1m}
      - call: ask
    lost: [{reconnect: {policy: fixed, delay: 20ms, limit: 3000, else: [stop]}}]
load: {players: %d, iterations: 1, duration: 2m}
`

// storyFile writes a scenario to a file.
func storyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "story.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// aside runs loadrig while the test does something to it.
func aside(t *testing.T, args ...string) (wait func() outcome) {
	done := make(chan outcome, 1)
	go func() { done <- carryOut(t, args...) }()
	return func() outcome { return <-done }
}

// here starts an echo server in this process, which can be looked at while it runs, and after it has ended.
func here(t *testing.T, addr string) *target.Server {
	t.Helper()
	s, err := target.Listen(target.Options{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve() }()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ended gives how many connections of a summary ended by a cause.
func ended(sum gjson.Result, cause string) (n uint64) {
	for _, d := range sum.Get("disconnects").Array() {
		if d.Get("cause").Str == cause {
			n += d.Get("count").Uint()
		}
	}
	return n
}

// proxied starts a proxy in front of a server.
func proxied(t *testing.T, to *target.Server) (p *wstest.FaultProxy, url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p = wstest.ServeFaultProxy(t, ln, to.Addr().String(), 1)
	return p, "ws://" + p.Addr() + "/"
}

// TestResets: of 40 players with nothing under way 10 have their connections reset, and come back. Each count is that
// of the server, and what was reset is what the proxy did.
func TestResets(t *testing.T) {
	const players, resets = 40, 10
	server, g := here(t, ""), newGate(t)
	proxy, url := proxied(t, server)
	wait := aside(t, storyFile(t, fmt.Sprintf(gated, g.web.URL, players)), "--url", url)
	await(t, "all at the gate", func() bool { return g.came.Load() == players })
	proxy.StrikeFirst(wstest.FaultReset, resets)
	await(t, "those that were reset at the gate again", func() bool { return g.came.Load() == players+resets })
	close(g.opened)
	o := wait()
	await(t, "the server's end of all connections", func() bool { return server.Stats().Open == 0 })
	stats, m := server.Stats(), o.sum.Get("messages")
	agree(t,
		same{"injected", proxy.Injected()[wstest.FaultReset], resets},
		same{"ended by reset", ended(o.sum, "reset"), resets},
		same{"ended by its player", ended(o.sum, "local"), players},
		same{"ended by anything", uint64(len(o.sum.Get("disconnects").Array())), 2},
		same{"attempted", o.sum.Get("connections.attempted").Uint(), proxy.Total()},
		same{"opened", o.sum.Get("connections.opened").Uint(), stats.Opened},
		same{"opened again", stats.Opened, players + resets},
		same{"closed with 1000", stats.Closes[1000], players},
		same{"sent", m.Get("sent").Uint(), stats.Received},
		same{"sent by the scenario", m.Get("sent").Uint(), players * 20},
		same{"received", m.Get("received").Uint(), stats.Sent},
		same{"dropped", m.Get("dropped").Uint(), 0},
		same{"requests answered", o.sum.Get("scenario.requests.0.response_seconds.count").Uint(), stats.Sent},
		same{"requests lost", o.sum.Get("scenario.requests.0.lost").Uint(), 0},
	)
	judged(t, o, "10 connections ended by reset")
}

// TestResetsInMidTraffic: of 100 players who send all the time 30 have their connections reset. What was in a socket's
// buffer then is lost on the way there or back, and no more can be said of it than this: what was sent is what the
// server read and what was lost on the way there; what came is what the server sent less what was lost on the way
// back; and both losses together are the messages that loadrig calls unanswered.
func TestResetsInMidTraffic(t *testing.T) {
	const players, resets = 100, 30
	server := here(t, "")
	proxy, url := proxied(t, server)
	wait := aside(t, "--url", url, "-c", strconv.Itoa(players), "-d", "2s", "--traffic", "paced", "--msg-rate", "200/s")
	await(t, "traffic", func() bool { return server.Stats().Received > players*20 })
	proxy.StrikeFirst(wstest.FaultReset, resets)
	o := wait()
	await(t, "the server's end of all connections", func() bool { return server.Stats().Open == 0 })
	stats, m := server.Stats(), o.sum.Get("messages")
	sent, received, unanswered := m.Get("sent").Uint(), m.Get("received").Uint(), o.sum.Get("rig.unanswered").Uint()
	if sent < stats.Received || received > stats.Sent {
		t.Fatalf("sent %d, read by the server %d, sent by it %d, received %d: want none to grow on the way", sent, stats.Received, stats.Sent, received)
	}
	agree(t,
		same{"ended by reset", ended(o.sum, "reset"), resets},
		same{"ended by the run", ended(o.sum, "shutdown"), players - resets},
		same{"closed with 1000", stats.Closes[1000], players - resets},
		same{"opened", o.sum.Get("connections.opened").Uint(), stats.Opened},
		same{"unanswered", unanswered, (sent - stats.Received) + (stats.Sent - received)},
		same{"answers", o.sum.Get("response_seconds.count").Uint(), received},
		same{"corrupted, duplicated or foreign", m.Get("corrupted").Uint() + m.Get("duplicated").Uint() + m.Get("foreign").Uint(), 0},
	)
	t.Logf("%d sent: %d lost on the way there, %d on the way back", sent, sent-stats.Received, stats.Sent-received)
}

// refused gives how many attempts of a run were refused so far, from its metrics.
func refused(t *testing.T, addr string) (n float64) {
	r, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		return 0 // it does not serve them yet
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, `loadrig_disconnects_total{cause="refused",initiator="remote"} `); ok {
			n, err = strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// TestRestarts: the server goes under 30 players with nothing under way, without a word, and is there again once they
// have come back in vain. What loadrig counts is what both servers together do.
func TestRestarts(t *testing.T) {
	const players = 30
	restart := func(t *testing.T, url string, g *gate, end, begin func()) outcome {
		metrics := freeAddress(t)
		wait := aside(t, storyFile(t, fmt.Sprintf(gated, g.web.URL, players)), "--url", url, "--http", metrics)
		await(t, "all at the gate", func() bool { return g.came.Load() == players })
		end()
		await(t, "attempts in vain", func() bool { return refused(t, metrics) >= players })
		begin()
		await(t, "all at the gate again", func() bool { return g.came.Load() == 2*players })
		close(g.opened)
		return wait()
	}
	// compare takes the counts of the server that was, which are known where it was killed: it had what the players do.
	compare := func(t *testing.T, o outcome, accepted, opened, received, sent uint64) {
		t.Helper()
		c, m := o.sum.Get("connections"), o.sum.Get("messages")
		agree(t,
			same{"opened", c.Get("opened").Uint(), players + opened},
			same{"opened again", opened, players},
			same{"refused", ended(o.sum, "refused"), c.Get("attempted").Uint() - players - accepted},
			same{"failed", c.Get("failed").Uint(), ended(o.sum, "refused")},
			same{"ended as the server went", ended(o.sum, "eof"), players},
			same{"ended by its player", ended(o.sum, "local"), players},
			same{"ended by anything", uint64(len(o.sum.Get("disconnects").Array())), 3},
			same{"sent", m.Get("sent").Uint(), players*10 + received},
			same{"received", m.Get("received").Uint(), players*10 + sent},
			same{"sent after", received, players * 10},
			same{"dropped", m.Get("dropped").Uint(), 0},
			same{"requests answered", o.sum.Get("scenario.requests.0.response_seconds.count").Uint(), players * 20},
			same{"requests lost", o.sum.Get("scenario.requests.0.lost").Uint(), 0},
		)
		judged(t, o, "30 connections ended by eof")
	}
	t.Run("ended", func(t *testing.T) {
		first, g := here(t, ""), newGate(t)
		var second *target.Server
		o := restart(t, first.URL(), g, func() { _ = first.Close() }, func() { second = here(t, first.Addr().String()) })
		before := first.Stats()
		agree(t,
			same{"accepted before", before.Accepted, players}, same{"opened before", before.Opened, players},
			same{"received before", before.Received, players * 10}, same{"sent before", before.Sent, players * 10},
		)
		await(t, "the server's end of all connections", func() bool { return second.Stats().Open == 0 })
		s := second.Stats()
		compare(t, o, s.Accepted, s.Opened, s.Received, s.Sent)
	})
	t.Run("killed", func(t *testing.T) {
		first, g := served(t, "echo"), newGate(t)
		var second *child
		addr := strings.Trim(first.url, "ws:/")
		o := restart(t, first.url, g,
			func() { _ = first.cmd.Process.Kill(); _, _ = first.stop() },
			func() { second = served(t, "echo", "--listen", addr) })
		s, err := second.stop()
		if err != nil {
			t.Fatal(err)
		}
		compare(t, o, s.Accepted, s.Opened, s.Received, s.Sent)
	})
}

// busy has each player send a request after another.
const busy = `
players:
  one:
    steps:
      - connect
      - every: {interval: 2ms, times: 800, do: [{request: {name: ask, json: {id: "{{ seq }}"}, id: $.id, timeout: 1m}}]}
    lost: [{reconnect: {policy: fixed, delay: 20ms, limit: 3000, else: [stop]}}]
load: {players: 30, iterations: 1, duration: 2m}
`

// TestRestartInMidTraffic: the server goes under 30 players who send all the time, each of whom has at most one request
// under way. What was in a socket's buffer then is lost on the way there or back, so equal are not what was sent and
// what the servers read, but what that is short of, together with what came short on the way back and what was
// never sent, and the requests that loadrig calls lost.
func TestRestartInMidTraffic(t *testing.T) {
	const players = 30
	first, metrics := here(t, ""), freeAddress(t)
	wait := aside(t, storyFile(t, busy), "--url", first.URL(), "--http", metrics)
	await(t, "traffic of all", func() bool { s := first.Stats(); return s.Opened == players && s.Received > players*50 })
	_ = first.Close()
	await(t, "attempts in vain", func() bool { return refused(t, metrics) >= players })
	second := here(t, first.Addr().String())
	o := wait()
	await(t, "the server's end of all connections", func() bool { return second.Stats().Open == 0 })
	a, b, c, m := first.Stats(), second.Stats(), o.sum.Get("connections"), o.sum.Get("messages")
	sent, received, dropped := m.Get("sent").Uint(), m.Get("received").Uint(), m.Get("dropped").Uint()
	if sent < a.Received+b.Received || received > a.Sent+b.Sent {
		t.Fatalf("sent %d, read by the servers %d, sent by them %d, received %d: want none to grow on the way", sent, a.Received+b.Received, a.Sent+b.Sent, received)
	}
	lost := o.sum.Get("scenario.requests.0.lost").Uint()
	agree(t,
		same{"opened", c.Get("opened").Uint(), a.Opened + b.Opened},
		same{"attempted", c.Get("attempted").Uint(), a.Accepted + b.Accepted + ended(o.sum, "refused")},
		same{"ended as the server went", ended(o.sum, "eof") + ended(o.sum, "reset"), a.Opened - a.Closes[1000]},
		same{"ended by its player", ended(o.sum, "local"), a.Closes[1000] + b.Closes[1000]},
		same{"requests lost", lost, (sent - a.Received - b.Received) + (a.Sent + b.Sent - received) + dropped},
		same{"requests answered", o.sum.Get("scenario.requests.0.response_seconds.count").Uint(), received},
		same{"requests answered by the scenario", received, players * 800},
	)
	if lost > players {
		t.Errorf("got %d requests lost, want at most %d", lost, players)
	}
	t.Logf("%d sent: %d lost on the way there, %d on the way back, %d never sent", sent, sent-a.Received-b.Received, a.Sent+b.Sent-received, dropped)
}
