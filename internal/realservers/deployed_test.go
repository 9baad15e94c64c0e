package realservers

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/target"
)

const deploy = "../../deploy"

// named finds metrics in rules and dashboards. What rules record has a colon before or behind it.
var named = regexp.MustCompile(`(^|[^\w:])loadrig_([a-z0-9_]+)($|[^\w:])`)

// inDeploy gives the metrics that rules and dashboards ask for, without Prefix, and a file of each.
func inDeploy(t *testing.T) map[string]string {
	t.Helper()
	names := make(map[string]string)
	err := fs.WalkDir(os.DirFS(deploy), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") && !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(deploy + "/" + path)
		if err != nil {
			return err
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			names[string(m[2])] = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// examples finds the queries of docs/metrics.md.
var examples = regexp.MustCompile("(?s)```promql\n(.*?)```")

// TestDocumentedQueries: the queries that users are to learn from ask for metrics that there are.
func TestDocumentedQueries(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, f := range metrics.Families() {
		known[f.Name], known[f.Name+"_bucket"] = true, f.Kind == metrics.Times || known[f.Name+"_bucket"]
	}
	found := 0
	for _, block := range examples.FindAllSubmatch(text, -1) {
		for _, m := range named.FindAllSubmatch(block[1], -1) {
			if found++; !known[string(m[2])] {
				t.Errorf("docs/metrics.md asks for loadrig_%s, which is no metric", m[2])
			}
		}
	}
	if found < 15 {
		t.Errorf("got %d metrics in queries of docs/metrics.md, want more", found)
	}
}

// served gives the names that a text of /metrics has samples of, without Prefix.
func served(t *testing.T, addr string) map[string]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text, ok := get(ctx, "http://"+addr+"/metrics")
	if !ok {
		t.Fatalf("got nothing from %s/metrics", addr)
	}
	names := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^loadrig_(\w+)`).FindAllSubmatch(text, -1) {
		names[string(m[1])] = true
	}
	return names
}

// occasional are metrics that a run has only once something occurs that in these runs does not.
var occasional = map[string]string{
	"commands_refused_total": "no step of a scenario gives a command that the state refuses",
}

// TestDeployedMetricsExist: whatever rules and dashboards ask for is a metric, and is there in a live run. A run
// without a scenario has all of it that is not the scenario's.
func TestDeployedMetricsExist(t *testing.T) {
	asked := inDeploy(t)
	if len(asked) < 50 {
		t.Fatalf("got %d metrics in %s, want more: %v", len(asked), deploy, asked)
	}
	families := make(map[string]*metrics.Family)
	for _, f := range metrics.Families() {
		families[f.Name] = f
		if f.Kind == metrics.Times { // of a native histogram the name itself is asked for
			families[f.Name+"_bucket"], families[f.Name+"_count"], families[f.Name+"_sum"] = f, f, f
		}
	}
	var playing, plain, refused map[string]bool
	c := everything(t)
	watched(t, c, func(*report.Summary, *metrics.Whole) { playing = served(t, c.HTTP) })

	p := paced(embedded(t, target.Echo), 5)
	p.Duration, p.HTTP = 1500*time.Millisecond, freeAddress(t)
	watched(t, p, func(*report.Summary, *metrics.Whole) { plain = served(t, p.HTTP) })

	r := rig.Config{URL: "ws://" + freeAddress(t), Connections: 2, Duration: 500 * time.Millisecond, HTTP: freeAddress(t)}
	watched(t, r, func(*report.Summary, *metrics.Whole) { refused = served(t, r.HTTP) })

	for _, name := range slices.Sorted(maps.Keys(asked)) {
		f := families[name]
		if f == nil {
			t.Errorf("%s asks for loadrig_%s, which is no metric", asked[name], name)
			continue
		}
		sample := name
		if f.Kind == metrics.Times && name == f.Name {
			sample = name + "_count"
		}
		if !playing[sample] && !plain[sample] && !refused[sample] && occasional[name] == "" {
			t.Errorf("%s asks for loadrig_%s, of which no live run has a series", asked[name], name)
		}
		if f.Group != metrics.OfScenario && playing[sample] && !plain[sample] && name != "load_starts_total" {
			t.Errorf("%s asks for loadrig_%s, which a run without a scenario does not have", asked[name], name)
		}
	}
	// The reverse: what a run measures is on some dashboard, or in some rule.
	for _, f := range metrics.Families() {
		if _, ok := asked[f.Name]; !ok && unwatched[f.Name] == "" {
			t.Errorf("loadrig_%s is on no dashboard and in no rule; add it to tools/composecheck/dashboards, or to the list here", f.Name)
		}
	}
}

// unwatched are metrics that nobody needs to look at all the time, and why.
var unwatched = map[string]string{
	"population_round_trip_seconds": "the response of a population is shown, and the round trip of all",
}
