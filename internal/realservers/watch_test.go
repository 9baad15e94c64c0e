package realservers

import (
	"context"
	"testing"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/scenario"
	"github.com/loadrig/loadrig/target"
)

// ledger is a Sink that adds up the records of a run, and tells when there is a summary.
type ledger struct {
	metrics.Whole
	ended chan *report.Summary
}

func (l *ledger) Begin(*report.Manifest) error   { return nil }
func (l *ledger) Event(report.Event) error       { return nil }
func (l *ledger) Record(r *metrics.Record) error { l.Add(r); return nil }
func (l *ledger) End(s *report.Summary) error    { l.ended <- s; return nil }

// watched carries out a run that others watch at its address. When it is over and still serves, look is given the
// summary and all records; the run ends when look does.
func watched(t *testing.T, c rig.Config, look func(*report.Summary, *metrics.Whole)) {
	t.Helper()
	l := &ledger{ended: make(chan *report.Summary, 1)}
	c.Sinks, c.Linger = []report.Sink{l}, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := rig.Run(ctx, c)
		failed <- err
	}()
	select {
	case err := <-failed:
		t.Fatal(err)
	case s := <-l.ended:
		look(s, &l.Whole)
	}
	cancel()
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// embedded starts a target of loadrig's own in this process.
func embedded(t *testing.T, kind target.Kind) (url string) {
	t.Helper()
	srv, err := target.Listen(target.Options{Kind: kind, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve() }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return srv.URL()
}

// everything is a run of a scenario that has a series in every family of a scenario, at a free address.
func everything(t *testing.T) rig.Config {
	t.Helper()
	sc, err := scenario.Load("testdata/everything.yaml", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sc.File.Load.Plan()
	if err != nil {
		t.Fatal(err)
	}
	play := &rig.Play{Scenario: sc, Plan: plan, Seed: 1}
	return rig.Config{
		URL: embedded(t, target.Room), Connections: play.MaxPlayers(), Play: play, HTTP: freeAddress(t),
		MaxLag: time.Minute, Settle: 5 * time.Second, Version: "v0.0.0-test",
	}
}
