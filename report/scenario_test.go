package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

func scenarioOf(t *testing.T, n metrics.Names) (*metrics.Scenario, *metrics.ScenarioShard) {
	t.Helper()
	s, err := metrics.NewScenario(n)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.NewShard()
}

// story is the run of example, with what its two players measured: two logins, answered 2 and 4 ms after they
// were sent and 1 ms more after they were due, and one lost; two messages for two each, of which three came, one
// of them twice and one late; and ticks that were 1 ms early and 3 ms late.
func story(t *testing.T) *Summary {
	named := metrics.Names{
		Requests: []string{"login", "trade"}, Checks: []string{"has a name", "is rich"},
		Deliveries: []string{"chat"}, Ticks: []string{"world"}, Populations: []string{"traders", "onlookers"},
	}
	names, shard := scenarioOf(t, named)
	const ms = time.Millisecond
	at := func(n int) messages.Stamp { return messages.Stamp(n) * messages.Stamp(ms) }
	shard.Request(0, at(0), at(1), at(3))
	shard.Request(0, at(0), at(1), at(5))
	shard.RequestLost(0)
	shard.Check(0, true)
	shard.Check(0, true)
	shard.Check(1, true)
	shard.Check(1, false)
	shard.Published(0, 2)
	shard.Published(0, 2)
	shard.Delivered(0, 1*ms, messages.OrderKept)
	shard.Delivered(0, 2*ms, messages.OrderKept)
	shard.Delivered(0, 6*ms, messages.OrderLate)
	shard.Delivered(0, 9*ms, messages.OrderDuplicate)
	shard.Tick(0, -1*ms)
	shard.Tick(0, 3*ms)
	shard.Began(0)
	shard.Iteration(0)
	shard.Lost(0)
	shard.Ended(0)
	shard.Fault()
	sum := names.NewSnapshot()
	shard.AddTo(sum)

	r := metrics.NewRecorder(names)
	r.NowScenario.CopyFrom(sum)
	m, o := exampleManifest(), exampleOutcome()
	m.Scenario = manifestOf("market day", named)
	o.Starts, o.FirstFault = Starts{OnTime: 1, Late: 1, Missed: 1, Latest: 0.015}, "line 8: word > 3: invalid operation"
	o.Players = []int{2, 1}
	b := NewBuilder(m)
	b.Record(r.Record(0, 10))
	b.Event(Event{Kind: Ended, Outcome: o})
	s := example()
	s.Scenario = b.Summary().Scenario
	s.Judge(Basis{Asked: 3, Details: map[string]string{"refused": "connect: connection refused"}})
	return s
}

func manifestOf(name string, n metrics.Names) *ManifestScenario {
	return &ManifestScenario{Name: name, Requests: n.Requests, Checks: n.Checks, Deliveries: n.Deliveries, Ticks: n.Ticks, Populations: n.Populations}
}

// TestScenarioGolden is what a scenario adds to a summary; TestGolden has the rest.
func TestScenarioGolden(t *testing.T) {
	s := story(t)
	var text strings.Builder
	s.Scenario.writeText(&text)
	object, err := json.MarshalIndent(s.Scenario, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := s.WriteText(&whole); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(whole.String(), "sent\n"+text.String()+"\n  ended by ") {
		t.Errorf("the scenario is not between latencies and ends:\n%s", &whole)
	}
	for name, part := range map[string]string{"scenario.txt": text.String(), "scenario.json": string(object) + "\n"} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(part), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), part); d != "" {
			t.Errorf("%s (-want +got; -update writes it):\n%s", name, d)
		}
	}
}

// TestScenarioFigures says the figures of story in full; the golden files have them as they are shown.
func TestScenarioFigures(t *testing.T) {
	s := story(t).Scenario
	login, chat, world := s.Requests[0], s.Deliveries[0], s.Ticks[0]
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"answered, lost", [2]uint64{login.Response.Count, login.Lost}, [2]uint64{2, 1}},
		{"response", [2]float64{login.Response.Mean, login.Response.Max}, [2]float64{0.004, 0.005}},     // (3 + 5) / 2 ms
		{"round trip", [2]float64{login.RoundTrip.Mean, login.RoundTrip.Max}, [2]float64{0.003, 0.004}}, // (2 + 4) / 2 ms
		{"checks", s.Checks, []Check{{"has a name", 2, 0}, {"is rich", 1, 1}}},
		{"published, expected", [2]uint64{chat.Published, chat.Expected}, [2]uint64{2, 4}},                                      // 2 + 2
		{"in order, late, twice, lost", [4]uint64{chat.InOrder, chat.Late, chat.Duplicate, chat.Lost}, [4]uint64{2, 1, 1, 1}},   // 4 - 2 - 1
		{"delivery", [3]float64{float64(chat.Latency.Count), chat.Latency.Mean, chat.Latency.Max}, [3]float64{3, 0.003, 0.006}}, // (1 + 2 + 6) / 3 ms
		{"tick", [3]float64{float64(world.Deviation.Count), world.Deviation.Mean, world.Drift}, [3]float64{2, 0.002, 0.001}},    // (1 + 3) / 2, (-1 + 3) / 2 ms
		{"iterations, lost, faults", [3]uint64{s.Iterations, s.PlayersLost, s.Faults}, [3]uint64{1, 1, 1}},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// TestScenarioSchema: programs rely on these names and on every list being there, and that there is no scenario
