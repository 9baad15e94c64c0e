package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/compare"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

// keepRun writes the directory of a run of 30 s whose messages all took so long.
func keepRun(t *testing.T, parent, id, name string, took time.Duration) string {
	t.Helper()
	w := rundir.NewWriter(parent, "")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Begin(&report.Manifest{Schema: report.ManifestSchema, ID: id, Name: name, Players: 1, Interval: 1, Traffic: "paced", Version: "v1"}))
	for i := range 30 {
		var h metrics.Histogram
		h.Record(took)
		must(w.Record(&metrics.Record{
			Seq: i, From: float64(i), To: float64(i + 1), Gauges: map[string]float64{metrics.Connections.Key("connected"): 1},
			Counters:   map[string]float64{metrics.Received.Key("text"): float64(i + 1)},
			Histograms: map[string]*metrics.Histogram{metrics.Response.Key(): &h},
		}))
	}
	must(w.Event(report.Event{At: 30, Kind: report.LoadOver}))
	must(w.End(&report.Summary{Schema: report.Schema, Run: id, Verdict: report.Pass}))
	return w.Path()
}

func TestCompare(t *testing.T) {
	parent := t.TempDir()
	before := keepRun(t, parent, "20261123-000000-aaaaaa", "before", 2*time.Millisecond)
	after := keepRun(t, parent, "20261123-000100-bbbbbb", "after", 7*time.Millisecond)
	again := keepRun(t, parent, "20261123-000200-cccccc", "again", 2*time.Millisecond)
	for _, c := range []struct {
		a, b, flags string
		code        int
		out         string // is in stdout
	}{
		{before, after, "", ExitFailed, "B is worse in 4 of 5 figures: response p50 slower, +5.00ms"},
		{after, before, "", ExitPass, "B is better in 4 of 5 figures: response p50 faster, -5.00ms"},
		{before, again, "", ExitPass, "no significant difference in 5 figures"},
		{before, before, "", ExitPass, "no significant difference in 5 figures"},
		{before, after, "--tolerance 300%", ExitPass, "differs by more than 300%, and a time by more than\n  100µs,"},
		{before, after, "--tolerance 3", ExitPass, "no significant difference"},
		{before, after, "--floor 6ms", ExitPass, "no significant difference"},
		{before, after, "--tolerance 0 --floor 0s", ExitFailed, "differs by more than 0% with 95% confidence"},
	} {
		args := append([]string{"compare", c.a, c.b}, strings.Fields(c.flags)...)
		code, stdout, stderr := call("", args...)
		if code != c.code || !strings.Contains(stdout, c.out) || stderr != "" {
			t.Errorf("%q: got exit code %d, stderr %q and\n%s\nwant code %d and in it %q", args, code, stderr, stdout, c.code, c.out)
		}
	}
}

func TestCompareJSON(t *testing.T) {
	parent := t.TempDir()
	before := keepRun(t, parent, "20261123-000000-aaaaaa", "before", 2*time.Millisecond)
	after := keepRun(t, parent, "20261123-000100-bbbbbb", "after", 7*time.Millisecond)
	code, stdout, _ := call("", "compare", "--json", before, after)
	var r compare.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if code != ExitFailed || r.Schema != compare.Schema || r.Outcome != compare.Worse || r.A.Name != "before" || r.B.ID != "20261123-000100-bbbbbb" {
		t.Errorf("got exit code %d and %+v, want 99 and that after is worse", code, r)
	}

	// A run without its end is compared, and that is told.
	if err := os.Remove(filepath.Join(after, "summary.json")); err != nil {
		t.Fatal(err)
	}
	_, stdout, _ = call("", "compare", before, after)
	if want := "WARNING: B was cut off"; !strings.Contains(stdout, want) {
		t.Errorf("got\n%s\nwant in it %q", stdout, want)
	}
	// So is a line that cannot be read.
	intervals := filepath.Join(after, "intervals.jsonl")
	b, err := os.ReadFile(intervals)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(intervals, b[:len(b)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, stderr := call("", "compare", before, after); !strings.Contains(stderr, "is damaged: lines that could not be read: 1") {
		t.Errorf("got stderr %q, want that a line could not be read", stderr)
	}
}

func TestCompareMistakes(t *testing.T) {
	run := keepRun(t, t.TempDir(), "20261123-000000-aaaaaa", "", time.Millisecond)
	for args, want := range map[string]string{
		"":                            "compare: got 0 arguments, want two runs",
		"RUN":                         "compare: got 1 arguments, want two runs",
		"a b c":                       "compare: got 3 arguments, want two runs",
		"RUN nothing":                 `run "nothing": got neither a directory nor the id or the name of a run in `,
		"RUN last~1":                  `run "last~1": there are 0 runs in `,
		"RUN .":                       "run directory .: it has no manifest.json",
		"RUN RUN --tolerance x":       `--tolerance: got "x", want a share of 0 or more, as 5% or 0.05; see loadrig compare --help`,
		"RUN RUN --tolerance=-5%":     `--tolerance: got "-5%", want a share of 0 or more`,
		"RUN RUN --tolerance=NaN":     `--tolerance: got "NaN", want a share of 0 or more`,
		"RUN RUN --tolerance=200000%": `--tolerance: got "200000%", want a share of 0 or more`,
		"RUN RUN --floor=-1s":         "--floor: got -1s, want 0s to 1m",
		"RUN RUN --floor=1h":          "--floor: got 1h0m0s, want 0s to 1m",
		"RUN RUN --tolerence 5%":      "did you mean --tolerance?",
	} {
		list := []string{"compare"}
		for _, arg := range strings.Fields(args) {
			list = append(list, strings.ReplaceAll(arg, "RUN", run))
		}
		code, stdout, stderr := call("", list...)
		if code != ExitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%q: got exit code %d, stdout %q and stderr %q, want 2 and %q", args, code, stdout, stderr, want)
		}
	}
}
