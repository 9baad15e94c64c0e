package metrics

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"
)

// scriptedCollector collects the counts of playScript.
func scriptedCollector() prometheus.Collector {
	return NewCollector(func(_ context.Context, sum *Snapshot) error {
		sum.Merge(scripted())
		return nil
	}, BuildInfo{Version: "v1.2.3", Revision: "abc", GoVersion: "go1.26.0"})
}

func registryOf(t testing.TB, c prometheus.Collector) *prometheus.Registry {
	t.Helper()
	// Pedantic: what is collected must have been described.
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	return reg
}

// TestExposition is the whole text that a scraper sees after playScript.
func TestExposition(t *testing.T) {
	want, err := os.ReadFile("testdata/scripted.prom")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	families, err := registryOf(t, scriptedCollector()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&got, f); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/scripted.prom", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("testdata/scripted.prom differs; where that is meant, run go test ./metrics -update: (-want +got)\n%s", d)
	}
}

func TestNamesAreClean(t *testing.T) {
	problems, err := testutil.GatherAndLint(registryOf(t, scriptedCollector()))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestPromtool has the text checked by Prometheus's own tool.
func TestPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		const missing = "promtool is not installed: apt-get install prometheus"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip("SKIP: " + missing)
	}
	text, err := os.Open("testdata/scripted.prom") // held equal by TestExposition
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	check := exec.CommandContext(t.Context(), tool, "check", "metrics")
	check.Stdin = text
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestSeriesAtRest: before anything happened, each series whose labels are known is there at 0, and
// no other.
func TestSeriesAtRest(t *testing.T) {
	c := NewCollector(func(context.Context, *Snapshot) error { return nil }, BuildInfo{})
	got := map[string]int{}
	families, err := registryOf(t, c).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		got[strings.TrimPrefix(f.GetName(), "loadrig_")] = len(f.Metric)
	}
	want := map[string]int{
		"build_info": 1, "connections": 4, "stray_messages_total": 3, "transitions_total": 5, "disconnects_total": 22,
		"sends_asked_total": 1, "sends_pending": 1, "messages_sent_total": 5, "messages_received_total": 5, "sends_dropped_total": 2,
		"sent_bytes_total": 1, "received_bytes_total": 1, "sent_wire_bytes_total": 1, "received_wire_bytes_total": 1,
		"compressed_sessions_total": 1, "handshake_duration_seconds": 5,
		"round_trip_seconds": 1, "response_seconds": 1, "schedule_lag_seconds": 1, "ping_round_trip_seconds": 1,
		"loop_turn_seconds": 1, "read_lag_seconds": 1, "kernel_round_trip_seconds": 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestBothFormats: what goes over the wire in protobuf still has both kinds of buckets, and both have
// all observations.
func TestBothFormats(t *testing.T) {
	families, err := registryOf(t, scriptedCollector()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	format := expfmt.NewFormat(expfmt.TypeProtoDelim)
	enc := expfmt.NewEncoder(&wire, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	dec := expfmt.NewDecoder(&wire, format)
	histograms := 0
	for _, sent := range families {
		var f dto.MetricFamily
		if err := dec.Decode(&f); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(&f, sent) {
			t.Errorf("%s: changed on the wire", f.GetName())
		}
		if f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		for _, m := range f.Metric {
			histograms++
			h := m.Histogram
			var native uint64
			for _, n := range nativeCounts(h) {
				native += n
			}
			if native != h.GetSampleCount() || h.Bucket[len(h.Bucket)-1].GetCumulativeCount() != h.GetSampleCount() {
				t.Errorf("%s %v: got %d native and %v classic, want %d", f.GetName(), m.Label, native, h.Bucket, h.GetSampleCount())
			}
		}
	}
	if histograms != 12 {
		t.Errorf("got %d histograms, want 12", histograms)
	}
}

func TestGatherErrorFailsTheScrape(t *testing.T) {
	dead := errors.New("shard 1 does not answer")
	var late []*Snapshot
	c := NewCollector(func(ctx context.Context, sum *Snapshot) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("got a context without a deadline")
		}
		late = append(late, sum)
		if len(late) == 1 {
			return dead
		}
		return nil
	}, BuildInfo{})
	reg := registryOf(t, c)
	if _, err := reg.Gather(); err == nil || !strings.Contains(err.Error(), "gather shards: shard 1 does not answer") {
		t.Errorf("got %v, want the error of the shard", err)
	}
	late[0].States[0] = 99 // what a shard that comes too late may do
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "loadrig_connections" })
	for _, m := range families[i].Metric {
		if m.Gauge.GetValue() != 0 {
			t.Errorf("got %v, want nothing of the failed scrape", m)
		}
	}
}

// TestSnapshotIsReused: scrapes one after the other share one, emptied.
func TestSnapshotIsReused(t *testing.T) {
	var seen []*Snapshot
	c := NewCollector(func(_ context.Context, sum *Snapshot) error {
		if *sum != (Snapshot{}) {
			t.Error("got a snapshot that is not empty")
		}
		seen = append(seen, sum)
		sum.Merge(scripted())
		return nil
	}, BuildInfo{})
	reg := registryOf(t, c)
	for range 2 {
		if _, err := reg.Gather(); err != nil {
			t.Fatal(err)
		}
	}
	if seen[0] != seen[1] {
		t.Error("got another snapshot at the second scrape, want the same")
	}
}

// TestScrapesTakeTurns is for the race detector: gather is never run twice at a time, and metrics of
// one scrape are written while the next one gathers.
func TestScrapesTakeTurns(t *testing.T) {
	running := 0
	c := NewCollector(func(_ context.Context, sum *Snapshot) error {
		running++
		if running != 1 {
			t.Error("gather ran twice at a time")
		}
		sum.Merge(scripted())
		running--
		return nil
	}, BuildInfo{})
	reg := registryOf(t, c)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := reg.Gather(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBuildInfoIsMended(t *testing.T) {
	c := NewCollector(func(context.Context, *Snapshot) error { return nil }, BuildInfo{Version: "v1\xff"})
	err := testutil.CollectAndCompare(c, strings.NewReader(`
# HELP loadrig_build_info Always 1; the labels tell which loadrig this is.
# TYPE loadrig_build_info gauge
loadrig_build_info{goversion="",revision="",version="v1`+"\uFFFD"+`"} 1
`), "loadrig_build_info")
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkCollect(b *testing.B) {
	var shard Shard
	for _, d := range samples(1, 10_000) {
		shard.Lag(d)
		shard.Response(0, 0, 0)
	}
	c := NewCollector(func(_ context.Context, sum *Snapshot) error { shard.AddTo(sum); return nil }, BuildInfo{})
	reg := registryOf(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := reg.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
