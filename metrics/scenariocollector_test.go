package metrics

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// playedCollector collects the counts of playScenario.
func playedCollector(t testing.TB) prometheus.Collector {
	return scenarioOf(t, playNames).NewCollector(func(_ context.Context, sum *ScenarioSnapshot) error {
		sum.Merge(playedScenario(t))
		return nil
	})
}

// TestScenarioExposition is the whole text that a scraper sees after playScenario.
func TestScenarioExposition(t *testing.T) {
	const file = "testdata/scenario.prom"
	families, err := registryOf(t, playedCollector(t)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&got, f); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s differs; where that is meant, run go test ./metrics -update: (-want +got)\n%s", file, d)
	}
}

func TestScenarioNamesAreClean(t *testing.T) {
	problems, err := testutil.GatherAndLint(registryOf(t, playedCollector(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestScenarioPromtool has the text checked by Prometheus's own tool.
func TestScenarioPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		const missing = "promtool is not installed: apt-get install prometheus"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip("SKIP: " + missing)
	}
	text, err := os.Open("testdata/scenario.prom") // held equal by TestScenarioExposition
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

// TestScenarioLabelsAreBounded: before anything happened, each name has its series at 0, and 64 names of each
// kind are all that there can be.
func TestScenarioLabelsAreBounded(t *testing.T) {
	c := scenarioOf(t, Names{many(MaxNames), many(MaxNames), many(MaxNames), many(MaxNames), many(MaxNames)}).
		NewCollector(func(context.Context, *ScenarioSnapshot) error { return nil })
	families, err := registryOf(t, c).Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	labels := map[string]bool{}
	for _, f := range families {
		got[strings.TrimPrefix(f.GetName(), "loadrig_")] = len(f.Metric)
		for _, m := range f.Metric {
			for _, l := range m.Label {
				labels[l.GetName()] = true
			}
			if m.Counter.GetValue() != 0 || m.Histogram.GetSampleCount() != 0 {
				t.Errorf("%s: got %v, want 0", f.GetName(), m)
			}
		}
	}
	want := map[string]int{
		"request_response_seconds": 64, "request_round_trip_seconds": 64, "requests_lost_total": 64,
		"checks_total":     2 * 64, // held, failed
		"delivery_seconds": 64, "deliveries_total": 4 * 64, "publications_total": 64, "deliveries_expected_total": 64,
		"tick_deviation_seconds": 64, "tick_late_seconds_total": 64,
		"population_response_seconds": 64, "population_round_trip_seconds": 64, "population_starts_total": 64,
		"population_ends_total": 64, "population_iterations_total": 64, "population_players_lost_total": 64,
		"iterations_total": 1, "players_lost_total": 1, "expression_faults_total": 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	wantLabels := []string{"check", "delivery", "order", "population", "request", "result", "tick"}
	if d := cmp.Diff(wantLabels, slices.Sorted(maps.Keys(labels))); d != "" {
		t.Errorf("labels: (-want +got)\n%s", d)
	}
}

// TestBothCollectorsInOneRegistry: no name of one is the other's.
func TestBothCollectorsInOneRegistry(t *testing.T) {
	reg := registryOf(t, scriptedCollector())
	if err := reg.Register(playedCollector(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
}

func TestScenarioGatherErrorFailsTheScrape(t *testing.T) {
	dead := errors.New("shard 1 does not answer")
	var seen []*ScenarioSnapshot
	c := scenarioOf(t, playNames).NewCollector(func(ctx context.Context, sum *ScenarioSnapshot) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("got a context without a deadline")
		}
		if !equal(sum, scenarioOf(t, playNames).NewSnapshot()) {
			t.Error("got a snapshot that is not empty")
		}
		seen = append(seen, sum)
		if len(seen) == 1 {
			return dead
		}
		sum.Merge(playedScenario(t))
		return nil
	})
	reg := registryOf(t, c)
	if _, err := reg.Gather(); err == nil || !strings.Contains(err.Error(), "gather shards: shard 1 does not answer") {
		t.Errorf("got %v, want the error of the shard", err)
	}
	seen[0].Iterations = 99 // what a shard that comes too late may do
	for range 2 {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "loadrig_iterations_total" })
		if got := families[i].Metric[0].Counter.GetValue(); got != 3 {
			t.Errorf("got %v iterations, want 3", got)
		}
	}
	if seen[0] == seen[1] || seen[1] != seen[2] {
		t.Error("want another snapshot after the failed scrape, and then the same again")
	}
}
