package compare

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

var update = flag.Bool("update", false, "write the golden files")

// story is a run and one of another version of its server, on another machine: that is 5 ms slower, has something
// lost and ends sessions, but fails fewer checks.
func story(t *testing.T) (a, b *Side) {
	r := rand.New(rand.NewPCG(7, 8))
	run := func(id string, more time.Duration, lost, failed int) play {
		n := noises["independent"](r)
		return play{id: id, intervals: 30, players: 100, verdict: report.Pass,
			response: func(int) []time.Duration {
				list := make([]time.Duration, 40)
				factor := n()
				for i := range list {
					list[i] = time.Duration(float64(time.Millisecond)*factor*(1+r.Float64())) + more
				}
				return list
			},
			counters: func(i int, add func(string, float64)) {
				add(metrics.Checks.Key("the balance is what it was", metrics.ResultHeld), float64(100-failed))
				add(metrics.Checks.Key("the balance is what it was", metrics.ResultFailed), float64(failed))
				add(metrics.DeliveriesExpected.Key("chat"), 1000)
				add(metrics.Deliveries.Key("chat", messages.OrderKept.String()), float64(1000-lost))
			}}
	}
	one := run("20261123-000000-c0ffee", 0, 0, 4)
	two := run("20261123-001000-decade", 5*time.Millisecond, 2, 1)
	two.verdict = report.Untrustworthy
	usual := two.counters
	two.counters = func(i int, add func(string, float64)) {
		usual(i, add)
		if i%5 == 0 {
			add(remote, 1)
		}
		if i == 20 {
			add(metrics.Dropped.Key("backlog"), 500)
		}
	}
	a, b = one.side(t), two.side(t)
	b.manifest.Host.Name, b.manifest.Players = "other", 120
	var h metrics.Histogram
	h.Record(40 * time.Millisecond)
	d := digest{n: 1, sum: .04, q: [3]float64{.04, .04, .04}}
	a.times[metrics.HandshakeDuration.Key(metrics.PhaseTotal)] = []digest{d}
	d.add(digest{n: 1, sum: .06, q: [3]float64{.06, .06, .06}})
	b.times[metrics.HandshakeDuration.Key(metrics.PhaseTotal)] = []digest{d}
	b.times[metrics.RequestResponse.Key("buy a very long list of things")] = []digest{d, d, d}
	return a, b
}

func TestGolden(t *testing.T) {
	a, b := story(t)
	for name, r := range map[string]*Result{
		"story": Runs(a, b, Options{}), "back": Runs(b, a, Options{}), "same": Runs(a, a, Options{}), "nothing": Runs(NewSide(), NewSide(), Options{}),
	} {
		var text, asJSON bytes.Buffer
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteJSON(&asJSON); err != nil {
			t.Fatal(err)
		}
		for file, got := range map[string][]byte{name + ".txt": text.Bytes(), name + ".json": asJSON.Bytes()} {
			path := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("%s (write it with -update):\n%s", file, d)
			}
		}
		for line := range strings.Lines(text.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns {
				t.Errorf("%s: got a line of %d columns, want at most %d: %s", name, n, columns, line)
			}
		}
	}
}

// The same runs always give the same result.
func TestSameAgain(t *testing.T) {
	a, b := story(t)
	first := Runs(a, b, Options{})
	for range 10 {
		if d := cmp.Diff(first, Runs(a, b, Options{}), cmp.AllowUnexported(Row{})); d != "" {
			t.Fatalf("another result of the same runs:\n%s", d)
		}
	}
}

// verdicts gives the rows by name and figure.
func verdicts(r *Result) map[string]string {
	m := make(map[string]string)
	for _, row := range r.Rows {
		m[row.Name+" "+string(row.Figure)] = row.words()
	}
	return m
}

