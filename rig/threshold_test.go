package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

const bounded = `
players:
  one:
    on: [{json: {op: say}, delivery: say, stamp: $.stamp}]
    steps:
      - connect
      - join: all
      - request: {name: echo, json: {id: "{{ seq }}"}, id: id}
      - request: {name: never, json: {id: 1}, id: id, reply_id: other, timeout: 50ms}
      - check: {name: odd, that: n %% 2 == 1}
      - publish: {name: say, audience: all, json: {op: say, stamp: "{{ stamp }}"}}
      - think: 50ms
load: {players: 4, iterations: 1, start: together}
thresholds: [%s]
`

// TestThresholds: each is judged by what it is about.
func TestThresholds(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	for _, c := range []struct {
		that  string
		unit  threshold.Unit
		value string // %.2f; empty for nothing, * for any above 0
		held  bool
	}{
		{"count==4", threshold.Count, "4.00", true}, // answered, of eight requests
		{"rate==50%", threshold.Share, "0.50", true},
		{"p(95)<1m", threshold.Seconds, "*", true},
		{"max<0.001us", threshold.Seconds, "*", false},
		{"request echo: rate==0", threshold.Share, "0.00", true},
		{"request echo: count>4", threshold.Count, "4.00", false},
		{"request echo: min>0ms", threshold.Seconds, "*", true},
		{"request never: rate<1", threshold.Share, "1.00", false},
		{"request never: p(50)<1m", threshold.Seconds, "", false},
		{"request never: count==0", threshold.Count, "0.00", true},
		{"check odd: rate>=50%", threshold.Share, "0.50", true},
		{"check odd: count!=4", threshold.Count, "4.00", false},
		{"delivery say: mean<1m", threshold.Seconds, "*", true},
	} {
		s := perform(t, t.Context(), srv.URL(), fmt.Sprintf(bounded, `"`+c.that+`"`), nil)
		if len(s.Thresholds) != 1 {
			t.Fatalf("%s: got %+v", c.that, s.Thresholds)
		}
		h := s.Thresholds[0]
		got := ""
		if h.Value != nil {
			got = fmt.Sprintf("%.2f", *h.Value)
			if c.value == "*" && *h.Value > 0 {
				got = "*"
			}
		}
		if h.That != c.that || h.Unit != c.unit || h.Held != c.held || got != c.value {
			t.Errorf("got %+v of %s, want %s and held %t", h, got, c.value, c.held)
		}
		if (s.Verdict == report.Pass) != c.held {
			t.Errorf("%s: got %s %v", c.that, s.Verdict, s.Reasons)
		}
	}
}

// TestThresholdClock: times without a name count from when a message was due, as the user would feel it.
func TestThresholdClock(t *testing.T) {
	r, run := metrics.NewRecorder(nil), report.NewBuilder(&report.Manifest{Thresholds: []threshold.Spec{{That: "p(100)<500ms"}}})
	r.Now.RoundTrip.Record(time.Millisecond)
	r.Now.Response.Record(time.Second)
	run.Record(r.Record(0, 1))
	got := run.Summary().Thresholds
	if got[0].Held || *got[0].Value != 1 {
		t.Errorf("got %+v of %v, want one second", got[0], *got[0].Value)
	}
}

// TestThresholdAborts: a threshold that is to end the run does so as soon as it fails, with traffic of one kind
// and with a scenario, in all its parts: the load ends long before its time, every connection is closed by plan,
// and the summary says why. It is no interruption.
func TestThresholdAborts(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	const endless = `
players: {one: {steps: [connect, {for: {duration: 1h, do: [{request: {name: echo, json: {id: "{{ seq }}"}, id: id}}, {think: 5ms}]}}]}}
load: {players: 4, duration: 10m}
thresholds: [{that: "request echo: count<20", abort_on_fail: true}, count>1000000]
`
	soon := func(c *Config) { c.Interval = MinInterval }
	for name, run := range map[string]func() *report.Summary{
		"scenario": func() *report.Summary { return perform(t, t.Context(), srv.URL(), endless, soon) },
		"open model": func() *report.Summary {
			return perform(t, t.Context(), srv.URL(), strings.Replace(endless, "players: 4,", "rate: 50/s,", 1), func(c *Config) { soon(c); c.Connections = 100 })
		},
		"traffic": func() *report.Summary {
			c := small(srv.URL())
			c.Duration, c.Traffic = 10*time.Minute, players.PingPong
			c.Connections, c.Rate = 1000, 50 // most of whom never come, which is nobody's fault
			c.Thresholds = []threshold.Spec{{That: "response.count < 20", Abort: true}}
			soon(&c)
			return runs(t, t.Context(), c)
		},
	} {
		began := time.Now()
		s := run()
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("%s: it took %v", name, took)
		}
		if s.Aborted == "" || s.Interrupted || s.Verdict == report.Pass || !strings.HasPrefix(s.Reasons[0], "the run was ended after ") {
			t.Errorf("%s: got aborted by %q, interrupted %t, %s %q", name, s.Aborted, s.Interrupted, s.Verdict, s.Reasons)
		}
		if all := strings.Join(s.Reasons, "; "); strings.Contains(all, "opened") || strings.Contains(all, "had been started") {
			t.Errorf("%s: got %s", name, all)
		}
		for _, d := range s.Disconnects {
			if d.Cause != messages.CauseShutdown.String() && d.Cause != messages.CauseLocal.String() {
				t.Errorf("%s: got %d connections ended by %s", name, d.Count, d.Cause)
			}
		}
		kinds := make(map[report.EventKind]int)
		for _, e := range s.Events {
			kinds[e.Kind]++
		}
		if kinds[report.Aborted] != 1 || kinds[report.Crossed] != 1 {
			t.Errorf("%s: got the events %+v", name, s.Events)
		}
		if h := s.Thresholds[0]; h.Held || h.FirstFailed == nil {
			t.Errorf("%s: got %+v", name, h)
		}
	}
}

