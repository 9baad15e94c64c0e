package rig

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

// listener is a Sink that keeps what it is told, and fails where it is to.
type listener struct {
	builder  *report.Builder
	manifest *report.Manifest
	records  int
	events   []report.EventKind
	summary  *report.Summary
	fail     error
	begin    error
}

func (l *listener) Begin(m *report.Manifest) error {
	l.manifest, l.builder = m, report.NewBuilder(m)
	return l.begin
}

func (l *listener) Record(r *metrics.Record) error {
	l.records++
	l.builder.Record(r)
	return l.fail
}

func (l *listener) Event(e report.Event) error {
	l.events = append(l.events, e.Kind)
	l.builder.Event(e)
	return l.fail
}

func (l *listener) End(s *report.Summary) error { l.summary = s; return l.fail }

// follower is a listener that is told how the run stands.
type follower struct {
	listener
	stands []*report.Summary
}

func (f *follower) Stands(s *report.Summary) error { f.stands = append(f.stands, s); return nil }

// TestFollower: who asks is told after each record how the run stands.
func TestFollower(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	f := new(follower)
	cfg := paced(srv.URL())
	cfg.Sinks = []report.Sink{f, new(listener)}
	s, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.stands) != f.records {
		t.Fatalf("got told %d times, want after each of %d records", len(f.stands), f.records)
	}
	for i, at := range f.stands {
		if at.Verdict != "" || at.CutOff || at.Run != s.Run || i > 0 && at.Messages.Sent < f.stands[i-1].Messages.Sent {
			t.Errorf("%d: got %q, cut off %t, run %s, %d sent", i, at.Verdict, at.CutOff, at.Run, at.Messages.Sent)
		}
	}
	if last := f.stands[len(f.stands)-1]; last.Messages.Sent != s.Messages.Sent {
		t.Errorf("got %d sent in the last, want %d", last.Messages.Sent, s.Messages.Sent)
	}
}

func paced(url string) Config {
	return Config{URL: url, Connections: 20, Duration: 700 * time.Millisecond, Traffic: players.Paced, MessageRate: 20, Size: 64,
		MaxLag: time.Minute, Interval: 100 * time.Millisecond}
}

// TestSinks: a sink is told the whole run, from which the same summary can be made; one that fails is told of once,
// and disturbs neither the run nor the others.
func TestSinks(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	good, bad := new(listener), &listener{fail: errors.New("the disk is full")}
	var logged bytes.Buffer
	cfg := paced(srv.URL())
	cfg.Sinks, cfg.Logger = []report.Sink{bad, good}, slog.New(slog.NewTextHandler(&logged, nil))
	cfg.Name, cfg.Tags = "monday", map[string]string{"build": "17"}
	s, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Verdict != report.Pass {
		t.Errorf("got %s %q, want pass", s.Verdict, s.Reasons)
	}
	if good.records < 6 || good.summary != s || bad.summary != s || bad.records != good.records {
		t.Errorf("got %d and %d records and the summary %t, %t", good.records, bad.records, good.summary == s, bad.summary == s)
	}
	if d := cmp.Diff(s, good.builder.Summary()); d != "" {
		t.Errorf("made anew it is another: (-want +got)\n%s", d)
	}
	if want := []report.EventKind{report.Output, report.LoadOver, report.Ended}; !cmp.Equal(good.events, want) {
		t.Errorf("got events %q, want %q", good.events, want)
	}
	if n := strings.Count(logged.String(), "the disk is full"); n != 1 {
		t.Errorf("got told %d times, want once:\n%s", n, &logged)
	}
	if m := good.manifest; m.Name != "monday" || m.Tags["build"] != "17" || m.Interval != 0.1 || m.Rate != 20 || m.Host.CPUs == 0 {
		t.Errorf("got %+v", m)
	}
}

// TestSinkThatCannotBegin: there is no run then.
func TestSinkThatCannotBegin(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	cfg := paced(srv.URL())
	cfg.Sinks = []report.Sink{&listener{begin: errors.New("there is no such directory")}}
	_, err := Run(t.Context(), cfg)
	var output *OutputError
	if !errors.As(err, &output) || err.Error() != "there is no such directory" {
		t.Errorf("got %v, want what the sink said", err)
	}
	if n := srv.Total(); n > 1 { // one that looks whether the server is there
		t.Errorf("got %d connections, want no player", n)
	}
}

// TestSlowBegin: the run begins when all sinks have, so that what they take makes no player late.
func TestSlowBegin(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	cfg, l := paced(srv.URL()), new(slow)
	cfg.Sinks = []report.Sink{l}
	if _, err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if l.start.Before(l.begun) { // start errs to later times only
		t.Errorf("the run began %v before its sink had", l.begun.Sub(l.start))
	}
}

// slow is a Sink that takes its time, as a disk may.
type slow struct {
	listener
	begun, start time.Time
}