func TestStory(t *testing.T) {
	a, b := story(t)
	r := Runs(a, b, Options{})
	if r.Outcome != Mixed || !r.Regressed() {
		t.Errorf("got %s, want mixed, as fewer checks fail", r.Outcome)
	}
	got := verdicts(r)
	for name, want := range map[string]string{
		"response p50":           "slower, >99.9%",
		"round trip p99":         "slower, >99.9%",
		"messages received rate": "no significant difference",
		"failed check the balance is what it was share": "fewer, >99.9%",
		"lost delivery chat share":                      "more, >99.9%",
		"dropped: backlog rate":                         "cannot tell: all at once",
		"handshake p50":                                 "cannot tell: too short",
		"request buy a very long list of things p50":    "cannot tell: not in A",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if w := r.Warnings; len(w) != 1 || w[0] != "B is untrustworthy, so its figures say little of the server: the reason" {
		t.Errorf("got warnings %q, want that B is untrustworthy", w)
	}
	if d := cmp.Diff([]Unlike{{"players", "100", "120"}, {"host", "", "other"}}, r.Unlike); d != "" {
		t.Errorf("unlike:\n%s", d)
	}
}

// Rare events by their numbers: what is told apart, and what is not.
func TestRareEvents(t *testing.T) {
	run := func(key string, each func(i int) float64) *Side {
		return play{id: "r", intervals: 40, players: 10, response: steadyState(time.Millisecond), verdict: report.Pass,
			counters: func(i int, add func(string, float64)) {
				if n := each(i); n > 0 {
					add(key, n)
				}
			}}.side(t)
	}
	every := func(n int) func(int) float64 {
		return func(i int) float64 {
			if i%n == 0 {
				return 1
			}
			return 0
		}
	}
	for _, c := range []struct {
		name string
		key  string
		a, b func(int) float64
		want string
	}{
		{"none and 1", remote, every(99), every(40), "no significant difference"},
		{"none and 20", remote, func(int) float64 { return 0 }, every(2), "more"},
		{"20 and none", remote, every(2), func(int) float64 { return 0 }, "fewer"},
		{"20 and 40", remote, every(2), every(1), "no significant difference"},
		{"40 and 400", remote, every(1), func(int) float64 { return 10 }, "more"},
		{"players that are lost", metrics.PlayersLost.Key(), func(int) float64 { return 0 }, every(1), "more"},
		{"ended by plan", metrics.Disconnects.Key(messages.CauseShutdown.String(), messages.CauseShutdown.Initiator().String()), every(9), func(int) float64 { return 50 }, ""},
	} {
		got := ""
		for _, row := range Runs(run(c.key, c.a), run(c.key, c.b), Options{}).Rows {
			if row.Series == c.key {
				got = string(row.Verdict)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnlike(t *testing.T) {
	a, b := NewSide(), NewSide()
	_, _ = a.Begin(manifest("a", 1)), b.Begin(manifest("b", 1))
	b.manifest.URL = "ws://127.0.0.1:9999/"
	if got := unlike(a, b); len(got) != 0 {
		t.Errorf("another port of this machine: got %v, want nothing", got)
	}
	b.manifest.URL = "ws://127.0.0.1:9999/other"
	b.manifest.Scenario = &report.ManifestScenario{Name: "chat", SHA256: strings.Repeat("ab", 32)}
	b.manifest.Seed, b.manifest.Engine, b.manifest.Version, b.manifest.Host.CPUs = 7, "goroutine", "v2", 64
	b.manifest.Planned = 3600
	want := []Unlike{
		{"load", "paced", "chat"}, {"scenario's file", "", "abababababab"}, {"URL", "ws://127.0.0.1/", "ws://127.0.0.1/other"},
		{"seed", "0", "7"}, {"planned", "30.0s", "3600s"}, {"loadrig", "v1.2.3 ", "v2 "}, {"engine", "epoll", "goroutine"}, {"CPUs", "0", "64"},
	}
	if d := cmp.Diff(want, unlike(a, b)); d != "" {
		t.Error(d)
	}
}

// Every metric of times has a name, and of those of the rig it is known that they are.
func TestNames(t *testing.T) {
	for _, f := range metrics.Families() {
		if f.Kind != metrics.Times {
			continue
		}
		labels := make([]string, len(f.Labels))
		for i := range labels {
			labels[i] = "x"
		}
		s, ok := timedOf(f.Key(labels...))
		if !ok || s.name == "" || strings.Contains(s.name, "_") || s.ofRig != (f.Group == metrics.OfRig || slices.Contains(aboutRig, f)) {
			t.Errorf("%s: got %+v, %v", f.Name, s, ok)
		}
	}
	for _, key := range []string{"", "{", "messages_sent_total", "unknown_seconds"} {
		if s, ok := timedOf(key); ok {
			t.Errorf("%q: got %+v, want none", key, s)
		}
	}
}

// Answers that were changed or came twice are compared, and what answers nothing is not.
func TestStraysAreRare(t *testing.T) {
	for why, want := range map[messages.Stray]bool{
		messages.StrayCorrupted: true, messages.StrayDuplicated: true, messages.StrayForeign: false,
	} {
		if r, ok := rareOf(metrics.Strays.Key(why.String())); ok != want || ok && r.name != why.String()+" message" {
			t.Errorf("%s: got %+v, %v, want %v", why, r, ok, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want string
	}{
		{"join", 4, "join"}, {"joins", 4, "joi…"}, {"a\n b\t", 9, "a b"}, {"\x1b[31mred\u202e", 20, "[31mred"}, {"żółw", 3, "żó…"},
	} {
		if got := clip(c.name, c.n); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.name, c.n, got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{}, {Tolerance: -1}, {Tolerance: 3, Floor: time.Second}} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []Options{{Tolerance: MaxTolerance + 1}, {Tolerance: nan()}, {Floor: time.Hour}} {
		if err := o.Validate(); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}

func nan() float64 { return median(nil) }
