package players

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/scenario"
)

// measured is the Series that a run has: the recorders of package metrics.
type measured struct {
	*metrics.Shard
	*metrics.ScenarioShard
}

var _ Series = measured{}

const measuredStory = `
vars: {word: x}
players:
  one:
    on:
      - {json: {type: chat}, delivery: chat, stamp: stamp}
      - {json: {type: tick}, tick: world, interval: 1ms}
      - {json: {type: bad}, do: [{check: {name: is more, that: word > 3}}]}
    steps:
      - connect
      - join: town
      - request: {name: login, id: id, json: {type: login, id: 1}}
      - request: {name: trade, id: id, timeout: 1ms, json: {type: trade, id: 2}}
      - publish: {name: chat, audience: town, json: {type: chat, stamp: "{{ stamp }}"}}
      - publish: {name: chat, audience: town, json: {type: chat, stamp: "{{ stamp }}"}}
      - expect: {name: the end, json: {type: end}}
`

// TestMeasured: one player logs in, trades in vain, and says two things to an audience of itself alone; it gets
// the second one, and then that again. There are three ticks, and one expression compares text with a number.
func TestMeasured(t *testing.T) {
	srv := scripted(t, func(p *wstest.Peer) error {
		if err := hear(p, `{"type":"login","id":1}`); err != nil {
			return err
		}
		_, _ = p.Write(wstest.Text(`{"id":1}`))
		if err := hear(p, `{"type":"trade","id":2}`); err != nil {
			return err
		}
		if _, err := p.Next(); err != nil {
			return err
		}
		second, err := p.Next()
		if err != nil {
			return err
		}
		for _, s := range []string{string(second.Payload), string(second.Payload), `{"type":"tick"}`, `{"type":"tick"}`, `{"type":"tick"}`, `{"type":"bad"}`, `{"type":"end"}`} {
			_, _ = p.Write(wstest.Text(s))
		}
		return nil
	})
	var shard metrics.Shard
	var part *metrics.ScenarioShard
	var names *metrics.Scenario
	tr := perform(t, srv.URL(), measuredStory, 1, func(o *CastOptions) {
		var err error
		s := o.Scenario
		names, err = metrics.NewScenario(metrics.Names{Requests: s.Requests, Checks: s.Checks, Deliveries: s.Deliveries, Ticks: s.Ticks, Populations: s.Populations})
		if err != nil {
			t.Fatal(err)
		}
		part = names.NewShard()
		o.Series = []Series{measured{&shard, part}}
	})
	all, sum := new(metrics.Snapshot), names.NewSnapshot()
	if err := tr.mgr.Each(t.Context(), func(int) { shard.AddTo(all); part.AddTo(sum) }); err != nil {
		t.Fatal(err)
	}
	if err := sum.Check(); err != nil {
		t.Error(err)
	}
	login, trade, chat, world := &sum.Requests[0], &sum.Requests[1], &sum.Deliveries[0], &sum.Ticks[0]
	for _, c := range []struct {
		what      string
		got, want uint64
	}{
		{"logins answered", login.Response.Count(), 1},
		{"logins lost", login.Lost, 0},
		{"trades answered", trade.Response.Count(), 0},
		{"trades lost", trade.Lost, 1},
		{"answers among all messages", all.RoundTrip.Count(), 1}, // the login's
		{"published", chat.Published, 2},
		{"expected", chat.Expected, 2}, // 2 · 1 member
		{"in order", chat.Orders[messages.OrderKept], 1},
		{"duplicates", chat.Orders[messages.OrderDuplicate], 1},
		{"lost", chat.Lost(), 1},                      // 2 - 1
		{"between ticks", world.Deviation.Count(), 2}, // 3 - 1
		{"iterations", sum.Iterations, 1},
		{"players lost", sum.PlayersLost, 0},
		{"faults", sum.Faults, 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, c.got, c.want)
		}
	}
	// Steps are compiled before rules.
	if want := []metrics.CheckSeries{{Name: "the end", Held: 1}, {Name: "is more", Failed: 1}}; !slices.Equal(sum.Checks, want) {
		t.Errorf("checks: got %v, want %v", sum.Checks, want)
	}
	if got := login.RoundTrip.Max(); got <= 0 || got > login.Response.Max() || login.Response.Max() > time.Minute {
		t.Errorf("login: got a round trip of %v and a response of %v", got, login.Response.Max())
	}
	if got := tr.cast.FirstFault(); !strings.HasPrefix(got, "line 8: word > 3: invalid operation: string > int") {
		t.Errorf("first fault: got %q", got)
	}
}