func (s *slow) Begin(m *report.Manifest) error {
	err := s.listener.Begin(m)
	time.Sleep(300 * time.Millisecond)
	s.begun = time.Now()
	return err
}

func (s *slow) Event(e report.Event) error {
	s.start = time.Now().Add(-time.Duration(e.At * 1e9))
	return s.listener.Event(e)
}

// TestAbandon: when a run has no summary, nothing is recorded any more once the sinks are ended, which is once.
func TestAbandon(t *testing.T) {
	l := &late{first: make(chan struct{})}
	r := &run{cfg: paced("ws://127.0.0.1:1/").withDefaults(), started: time.Now()}
	r.cfg.Shards, r.cfg.Sinks = 1, []report.Sink{l}
	r.recorders, r.parts = []*recorder{{gauges: &r.gauges}}, make([]metrics.Snapshot, 1)
	var err error
	if r.manager, err = actors.NewManager(actors.Options{Shards: 1, Recorder: func(int) actors.Recorder { return r.recorders[0] }}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.manager.Stop(t.Context()) }()
	j, err := r.newJournal()
	if err != nil {
		t.Fatal(err)
	}
	j.keep()
	<-l.first
	j.abandon()
	select {
	case <-j.kept:
	default:
		t.Error("records are still made of a run that was given up")
		j.stop()
	}
	if l.ends != 1 || l.after != 0 || l.summary != nil {
		t.Errorf("got %d ends, %d records after them and summary %v, want one end, without either", l.ends, l.after, l.summary)
	}
}

// late is a Sink that counts what comes after its end.
type late struct {
	listener
	once        sync.Once
	first       chan struct{}
	ends, after int
}

func (l *late) Record(*metrics.Record) error {
	l.after += min(l.ends, 1)
	l.once.Do(func() { close(l.first) })
	return nil
}

func (l *late) End(s *report.Summary) error {
	l.ends++
	return l.listener.End(s)
}

// TestNoAbortAtTheEnd: a threshold that is to end the run ends none that went on for as long as it was to, as a run that
// is over before its first interval always has.
func TestNoAbortAtTheEnd(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	cfg := paced(srv.URL())
	cfg.Duration, cfg.Interval = 300*time.Millisecond, time.Minute
	cfg.Thresholds = []threshold.Spec{{That: "max < 0.001us", Abort: true}}
	told := new(listener)
	cfg.Sinks = []report.Sink{told}
	s, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Aborted != "" || s.Verdict != report.Fail || s.Duration < cfg.Duration.Seconds() {
		t.Errorf("got aborted %q and %s after %v s, want a run that failed after all of it", s.Aborted, s.Verdict, s.Duration)
	}
	if want := []report.EventKind{report.Crossed, report.LoadOver, report.Ended}; !cmp.Equal(told.events, want) {
		t.Errorf("got events %q, want %q", told.events, want)
	}
}

// TestInterruptAtTheEnd: a load that went on for as long as it was to was not interrupted, whatever comes when it is over.
func TestInterruptAtTheEnd(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	cfg := paced(srv.URL())
	cfg.Sinks = []report.Sink{&hasty{interrupt: interrupt}}
	s, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Interrupted || s.Connections.Opened != 20 {
		t.Errorf("got interrupted %t with %d connections, want all of the run", s.Interrupted, s.Connections.Opened)
	}
}

// hasty is a Sink that interrupts the run when its load is over.
type hasty struct {
	listener
	interrupt func()
}

func (i *hasty) Event(e report.Event) error {
	if e.Kind == report.LoadOver {
		i.interrupt()
	}
	return nil
}

// TestLinger: the final counts can be scraped when the run is over.
func TestLinger(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	cfg := paced(srv.URL())
	cfg.HTTP, cfg.Linger = "127.0.0.1:0", 20*time.Second
	var addr string
	cfg.Serving = func(a string) { addr = a }
	ended := &ending{done: make(chan struct{})}
	cfg.Sinks = []report.Sink{ended}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	result := make(chan *report.Summary, 1)
	go func() {
		s, err := Run(ctx, cfg)
		if err != nil {
			t.Error(err)
		}
		result <- s
	}()
	<-ended.done
	body := get(t, "http://"+addr+"/metrics")
	stop() // no need to linger any more
	s := <-result
	for _, want := range []string{
		`loadrig_connections{state="disconnected"} 20`,
		`loadrig_closes_total{code="1000",initiator="local"} 20`,
		"loadrig_load_players 0",
		"loadrig_rig_seconds_total ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in\n%s", want, body)
		}
	}
	if s.Interrupted {
		t.Error("got interrupted, want a run that was over before")
	}
}

// ending is a Sink that says when the run is over.
type ending struct {
	listener
	once sync.Once
	done chan struct{}
}

func (e *ending) End(s *report.Summary) error {
	e.once.Do(func() { close(e.done) })
	return nil
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