// TestInterruptedBeforeAborted: what ended the load first is what ended it.
func TestInterruptedBeforeAborted(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	ctx, cancel := context.WithCancel(t.Context())
	c := small(srv.URL())
	c.Duration, c.Interval = 10*time.Minute, MinInterval
	c.Thresholds = []threshold.Spec{{That: "attempted < 0", Abort: true}} // fails with the first record
	c.Sinks = []report.Sink{&impatient{tape{t: t}, cancel}}
	s := runs(t, ctx, c)
	if s.Aborted != "" || !s.Interrupted || s.Thresholds[0].Held {
		t.Errorf("got aborted by %q, interrupted %t, %+v", s.Aborted, s.Interrupted, s.Thresholds)
	}
	for _, e := range s.Events {
		if e.Kind == report.Aborted {
			t.Errorf("got the event %+v", e)
		}
	}
}

// impatient interrupts the run with its first record, before thresholds are looked at.
type impatient struct {
	tape
	interrupt func()
}

func (i *impatient) Record(*metrics.Record) error {
	i.interrupt()
	return nil
}

// TestThresholdMistakes: what a run does not have is refused before it starts.
func TestThresholdMistakes(t *testing.T) {
	c := small("ws://127.0.0.1:1/")
	c.Thresholds = []threshold.Spec{{That: "p(95)<1s"}, {That: "request join: p(95)<1s"}, {That: "p(95)<1s", Window: 0.1}}
	const want = `Thresholds: "request join: p(95)<1s": unknown request "join": there is none` + "\n" +
		`Thresholds: "p(95)<1s": got a window of 100ms, want 1s or more`
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	c.Thresholds = slices.Repeat([]threshold.Spec{{That: "p(95)<1s"}}, threshold.Max+1)
	if err := c.Validate(); err == nil || err.Error() != "Thresholds: got 65 with those of the scenario, want at most 64" {
		t.Errorf("got %v", err)
	}
}

// TestThresholdsReadAgain: a run that is judged again from its manifest, records and events, after a way through
// JSON, has the same outcome of each threshold.
func TestThresholdsReadAgain(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	c := small(srv.URL())
	c.Duration, c.Interval = 1500*time.Millisecond, MinInterval
	c.Thresholds = []threshold.Spec{
		{That: "p(95)<1us"}, {That: "max<1m", Window: 1}, {That: "sent: per_second>1", Window: 1, Delay: 1.2}, {That: "count>1"},
		{That: `connections("connected") == 20`}, {That: "response.p(50) > round_trip.p(99) || sent < 1000"}, {That: "ping: max<1s"},
	}
	tape := &tape{t: t}
	c.Sinks = []report.Sink{tape}
	live := runs(t, t.Context(), c)
	if again := tape.builder.Summary(); !reflect.DeepEqual(again, live) {
		t.Errorf("got %+v\nwant %+v", again, live)
	}
	if len(live.Thresholds) != len(c.Thresholds) || live.Thresholds[0].FirstFailed == nil || !live.Thresholds[4].Held {
		t.Errorf("got %+v", live.Thresholds)
	}
}

// tape feeds a builder with what it is given, as JSON has it.
type tape struct {
	t       *testing.T
	builder *report.Builder
}

func through[T any](t *testing.T, v T) *T {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	read := new(T)
	if err := json.Unmarshal(b, read); err != nil {
		t.Fatal(err)
	}
	return read
}

func (p *tape) Begin(m *report.Manifest) error {
	p.builder = report.NewBuilder(through(p.t, *m))
	return nil
}

func (p *tape) Record(r *metrics.Record) error {
	p.builder.Record(through(p.t, *r))
	return nil
}

func (p *tape) Event(e report.Event) error {
	p.builder.Event(*through(p.t, e))
	return nil
}

func (p *tape) End(*report.Summary) error { return nil }
