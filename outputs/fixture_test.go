package outputs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { wstest.Main(m) }

// nasty are names that mean something to spreadsheets, to markdown, to HTML or to XML.
var nasty = struct{ request, check string }{
	"=cmd|'/c calc'!A1, \"x\" 100%", "<b>`|* a | b *`</b> [x](http://evil.example) \\ www.evil.example ]]>",
}

// play has sinks take a run of two seconds of two players, and gives its summary. The first second has a request of
// 2 ms and two messages, the second one of 4 ms and one message.
func play(t *testing.T, sinks ...report.Sink) *report.Summary {
	t.Helper()
	m, records, events := run(t)
	b := report.NewBuilder(m)
	tell := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	for _, s := range sinks {
		tell(s.Begin(m))
	}
	for _, r := range records {
		b.Record(r)
		for _, s := range sinks {
			tell(s.Record(r))
		}
	}
	for _, e := range events {
		b.Event(e)
		for _, s := range sinks {
			tell(s.Event(e))
		}
	}
	s := b.Summary()
	for _, sink := range sinks {
		tell(sink.End(s))
	}
	return s
}

// run gives what play plays.
func run(t *testing.T) (*report.Manifest, []*metrics.Record, []report.Event) {
	t.Helper()
	m := &report.Manifest{
		Schema: report.ManifestSchema, ID: "20261123-101112-c0ffee", Name: "nightly | <b>",
		Started: time.Date(2026, 11, 23, 10, 11, 12, 345e6, time.UTC), URL: "ws://127.0.0.1:8080/", Players: 2, Interval: 1, MaxLag: .1,
		Version: "v1.2.3", Go: "go1.26.0", Engine: "epoll", Shards: 2, Host: report.Host{Name: "rig-1", OS: "linux"},
		Tags: map[string]string{"branch": "main"},
		Thresholds: []threshold.Spec{
			{That: "request " + nasty.request + ": p(99)<1s"}, {That: "check " + nasty.check + ": rate>0.9"}, {That: "check never: rate>0.5"},
		},
		Scenario: &report.ManifestScenario{Name: "market", Requests: []string{nasty.request}, Checks: []string{nasty.check, "never"},
			Populations: []string{"traders"}},
	}
	names, err := metrics.NewScenario(metrics.Names{Requests: m.Scenario.Requests, Checks: m.Scenario.Checks, Populations: m.Scenario.Populations})
	if err != nil {
		t.Fatal(err)
	}
	shard, scenario := new(metrics.Shard), names.NewShard()
	at := func(ms int) messages.Stamp { return messages.Stamp(ms) * messages.Stamp(time.Millisecond) }
	recorder := metrics.NewRecorder(names)
	sent := uint64(0)
	record := func(from, to float64) *metrics.Record {
		recorder.Now.Reset()
		shard.AddTo(recorder.Now)
		recorder.Now.At = at(int(to * 1000))
		recorder.Now.Traffic = messages.Traffic{Asked: sent}
		recorder.Now.Traffic.Sent[messages.OpText] = sent
		recorder.NowScenario.Reset()
		scenario.AddTo(recorder.NowScenario)
		return clone(t, recorder.Record(from, to))
	}
	shard.Added(2)
	for _, to := range []messages.State{messages.Connecting, messages.Connected} {
		for range 2 {
			shard.Observe(&messages.StateChanged{From: to - 1, To: to})
		}
	}
	for range 2 {
		shard.Observe(&messages.Opened{Handshake: messages.Handshake{Total: 3 * time.Millisecond}})
	}
	scenario.Began(0)
	scenario.Request(0, at(0), at(1), at(2))
	scenario.Check(0, true)
	shard.Response(at(0), at(1), at(2))
	sent = 2
	first := record(0, 1)
	scenario.Request(0, at(10), at(11), at(14))
	scenario.Check(0, false)
	shard.Response(at(10), at(11), at(14))
	sent = 3
	for range 2 {
		shard.Observe(&messages.Closed{Cause: messages.CauseShutdown, Opened: true, Code: messages.CloseNormal, Clean: true, At: at(1903), Lasted: 1900 * time.Millisecond})
		shard.Observe(&messages.StateChanged{From: messages.Connected, To: messages.Disconnected})
	}
	second := record(1, 2.0000005)
	o := &report.Outcome{Load: 1.9, Drain: .1, Peak: 2, Asked: 2, CPU: .5, MaxRSS: 20 << 20, GCPause: .0001, Players: []int{2},
		ByState: map[string]int64{"idle": 0, "connecting": 0, "connected": 2, "disconnected": 0}}
	return m, []*metrics.Record{first, second}, []report.Event{{At: 1.9, Kind: report.LoadOver}, {At: 2, Kind: report.Ended, Outcome: o}}
}

// clone gives a record that stays.
func clone(t *testing.T, r *metrics.Record) *metrics.Record {
	t.Helper()
	var w metrics.Whole
	w.Add(r)
	c := *r
	c.Counters, c.Gauges, c.Histograms = w.Counters, w.Gauges, make(map[string]*metrics.Histogram)
	for _, key := range w.Timed() {
		c.Histograms[key] = w.TimesOf(key)
	}
	return &c
}

// sinkOf gives an output to a file in a folder of its own.
func sinkOf(t *testing.T, f Format) (sink report.Sink, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "out")
	s, err := Parse(string(f) + "=" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if sink, err = s.Sink(Options{}); err != nil {
		t.Fatal(err)
	}
	return sink, path
}

// written plays a run into an output to a file, and gives what the file has then.
func written(t *testing.T, f Format) (string, *report.Summary) {
	t.Helper()
	sink, path := sinkOf(t, f)
	s := play(t, sink)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); rest != nil {
		t.Errorf("left behind: %v", rest)
	}
	return string(b), s
}

// golden holds text to a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; go test ./outputs -update writes it):\n%s", path, d)
	}
}

// TestStdout: what goes to standard output is what a file has.
func TestStdout(t *testing.T) {
	for _, f := range []Format{Text, JSON, CSV, JUnit, Markdown, HGRM} {
		var out strings.Builder
		sink, err := Spec{f, Stdout}.Sink(Options{Stdout: &out})
		if err != nil {
			t.Fatal(err)
		}
		play(t, sink)
		want, _ := written(t, f)
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("%s (-file +stdout):\n%s", f, d)
		}
	}
}
