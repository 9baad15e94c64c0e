package rig

import (
	"fmt"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/scenario"
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
		unit  report.Unit
		value string // %.2f; empty for nothing, * for any above 0
		held  bool
	}{
		{"count==4", report.Count, "4.00", true}, // answered, of eight requests
		{"rate==50%", report.Share, "0.50", true},
		{"p(95)<1m", report.Seconds, "*", true},
		{"max<0.001us", report.Seconds, "*", false},
		{"request echo: rate==0", report.Share, "0.00", true},
		{"request echo: count>4", report.Count, "4.00", false},
		{"request echo: min>0ms", report.Seconds, "*", true},
		{"request never: rate<1", report.Share, "1.00", false},
		{"request never: p(50)<1m", report.Seconds, "", false},
		{"request never: count==0", report.Count, "0.00", true},
		{"check odd: rate>=50%", report.Share, "0.50", true},
		{"check odd: count!=4", report.Count, "4.00", false},
		{"delivery say: mean<1m", report.Seconds, "*", true},
	} {
		s := perform(t, t.Context(), srv.URL(), fmt.Sprintf(bounded, `"`+c.that+`"`), nil)
		if len(s.Scenario.Thresholds) != 1 {
			t.Fatalf("%s: got %+v", c.that, s.Scenario.Thresholds)
		}
		h := s.Scenario.Thresholds[0]
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
	r, run := metrics.NewRecorder(nil), new(metrics.Whole)
	r.Now.RoundTrip.Record(time.Millisecond)
	r.Now.Response.Record(time.Second)
	run.Add(r.Record(0, 1))
	got := figures{run, new(report.ManifestScenario)}.judge([]scenario.Bound{
		{Series: -1, Aggregate: scenario.AggregateP, Percent: 100, Op: "<", Value: 0.5, Threshold: &scenario.Threshold{Text: "p(100)<500ms"}},
	})
	if got[0].Held || *got[0].Value != 1 {
		t.Errorf("got %+v of %v, want one second", got[0], *got[0].Value)
	}
}