// where none was run.
func TestScenarioSchema(t *testing.T) {
	s := new(Summary)
	fields := func() (top, part map[string]json.RawMessage) {
		var b bytes.Buffer
		if err := s.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b.Bytes(), &top); err != nil {
			t.Fatal(err)
		}
		if raw, ok := top["scenario"]; ok {
			if err := json.Unmarshal(raw, &part); err != nil {
				t.Fatal(err)
			}
		}
		return top, part
	}
	if top, _ := fields(); top["scenario"] != nil {
		t.Errorf("got %s without a scenario", top["scenario"])
	}
	b := NewBuilder(&Manifest{Scenario: new(ManifestScenario)})
	b.Event(Event{Kind: Ended, Outcome: new(Outcome)})
	s = b.Summary()
	if s.Verdict != Pass {
		t.Errorf("got %s %q, want pass", s.Verdict, s.Reasons)
	}
	_, part := fields()
	for _, name := range strings.Fields("populations requests checks deliveries ticks") {
		if string(part[name]) != "[]" {
			t.Errorf("%s: got %s, want []", name, part[name])
		}
	}
	for _, name := range strings.Fields("name starts iterations players_lost faults") {
		if part[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestJudgeScenario(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Scenario)
		want   Verdict
		reason string // all of the first reason
	}{
		{"all went well", func(*Scenario) {}, Pass, ""},
		{"figures only", func(s *Scenario) {
			s.Checks = []Check{{"is rich", 1, 99}}
			s.Requests = []Request{{Name: "login", Lost: 7}}
			s.Deliveries = []Delivery{{Name: "chat", Lost: 7, Late: 7, Duplicate: 7}}
			s.Ticks = []Tick{{Name: "world", Drift: 1}}
			s.Starts = Starts{OnTime: 1, Late: 9, Latest: 3}
		}, Pass, ""},
		{"a fault", func(s *Scenario) { s.Faults = 1; s.FirstFault = "line 8: word > 3: invalid operation" }, Fail,
			"expressions of the scenario could not be evaluated, 1 time, the first: line 8: word > 3: invalid operation"},
		{"faults", func(s *Scenario) { s.Faults = 1200 }, Fail, "expressions of the scenario could not be evaluated, 1,200 times"},
		{"players lost", func(s *Scenario) { s.PlayersLost = 3 }, Fail,
			"3 players lost before the end of the steps: the connection did not open or was lost, and no steps under lost brought it back"},
		{"starts missed", func(s *Scenario) { s.Starts = Starts{OnTime: 990, Late: 8, Missed: 2} }, Fail,
			"2 of 1,000 starts that were due did not take place by the end of the load"},
	} {
		s := &Summary{Scenario: new(Scenario)}
		s.Rig.Conservation = "ok"
		c.change(s.Scenario)
		s.Judge(Basis{})
		if s.Verdict != c.want || (c.want == Pass) != (len(s.Reasons) == 0) || c.reason != "" && s.Reasons[0] != c.reason {
			t.Errorf("%s: got %s %q, want %s with %q", c.name, s.Verdict, s.Reasons, c.want, c.reason)
		}
	}
}

// TestBrokenCountsOfAScenario are told beside those of the connections, and make the verdict untrustworthy.
func TestBrokenCountsOfAScenario(t *testing.T) {
	names, shard := scenarioOf(t, metrics.Names{})
	shard.RequestLost(0) // there is none of that number
	sum := names.NewSnapshot()
	shard.AddTo(sum)
	r := metrics.NewRecorder(names)
	r.NowScenario.CopyFrom(sum)
	b := NewBuilder(&Manifest{Scenario: new(ManifestScenario), MaxLag: 1})
	b.Record(r.Record(0, 1))
	b.Event(Event{Kind: Ended, Outcome: new(Outcome)})
	s := b.Summary()
	if want := "counts of the scenario do not add up: malformed measurements: got 1, want 0"; s.Rig.Conservation != want || s.Verdict != Untrustworthy {
		t.Errorf("got %q, %s; want %q, untrustworthy", s.Rig.Conservation, s.Verdict, want)
	}
}

