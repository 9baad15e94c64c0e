package rig

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/target"
)

// seen is a Sink that hands each record's sessions on, with when the record was there.
type seen struct {
	listener
	records chan seenRecord
}

type seenRecord struct {
	metrics.Sessions
	broken    string
	connected float64
	at        time.Time
}

func (s *seen) Record(r *metrics.Record) error {
	rec := seenRecord{broken: r.Broken, connected: r.Gauges[`connections{state="connected"}`], at: time.Now()}
	if r.Sessions != nil {
		rec.Sessions.Merge(r.Sessions)
	}
	s.records <- rec
	return nil
}

// TestSessions: of 40 players 10 are cut off, later 15 of the others, and the rest is kept to the end. Each lasted as
// long as the two moments allow between which it opened, and those between which it ended; and these moments are far
// enough from each other for the curve to have a step for each, which is where it was, to a bin.
func TestSessions(t *testing.T) {
	const all, first, second = 40, 10, 15
	server, err := target.Listen(target.Options{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve() }()
	t.Cleanup(func() { _ = server.Close() })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := wstest.ServeFaultProxy(t, ln, server.Addr().String(), 1)
	sink := &seen{records: make(chan seenRecord, 10_000)}
	cfg := Config{URL: "ws://" + proxy.Addr() + "/", Connections: all, Duration: time.Hour, MaxLag: time.Hour, Traffic: players.Idle,
		Interval: MinInterval, Sinks: []report.Sink{sink}, Shards: 2}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	begin := time.Now()
	go func() { _, err := Run(ctx, cfg); done <- err }()

	var last seenRecord
	var since time.Time // before the counts of the last record were read
	until := func(what string, ok func() bool) {
		t.Helper()
		for late := time.After(time.Minute); ; {
			select {
			case r := <-sink.records:
				since, last = last.at, r
				if last.broken != "" {
					t.Fatal(last.broken)
				}
				if ok() {
					return
				}
			case err := <-done:
				t.Fatalf("%s: the run is over, %v", what, err)
			case <-late:
				t.Fatalf("%s: waited in vain", what)
			}
		}
	}
	until("all to open", func() bool { return last.connected == all })
	opened := time.Now() // each session opened between begin and opened
	// strike cuts n off, and gives the least and the greatest time that they can have lasted.
	strike := func(n, left int) (least, most time.Duration) {
		t.Helper()
		least = time.Since(opened)
		proxy.StrikeFirst(wstest.FaultReset, n)
		until("the end of those that were cut off", func() bool { return last.connected == float64(left) })
		return least, time.Since(begin)
	}
	// wellAfter waits for a record by which who is left has lasted for longer than those before, by more than a bin.
	wellAfter := func(most time.Duration) {
		t.Helper()
		until("a while to pass", func() bool { return since.Sub(opened) > most+most/4 })
	}
	least1, most1 := strike(first, all-first)
	wellAfter(most1)
	least2, most2 := strike(second, all-first-second)
	wellAfter(most2)

	check := func(what string, s *report.Survival, ended, open uint64) {
		t.Helper()
		if s.Ended != ended || s.Lost != first+second || s.Open != open {
			t.Fatalf("%s: got %d ended, %d lost, %d open, want %d, %d, %d", what, s.Ended, s.Lost, s.Open, ended, first+second, open)
		}
		bin := func(d time.Duration) (from, to float64) {
			a, b := metrics.LifetimeEdges(metrics.LifetimeBin(d))
			return a.Seconds(), b.Seconds()
		}
		for _, step := range []struct {
			least, most   time.Duration
			before, after float64
		}{
			{least1, most1, 1, 30. / 40}, {least2, most2, 30. / 40, 15. / 40},
		} {
			from, _ := bin(step.least)
			_, to := bin(step.most)
			if a, b := shareAt(s, from), shareAt(s, to); a != step.before || b != step.after {
				t.Errorf("%s: got %v at %v s and %v at %v s, want %v and %v", what, a, from, b, to, step.before, step.after)
			}
		}
	}
	check("while it runs", report.NewSurvival(&last.Sessions), first+second, all-first-second)
	// The open ones are as old as they can be at that record; the middle of a cohort is a thousandth off at most.
	for _, p := range last.Open {
		from, to := metrics.LifetimeEdges(int(p[0]))
		if least, most := since.Sub(opened), last.at.Sub(begin); to < least-most/500 || from > most+most/500 {
			t.Errorf("got open ones of %v to %v, want them from %v to %v old", from, to, least, most)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for len(sink.records) > 0 {
		if last = <-sink.records; last.broken != "" {
			t.Fatal(last.broken)
		}
	}
	check("at the end", report.NewSurvival(&last.Sessions), all, 0)
}

// shareAt gives the curve at t seconds, from the last point up to there.
func shareAt(s *report.Survival, t float64) (share float64) {
	for i := range s.T {
		if s.T[i] <= t {
			share = s.S[i]
		}
	}
	return share
}