// TestCallOutlivesItsPlayer: an HTTP request that is under way when its player ends is counted as well.
func TestCallOutlivesItsPlayer(t *testing.T) {
	asked := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer web.Close()
	srv := wstest.Serve(t, func(c net.Conn) {
		if _, err := wstest.Upgrade(c); err == nil {
			<-asked
			_ = c.Close()
		}
	})
	story := `
players:
  one:
    steps:
      - connect
      - http: {name: shop, url: "` + web.URL + `"}
`
	tr := perform(t, srv.URL(), story, 1, nil)
	tr.cast.Stop() // cancels the request, and waits until that is told
	if err := tr.mgr.Each(t.Context(), func(int) {}); err != nil {
		t.Fatal(err)
	}
	if tr.ended != 1 || tr.requests[0] != 0 || tr.lost[0] != 1 {
		t.Errorf("got %d players lost, %d answers and %d requests lost, want 1, 0 and 1", tr.ended, tr.requests[0], tr.lost[0])
	}
}

// TestSeriesAreBounded: a scenario has no more series, and no longer names, than metrics takes.
func TestSeriesAreBounded(t *testing.T) {
	const head = "players:\n  one:\n    steps:\n      - connect\n"
	checks := func(n int, name func(i int) string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			b.WriteString("      - check: {name: \"" + name(i) + "\", that: n > 0}\n")
		}
		return b.String()
	}
	differ := func(i int) string { return fmt.Sprintf("check %d", i) }
	s, err := scenario.Read(strings.NewReader(checks(metrics.MaxNames, differ)), "test.yaml", ".", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := metrics.NewScenario(metrics.Names{Checks: s.Checks, Populations: s.Populations}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ text, want string }{
		{checks(metrics.MaxNames+1, differ), "there are 64 of its kind already, want at most 64"},
		{checks(1, func(int) string { return strings.Repeat("x", metrics.MaxNameLength+1) }), "want a name of 1 to 64 characters"},
		{checks(1, func(int) string { return "" }), "want a name of 1 to 64 characters"},
		{checks(1, func(int) string { return `a\nb` }), `got "a\nb", want a name of 1 to 64 characters`},
	} {
		if _, err := scenario.Read(strings.NewReader(c.text), "test.yaml", ".", scenario.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestStaleCall: an HTTP step that a lost connection had begin anew takes its own answer, and not that of the one
// before, which comes first. Both are counted.
func TestStaleCall(t *testing.T) {
	first, second := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	var tr *troupe
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			close(first)
			<-second // until the other is there
			_, _ = w.Write([]byte(`{"v":"stale"}`))
			return
		}
		close(second)
		for told := false; !told; time.Sleep(time.Millisecond) { // of the stale one
			tr.do(func() { told = tr.requests[0] == 1 })
		}
		_, _ = w.Write([]byte(`{"v":"own"}`))
	}))
	defer web.Close()
	var connections atomic.Int32
	srv := wstest.Serve(t, func(c net.Conn) {
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		if connections.Add(1) == 1 {
			<-first
			_ = c.Close()
			return
		}
		if err := hear(p, "own"); err != nil {
			t.Error(err)
		}
		if _, _, err := p.AwaitClose(); err == nil {
			_, _ = p.Write(wstest.Close(1000, ""))
		}
	})
	tr = prepare(t, srv.URL(), `
players:
  one:
    steps:
      - connect
      - http: {name: shop, url: "`+web.URL+`", save: {v: v}}
      - send: "{{ v }}"
    lost: [reconnect: {}]
`, 1, nil)
	tr.begin(t)
	tr.await(t)
	if tr.requests[0] != 2 || connections.Load() != 2 {
		t.Errorf("got %d answers over %d connections, want 2 over 2", tr.requests[0], connections.Load())
	}
}