// TestCutOff: a run that never ended is told by its records, and is never a pass.
func TestCutOff(t *testing.T) {
	r := metrics.NewRecorder(nil)
	r.Now.Added, r.Now.States[messages.Idle] = 7, 7
	b := NewBuilder(exampleManifest())
	rec := r.Record(0, 37)
	rec.Counters[metrics.RigCPU.Key()] = 1.5
	rec.Gauges[metrics.RigResident.Key()], rec.Gauges[metrics.RigGCPauseWorst.Key()], rec.Gauges[metrics.RigGoroutines.Key()] = 1<<20, 0.002, 9
	b.Record(rec)
	s := b.Summary()
	if r := s.Rig; r.CPUSeconds != 1.5 || r.MaxRSSBytes != 1<<20 || r.GCPauseMax != 0.002 || r.Goroutines != 9 {
		t.Errorf("got %v s CPU, %d bytes, %v s of GC pause, %d goroutines, want what the records say: 1.5, 1048576, 0.002, 9",
			r.CPUSeconds, r.MaxRSSBytes, r.GCPauseMax, r.Goroutines)
	}
	if s.Verdict != Untrustworthy || !s.CutOff || s.Duration != 37 || s.Connections.ByState["idle"] != 7 {
		t.Errorf("got %s, cut off %t, %v s, %v", s.Verdict, s.CutOff, s.Duration, s.Connections.ByState)
	}
	if want := "the records end after 37.0s without an end of the run"; !strings.HasPrefix(s.Reasons[0], want) {
		t.Errorf("got %q, want %q", s.Reasons, want)
	}
}

// TestScenarioFits: names of any length, and counts of a long run, keep to 80 columns.
func TestScenarioFits(t *testing.T) {
	long := strings.Repeat("so long a name ", 6)
	slow := Latency{Count: 123_456_789, P50: 0.0123, P90: 0.0123, P99: 0.0123, P999: 12.34, Max: 61.5}
	s := &Scenario{
		Name: long + "\n" + long, Iterations: 123_456_789, PlayersLost: 1_234_567, Faults: 1_234_567,
		Populations: []Population{{Name: long, Players: 1_000_000}, {Name: "b", Players: 1}, {Name: long, Players: 1_000_000}, {Name: long}},
		Starts:      Starts{OnTime: 12_345_678, Late: 1_234_567, Missed: 123_456, Latest: 12.3},
		Requests:    []Request{{long, 1234, slow, slow}, {"never", 0, Latency{}, Latency{}}},
		Checks:      []Check{{long, 123_456_789, 123_456_789}},
		Deliveries:  []Delivery{{long, 1, 1, 123_456_789, 12_345, 12_345, 12_345, 12_345, slow}},
		Ticks:       []Tick{{long, slow, -0.0123}},
	}
	var b strings.Builder
	s.writeText(&b)
	for _, line := range strings.Split(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > columns {
			t.Errorf("got %d columns: %q", n, line)
		}
	}
	for _, want := range []string{"\n  scenario     so long a name ", "123,456,789, 1,234,567 players lost", "-12.3ms", "never            0      0       -"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &b)
		}
	}
	if t.Failed() || testing.Verbose() {
		t.Log(b.String())
	}
}

func TestSigned(t *testing.T) {
	for got, want := range map[string]string{
		signed(0): "0s", signed(-1e-9): "0s", signed(0.002): "+2.00ms", signed(-0.002): "-2.00ms",
		clip("a  b\nc", 9): "a b c", clip("abcdef", 6): "abcdef", clip("abcdefg", 6): "abcde…",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestCorruptDeliveries: those that were expected are in order, late, corrupt or lost: 6 = 1 + 1 + 2 + 2. Corrupt ones
// fail the run, and have a column where there are any.
func TestCorruptDeliveries(t *testing.T) {
	named := metrics.Names{Deliveries: []string{"chat"}}
	names, shard := scenarioOf(t, named)
	shard.Published(0, 6)
	for _, o := range []messages.Order{
		messages.OrderKept, messages.OrderLate, messages.OrderDuplicate, messages.OrderCorrupt, messages.OrderCorrupt,
	} {
		shard.Delivered(0, time.Millisecond, o)
	}
	r := metrics.NewRecorder(names)
	shard.AddTo(r.NowScenario)
	m := exampleManifest()
	m.Scenario = manifestOf("chat", named)
	b := NewBuilder(m)
	b.Record(r.Record(0, 10))
	b.Event(Event{Kind: Ended, Outcome: exampleOutcome()})
	s := b.Summary().Scenario
	if d := s.Deliveries[0]; d.Expected != 6 || d.InOrder != 1 || d.Late != 1 || d.Duplicate != 1 || d.Corrupt != 2 || d.Lost != 2 {
		t.Errorf("got %+v", d)
	}
	if got, want := s.failures(), `2 deliveries of "chat" came with another stamp than was sent`; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	text := func() string {
		var b strings.Builder
		s.writeText(&b)
		return b.String()
	}
	if !strings.Contains(text(), "twice  corrupt  lost") {
		t.Errorf("corrupt deliveries are not shown:\n%s", text())
	}
	s.Deliveries[0].Corrupt = 0
	if strings.Contains(text(), "corrupt") {
		t.Errorf("corrupt deliveries are shown:\n%s", text())
	}
}
