package rig

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/scenario"
)

// perform runs a scenario on an echo server.
func perform(t *testing.T, ctx context.Context, url, text string, change func(*Config)) *report.Summary {
	t.Helper()
	sc, err := scenario.Read(strings.NewReader(text), "test.yaml", ".", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sc.File.Load.Plan()
	if err != nil {
		t.Fatal(err)
	}
	c := small(url)
	c.Play = &Play{Scenario: sc, Plan: plan, Seed: 1}
	for _, rows := range sc.Rows {
		c.Play.Tables = append(c.Play.Tables, players.Table(rows))
	}
	if c.Connections = c.Play.MaxPlayers(); c.Connections == 0 {
		c.Connections = 1000
	}
	if change != nil {
		change(&c)
	}
	s, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rig.Conservation != "ok" {
		t.Errorf("the counts do not add up: %s", s.Rig.Conservation)
	}
	return s
}

const talk = `
players:
  talker:
    steps:
      - connect
      - request: {name: echo, json: {id: "{{ seq }}"}, id: id}
      - think: 20ms
      - request: {name: echo, json: {id: "{{ seq }}"}, id: id}
`

// TestClosed: players go through their steps as often as they are to, and the run ends with the last.
func TestClosed(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	s := perform(t, t.Context(), srv.URL(), talk+"load: {players: 20, iterations: 3}\n", nil)
	sc := s.Scenario
	if s.Verdict != report.Pass || sc.Iterations != 60 || sc.Requests[0].Response.Count != 120 || sc.Requests[0].Lost != 0 || sc.PlayersLost != 0 {
		t.Errorf("got %s %v, %+v", s.Verdict, s.Reasons, sc)
	}
	if n := sc.Starts; n.OnTime+n.Late != 20 || n.Missed != 0 {
		t.Errorf("got starts %+v, want 20", n)
	}
	if srv.Total() != 60 || s.Connections.Opened != 60 || sc.Populations[0].Players != 20 {
		t.Errorf("got %d connections at the server, %d opened, %+v", srv.Total(), s.Connections.Opened, sc.Populations)
	}
}

// TestReplaced: as many players are held as are to be, by new ones for those who are done; each new one has a
// number of its own.
func TestReplaced(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	s := perform(t, t.Context(), srv.URL(), talk+"load: {players: 10, iterations: 1, replace: true, duration: 400ms, start: together}\n", nil)
	sc := s.Scenario
	// Each takes 20 ms at the least, so 10 × 20 rounds at the most; and there were more than the first ten.
	if n := sc.Populations[0].Players; s.Verdict != report.Pass || n <= 10 || n > 210 || uint64(n) != sc.Iterations || uint64(n) != sc.Starts.OnTime+sc.Starts.Late || s.Connections.Peak > 10 {
		t.Errorf("got %s %v, %d players, %+v, peak %d", s.Verdict, s.Reasons, n, sc, s.Connections.Peak)
	}
}

// TestOpen: players arrive at their rate, whatever became of those before; those for whom there is no room are
// counted.
func TestOpen(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	s := perform(t, t.Context(), srv.URL(), talk+"load: {rate: 100/s, iterations: 1, duration: 500ms}\n", nil)
	if sc := s.Scenario; s.Verdict != report.Pass || sc.Starts.OnTime+sc.Starts.Late != 50 || sc.Iterations != 50 {
		t.Errorf("got %s %v, %+v, want 50 iterations", s.Verdict, s.Reasons, sc)
	}
	stuck := strings.Replace(talk, "20ms", "1m", 1)
	s = perform(t, t.Context(), srv.URL(), stuck+"load: {rate: 100/s, iterations: 1, duration: 300ms, graceful_stop: 0s}\n", func(c *Config) { c.Connections = 7 })
	if sc := s.Scenario; s.Verdict != report.Fail || sc.Starts.OnTime+sc.Starts.Late != 7 || sc.Starts.Missed != 23 {
		t.Errorf("got %s, %+v, want 7 started and 23 missed", s.Verdict, sc.Starts)
	}
}

// TestStages: players come with a ramp and leave with one, and who leaves has finished its iteration.
func TestStages(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	s := perform(t, t.Context(), srv.URL(), `
players:
  one: {steps: [connect, {think: 10ms}]}
load: {stages: [{duration: 200ms, players: 20}, {duration: 100ms, players: 20}, {duration: 200ms, players: 0}]}
`, nil)
	if sc := s.Scenario; s.Verdict != report.Pass || sc.Starts.OnTime+sc.Starts.Late != 20 || sc.PlayersLost != 0 || s.Connections.Peak > 20 || s.Duration < 0.5 {
		t.Errorf("got %s %v, %+v, peak %d, in %v s", s.Verdict, s.Reasons, sc, s.Connections.Peak, s.Duration)
	}
}

// TestStoryInterrupted: the end of the context ends the load, and everything is counted still.
func TestStoryInterrupted(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	ctx, cancel := context.WithCancel(t.Context())
	s := perform(t, ctx, srv.URL(), `
players:
  one: {steps: [connect, {every: {interval: 5ms, do: [{send: x}]}}]}
load: {players: 5, duration: 1h, start: together}
`, func(c *Config) { c.Starting = func() { time.AfterFunc(300*time.Millisecond, cancel) } })
	if !s.Interrupted || s.Verdict != report.Pass || s.Connections.Opened != 5 || s.Messages.Sent == 0 || s.Messages.Sent != s.Messages.Received {
		t.Errorf("got interrupted %v, %s %v, %+v, %+v", s.Interrupted, s.Verdict, s.Reasons, s.Connections, s.Messages)
	}
}

// TestStoryLost: players whose connection ends before they do fail the run.
func TestStoryLost(t *testing.T) {
	srv := wstest.Serve(t, func(c net.Conn) {
		if p, err := wstest.Upgrade(c); err == nil {
			_, _ = p.Next()
			wstest.Reset(c)
		}
	})
	s := perform(t, t.Context(), srv.URL(), talk+"load: {players: 3, iterations: 1}\n", nil)
	if s.Verdict != report.Fail || s.Scenario.PlayersLost != 3 || s.Scenario.Requests[0].Lost != 3 {
		t.Errorf("got %s %v, %+v", s.Verdict, s.Reasons, s.Scenario)
	}
}
