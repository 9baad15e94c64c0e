package metrics

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/messages"
)

// TestKeysReadBack: whatever a label is, ParseKey gives back what Key was given.
func TestKeysReadBack(t *testing.T) {
	f := &Family{Name: "x_total", Labels: []string{"a", "b"}}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.String(), 2, 2).Draw(t, "values")
		name, labels, ok := ParseKey(f.Key(values...))
		if want := []Label{{"a", values[0]}, {"b", values[1]}}; !ok || name != f.Name || !cmp.Equal(labels, want) {
			t.Fatalf("got %q %q %v, want %q %q", name, labels, ok, f.Name, want)
		}
	})
	if name, labels, ok := ParseKey("x_total"); name != "x_total" || labels != nil || !ok {
		t.Errorf("without labels: got %q %q %v", name, labels, ok)
	}
	for _, bad := range []string{"", "{", `{a="b"}`, `x{`, `x{a}`, `x{a="b`, `x{a="b"`, `x{a="b",`, `x{a="b"}c`, `x{="b"}`, `x{a="b\"}`, `x}`} {
		if name, labels, ok := ParseKey(bad); ok {
			t.Errorf("%q: got %q %q, want a refusal", bad, name, labels)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(`x{a="b",c="d\n"}`)
	f.Fuzz(func(t *testing.T, key string) {
		name, labels, ok := ParseKey(key)
		if !ok {
			return
		}
		family, values := &Family{Name: name}, []string(nil)
		for _, l := range labels {
			family.Labels, values = append(family.Labels, l.Name), append(values, l.Value)
		}
		if again, same, ok := ParseKey(family.Key(values...)); !ok || again != name || !cmp.Equal(same, labels) {
			t.Errorf("%q: got %q %q, want %q %q", key, again, same, name, labels)
		}
	})
}

// TestRecordsMakeTheWhole: whatever happens, and however the run is cut into intervals, the Records add up to what
// was counted in all: counts, sums, extremes and every bin. What went through JSON is the same.
func TestRecordsMakeTheWhole(t *testing.T) {
	names := Names{Requests: []string{"r"}, Checks: []string{"c", "d"}, Deliveries: []string{"d"}, Ticks: []string{"t"}, Populations: []string{"p"}}
	scenario := scenarioOf(t, names)
	rapid.Check(t, func(t *rapid.T) {
		shard, played := new(Shard), scenario.NewShard()
		recorder, whole, read := NewRecorder(scenario), new(Whole), new(Whole)
		intervals := rapid.IntRange(1, 4).Draw(t, "intervals")
		for i := range intervals {
			for range rapid.IntRange(0, 10).Draw(t, "steps") {
				anything(t)(played)
				d := time.Duration(rapid.Int64Range(0, 70_000_000_000).Draw(t, "ns"))
				shard.Response(0, messages.Stamp(d/3), messages.Stamp(d))
			}
			recorder.Now.Reset()
			recorder.NowScenario.Reset()
			shard.AddTo(recorder.Now)
			played.AddTo(recorder.NowScenario)
			r := recorder.Record(float64(i), float64(i+1))
			if r.Seq != i || r.Broken != "" {
				t.Fatalf("got record %d, %q, want %d, nothing broken", r.Seq, r.Broken, i)
			}
			whole.Add(r)
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var again Record
			if err := json.Unmarshal(b, &again); err != nil {
				t.Fatal(err)
			}
			read.Add(&again)
		}
		want := wholeOf(recorder)
		for _, got := range []*Whole{whole, read} {
			if d := cmp.Diff(want.Counters, got.Counters); d != "" {
				t.Fatalf("counters: (-want +got)\n%s", d)
			}
			if d := cmp.Diff(want.Timed(), got.Timed()); d != "" {
				t.Fatalf("histograms: (-want +got)\n%s", d)
			}
			for _, key := range want.Timed() {
				if *got.TimesOf(key) != *want.TimesOf(key) {
					t.Fatalf("%s: got another histogram than one interval has", key)
				}
			}
			if got.Records != intervals || got.From != 0 || got.To != float64(intervals) {
				t.Fatalf("got %d records of %v to %v", got.Records, got.From, got.To)
			}
		}
	})
}

// wholeOf is the run in one Record.
func wholeOf(r *Recorder) *Whole {
	one := NewRecorder(r.scenario)
	*one.Now = *r.Now
	one.NowScenario.CopyFrom(r.NowScenario)
	w := new(Whole)
	w.Add(one.Record(0, 1))
	return w
}

// TestRecordHasEverySeries: each series that a Visitor is shown is in the Record, by its key.
func TestRecordHasEverySeries(t *testing.T) {
	scenario := scenarioOf(t, playNames)
	r := NewRecorder(scenario)
	*r.Now = *scripted()
	r.NowScenario.CopyFrom(filledScenario(t, 1))
	rec := r.Record(0, 1, func(v Visitor) { v.Gauge(Build, 1, "v", "r", "g") })
	want := &collected{figures: make(map[string]float64), t: t}
	r.Now.Visit(want)
	r.NowScenario.Visit(want)
	for key, v := range want.figures {
		if got := rec.Counters[key] + rec.Gauges[key]; got != v {
			t.Errorf("%s: got %v, want %v", key, got, v)
		}
	}
	if got := rec.Gauges[`build_info{version="v",revision="r",goversion="g"}`]; got != 1 {
		t.Errorf("what others show: got %v, want 1", got)
	}
	for _, key := range want.times {
		if rec.Histograms[key] == nil {
			t.Errorf("%s: got no histogram", key)
		}
	}
	if len(want.figures) < 40 || len(want.times) < 12 {
		t.Fatalf("got %d figures and %d histograms, want more", len(want.figures), len(want.times))
	}
}

// collected is a Visitor that keeps what it is shown.
type collected struct {
	t       *testing.T
	figures map[string]float64
	times   []string
}

func (c *collected) add(f *Family, k Kind, n float64, labels []string) {
	if f.Kind != k || len(labels) != len(f.Labels) {
		c.t.Errorf("%s: got a %v with labels %q, want a %v with %q", f.Name, k, labels, f.Kind, f.Labels)
	}
	if _, twice := c.figures[f.Key(labels...)]; twice {
		c.t.Errorf("%s: shown twice", f.Key(labels...))
	}
	c.figures[f.Key(labels...)] = n
}

func (c *collected) Count(f *Family, n float64, labels ...string) { c.add(f, Counter, n, labels) }
func (c *collected) Gauge(f *Family, v float64, labels ...string) { c.add(f, Gauge, v, labels) }
func (c *collected) Times(f *Family, h *Histogram, labels ...string) {
	c.add(f, Times, float64(0), labels)
	delete(c.figures, f.Key(labels...))
	if h.Count() > 0 {
		c.times = append(c.times, f.Key(labels...))
	}
}

// TestRecordTellsOfBrokenLaws: a count that is wrong is told, and stays told in the Whole.
func TestRecordTellsOfBrokenLaws(t *testing.T) {
	r, w := NewRecorder(nil), new(Whole)
	r.Now.Malformed = 3
	w.Add(r.Record(0, 1))
	r.Now.Reset()
	w.Add(r.Record(1, 2))
	if !strings.Contains(w.Broken, "malformed events: got 3, want 0") {
		t.Errorf("got %q, want the law", w.Broken)
	}
}

// TestRecorderMemoryIsFixed: recording an hour takes no more memory than a minute.
func TestRecorderMemoryIsFixed(t *testing.T) {
	r, shard, chance := NewRecorder(scenarioOf(t, playNames)), new(Shard), rand.New(rand.NewPCG(1, 2))
	record := func() {
		shard.Response(0, 1, messages.Stamp(chance.Int64N(1e9)))
		r.Now.Reset()
		shard.AddTo(r.Now)
		r.Record(0, 1)
	}
	for range 10 {
		record()
	}
	// Keys with one label are kept; only those of two are made each time, and the list of ends.
	if n := testing.AllocsPerRun(20, record); n > 300 {
		t.Errorf("got %v allocations a record, want 300 at most", n)
	}
}

func TestWholeOfNothing(t *testing.T) {
	var w Whole
	if w.Count(Iterations) != 0 || w.Times(Response).Count() != 0 || w.Timed() != nil {
		t.Error("got something, want nothing")
	}
}

// TestFamiliesAreDescribed: each has what docs/metrics.md needs.
func TestFamiliesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Families() {
		if f.Help == "" || f.Group == "" || seen[f.Name] {
			t.Errorf("%s: got no help or no group, or the name twice", f.Name)
		}
		seen[f.Name] = true
		if total := strings.HasSuffix(f.Name, "_total"); total != (f.Kind == Counter) {
			t.Errorf("%s: got a %v", f.Name, f.Kind)
		}
	}
	if !seen["response_seconds"] || !seen["request_response_seconds"] {
		t.Error("a family is missing")
	}
}
