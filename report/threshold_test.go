package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/threshold"
)

const (
	responseKey = "response_seconds"
	sentKey     = `messages_sent_total{opcode="text"}`
)

// steps makes records of a second each: of each, the durations of responses. One message is sent for each of them.
type steps struct {
	b    *Builder
	rec  metrics.Record
	sent float64
	told []Event
}

func stepsOf(specs ...threshold.Spec) *steps {
	m := exampleManifest()
	m.Thresholds = specs
	return &steps{b: NewBuilder(m)}
}

func (s *steps) step(durations ...time.Duration) {
	h := new(metrics.Histogram)
	for _, d := range durations {
		h.Record(d)
	}
	s.sent += float64(len(durations))
	s.rec.From, s.rec.To = s.rec.To, s.rec.To+1
	s.rec.Counters = map[string]float64{sentKey: s.sent}
	s.rec.Gauges = map[string]float64{`connections{state="connected"}`: float64(len(durations))}
	s.rec.Histograms = map[string]*metrics.Histogram{}
	if len(durations) > 0 {
		s.rec.Histograms[responseKey] = h
	}
	for _, e := range s.b.Record(&s.rec) {
		s.told = append(s.told, e)
		s.b.Event(e)
	}
	s.rec.Seq++
}

func (s *steps) end() *Summary {
	s.b.Event(Event{At: s.rec.To, Kind: LoadOver})
	o := exampleOutcome()
	o.Load = s.rec.To
	s.b.Event(Event{At: s.rec.To, Kind: Ended, Outcome: o})
	return s.b.Summary()
}

const ms = time.Millisecond

// rush is a run whose responses take 10 ms, but 300 ms in its third and fourth second.
func rush(specs ...threshold.Spec) *steps {
	s := stepsOf(specs...)
	for i := range 10 {
		d := 10 * ms
		if i == 2 || i == 3 {
			d = 300 * ms
		}
		s.step(d, d, d, d)
	}
	return s
}

// TestThresholdsGolden: one of each kind, as text and as JSON.
func TestThresholdsGolden(t *testing.T) {
	sum := rush(
		threshold.Spec{That: "p(95)<200ms"},             // 8 of 40 took 300 ms
		threshold.Spec{That: "p(75)<200ms"},             // not after four seconds: 8 of 16
		threshold.Spec{That: "max<200ms", Window: 2},    // the one from 1 s to 3 s is the first of the worst
		threshold.Spec{That: "max<1s", Window: 60},      // longer than the run
		threshold.Spec{That: "count>1000"},              // only the end shows it
		threshold.Spec{That: "sent: per_second>=4"},     // exactly
		threshold.Spec{That: "round_trip: p(95)<200ms"}, // nothing was measured
		threshold.Spec{That: "response.p(95) < 200ms && sent > 1000 || disconnects > 1000 && dropped == 0", Delay: 5},
		threshold.Spec{That: "disconnects / opened < 1%"},
		threshold.Spec{That: `connections("connected") == 2`},
		threshold.Spec{That: "request join: p(95)<1s"}, // from a manifest that does not fit
	).end()
	var b strings.Builder
	sum.thresholds().write(&b)
	for line := range strings.SplitSeq(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	b.WriteString("\n" + strings.Join(sum.thresholdFailures(), "\n") + "\n")
	object, err := json.MarshalIndent(sum.Thresholds, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"thresholds.txt": b.String(), "thresholds.json": string(object) + "\n"} {
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
			t.Errorf("%s (-want +got; -update writes it):\n%s", name, d)
		}
	}
	if sum.Verdict != Fail {
		t.Errorf("got %s", sum.Verdict)
	}
}

// TestCrossed: a threshold that begins or ceases to fail is told, once each time and not for ever; who has a
// delay is not looked at before.
func TestCrossed(t *testing.T) {
	told := func(s *steps) (list []string) {
		for _, e := range s.told {
			list = append(list, fmt.Sprintf("%v %s %s", e.At, e.Kind, e.Text))
		}
		return list
	}
	for _, c := range []struct {
		spec threshold.Spec
		want []string
	}{
		{threshold.Spec{That: "p(75)<200ms"}, []string{
			"3 threshold_crossed the threshold p(75)<200ms does not hold: got 300ms", // 4 of 12
			"8 threshold_crossed the threshold p(75)<200ms holds again",              // 8 of 32
		}},
		{threshold.Spec{That: "max<200ms", Window: 2}, []string{
			"3 threshold_crossed the threshold any 2s: max<200ms does not hold: got 300ms",
			"6 threshold_crossed the threshold any 2s: max<200ms holds again",
		}},
		{threshold.Spec{That: "max<200ms", Window: 2, Delay: 5, Abort: true}, []string{
			"5 threshold_crossed the threshold any 2s: max<200ms does not hold: got 300ms",
			"5 aborted any 2s: max<200ms",
			"6 threshold_crossed the threshold any 2s: max<200ms holds again",
		}},
		{threshold.Spec{That: "max<200ms", Window: 2, Delay: 6, Abort: true}, nil},
		{threshold.Spec{That: "max<200ms && sent > 0", Abort: true}, []string{
			"3 threshold_crossed the threshold max<200ms && sent > 0 does not hold",
			"3 aborted max<200ms && sent > 0",
		}},
		{threshold.Spec{That: "count>1000", Abort: true}, nil},
		{threshold.Spec{That: "ping: max<1s", Abort: true}, nil},
	} {
		spec := c.spec
		spec.That = strings.Replace(spec.That, "max<200ms &&", "response.max < 200ms &&", 1)
		for i := range c.want {
			c.want[i] = strings.Replace(c.want[i], "max<200ms &&", "response.max < 200ms &&", 1)
		}
		if d := cmp.Diff(c.want, told(rush(spec))); d != "" {
			t.Errorf("%+v (-want +got):\n%s", spec, d)
		}
	}
	two := rush(threshold.Spec{That: "max<200ms", Abort: true}, threshold.Spec{That: "p(99)<200ms", Abort: true})
	if got := told(two); len(got) != 3 || got[1] != "3 aborted max<200ms" {
		t.Errorf("got %q of two that end the run, want one that does", got)
	}
	one := rush(threshold.Spec{That: "response.max < 200ms && sent > 0", Window: 2}).end().Thresholds[0]
	if one.Held || *one.WorstAt != 3 || *one.FirstFailed != 3 {
		t.Errorf("got %+v, want the first window that failed to be the worst", one)
	}
	s := stepsOf(threshold.Spec{That: "max<200ms", Window: 1})
	for i := range 100 {
		s.step([]time.Duration{ms, time.Second}[i%2])
	}
	if len(s.told) != maxTold {
		t.Errorf("got %d events of a threshold that comes and goes, want %d", len(s.told), maxTold)
	}
}

// TestAborted: what ended the run comes first among the reasons.
func TestAborted(t *testing.T) {
	s := rush(threshold.Spec{That: "max<200ms", Abort: true})
	s.b.Event(Event{At: 10, Kind: LoadOver})
	o := exampleOutcome()
	o.Aborted = "max<200ms"
	s.b.Event(Event{At: 10, Kind: Ended, Outcome: o})
	sum := s.b.Summary()
	if want := "the run was ended after 10.0s, as the threshold max<200ms failed"; sum.Verdict != Fail || sum.Reasons[0] != want || sum.Aborted != "max<200ms" {
		t.Errorf("got %s %q, want %q first", sum.Verdict, sum.Reasons, want)
	}
	sum.Rig.Panics = 1
	if sum.Judge(Basis{}); sum.Verdict != Untrustworthy || !strings.HasPrefix(sum.Reasons[0], "the run was ended") {
		t.Errorf("got %s %q", sum.Verdict, sum.Reasons)
	}
}

// TestThresholdsAfterTheLoad: what comes when the load is over counts at the end, and nothing more is looked at
// until then; the time that it takes does not, and gauges are those of the load's end.
func TestThresholdsAfterTheLoad(t *testing.T) {
	s := stepsOf(
		threshold.Spec{That: "sent: per_second==2"},
		threshold.Spec{That: "sent: per_second==2", Window: 2},
		threshold.Spec{That: "max<1s", Abort: true},
		threshold.Spec{That: "max<1s", Window: 2},
		threshold.Spec{That: `connections("connected") == 2`},
		threshold.Spec{That: "pending == 0"},
	)
	for range 4 {
		s.step(ms, ms)
	}
	s.b.Event(Event{At: 4, Kind: LoadOver})
	s.sent -= 1 // so that the late answer is not sent for
	s.step(2 * time.Second)
	for range 2 * maxSlots { // a long drain does not push the load out of the window
		s.step()
	}
	if len(s.told) > 0 {
		t.Errorf("got %+v after the load", s.told)
	}
	s.b.Event(Event{Kind: Ended, Outcome: exampleOutcome()}) // two are connected
	for i, got := range s.b.Summary().Thresholds {
		if late := i == 2 || i == 3; got.Held == late || late && *got.Value != 2 {
			t.Errorf("got %+v", got)
		}
	}
}

// TestThresholdsOfWhatThereIs: a run that never ended is judged by what there is.
func TestThresholdsOfWhatThereIs(t *testing.T) {
	s := rush(threshold.Spec{That: "max<200ms"}, threshold.Spec{That: "count==40"}, threshold.Spec{That: "max<1s", Window: 300})
	for range 3 { // as often as one likes
		got := s.b.Summary().Thresholds
		if len(got) != 3 || got[0].Held || !got[1].Held || !got[2].Held || !got[2].Measured {
			t.Errorf("got %+v", got)
		}
	}
	if none := stepsOf(threshold.Spec{That: "max<200ms", Window: 5}).b.Summary(); none.Thresholds[0].Held || none.Thresholds[0].Measured {
		t.Errorf("got %+v of no records", none.Thresholds)
	}
}

// TestThresholdFigures: as people read them.
func TestThresholdFigures(t *testing.T) {
	for _, c := range []struct {
		unit threshold.Unit
		v    float64
		want string
	}{
		{threshold.Seconds, 0.25, "250ms"}, {threshold.Seconds, -0.25, "-250ms"}, {threshold.Share, 0.123456, "12.35%"},
		{threshold.Count, 1234, "1,234"}, {threshold.Count, 0.5, "0.5"}, {threshold.Count, 1e20, "1e+20"},
		{threshold.PerSecond, 1234.56, "1,235/s"}, {threshold.PerSecond, 0.5, "0.5/s"}, {threshold.Number, 1.5, "1.5"},
	} {
		if got := figure(c.unit, c.v); got != c.want {
			t.Errorf("%v %s: got %s, want %s", c.v, c.unit, got, c.want)
		}
	}
	for share, want := range map[float64]string{0.125: "+12%", -0.015: "-1.5%", 0: "0%", 0.0001: "0%", 20: ">+999%", -20: "<-999%"} {
		if got := percent(share); got != want {
			t.Errorf("%v: got %s, want %s", share, got, want)
		}
	}
}

// TestCatalogue holds what package threshold knows of metrics to the catalogue, which it cannot see.
func TestCatalogue(t *testing.T) {
	values := map[string][]string{
		"phase": phases(), "opcode": nil, "reason": nil, "cause": causes(), "initiator": {"local", "remote"},
		"result": {metrics.ResultHeld, metrics.ResultFailed}, "outcome": {metrics.StartOnTime, metrics.StartLate, metrics.StartMissed},
		"kind": {metrics.SwitchVoluntary, metrics.SwitchInvoluntary},
		"mode": {metrics.HostBusy, metrics.HostSteal, metrics.HostIOWait, metrics.HostIdle},
	}
	for _, s := range messages.States() {
		for _, label := range []string{"state", "from", "to"} {
			values[label] = append(values[label], s.String())
		}
	}
	for k := range messages.CommandKind(messages.NumCommands) {
		values["command"] = append(values["command"], k.String())
	}
	for o := range messages.Op(messages.NumOps) {
		values["opcode"] = append(values["opcode"], o.String())
	}
	for d := range messages.Drop(messages.NumDrops) {
		values["reason"] = append(values["reason"], d.String())
	}
	for o := range messages.Order(messages.NumOrders) {
		values["order"] = append(values["order"], o.String())
	}
	for c := range messages.CloseCode(5000) {
		if l := c.Label(); len(values["code"]) == 0 || !contains(values["code"], l) {
			values["code"] = append(values["code"], l)
		}
	}
	kinds := map[metrics.Kind]threshold.Kind{metrics.Counter: threshold.Counter, metrics.Gauge: threshold.Gauge, metrics.Times: threshold.Timed}
	known := make(map[string]threshold.Metric)
	for _, m := range threshold.Metrics() {
		known[m.Name] = m
	}
	for _, f := range metrics.Families() {
		m, ok := known[f.Name]
		if delete(known, f.Name); f == metrics.Build {
			continue // nothing is measured
		}
		if !ok || m.Kind != kinds[f.Kind] || len(m.Labels) != len(f.Labels) {
			t.Errorf("threshold.Metrics has %+v of %s, want a row with its kind, %s, and its labels, %q", m, f.Name, f.Kind, f.Labels)
			continue
		}
		for i, l := range m.Labels {
			want := values[l.Name]
			switch {
			case f == metrics.HandshakeDuration:
				want = append([]string{metrics.PhaseTotal}, want...)
			case f == metrics.HandshakeFailures && l.Name == "reason":
				want = causes()
			case f == metrics.Strays:
				want = nil
				for r := range messages.Stray(messages.NumStrays) {
					want = append(want, r.String())
				}
			case f == metrics.HostSockets:
				want = []string{metrics.SocketsUsed, metrics.SocketsTimeWait}
			}
			if l.Name != f.Labels[i] || !same(l.Values, want) {
				t.Errorf("%s: got the label %s with %q, want %s with %q", f.Name, l.Name, l.Values, f.Labels[i], want)
			}
		}
	}
	for name := range known {
		t.Errorf("threshold.Metrics has %s, which is in no catalogue", name)
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// same tells whether two lists have the same values.
func same(a, b []string) bool {
	for _, v := range b {
		if !contains(a, v) {
			return false
		}
	}
	return len(a) == len(b)
}

func phases() (list []string) {
	for p := range messages.Phase(messages.NumPhases) {
		list = append(list, p.String())
	}
	return list
}

func causes() (list []string) {
	for _, c := range messages.Causes() {
		list = append(list, c.String())
	}
	return list
}

// TestSeriesAreThere: what is counted is what thresholds read. Each series of a run in which all there is happened
// once is asked for by its key, and found.
func TestSeriesAreThere(t *testing.T) {
	named := metrics.Names{Requests: []string{`a "b"`}, Checks: []string{`c\d`}, Deliveries: []string{"e"}, Ticks: []string{"f"}, Populations: []string{"g"}}
	names := threshold.Names{Requests: named.Requests, Checks: named.Checks, Deliveries: named.Deliveries, Ticks: named.Ticks, Populations: named.Populations}
	scenario, shard := scenarioOf(t, named)
	r := metrics.NewRecorder(scenario)
	shard.Request(0, 1, 2, 3)
	shard.RequestLost(0)
	shard.Check(0, true)
	shard.Check(0, false)
	shard.Published(0, 1)
	shard.Delivered(0, ms, messages.OrderKept)
	shard.Tick(0, ms)
	shard.Began(0)
	shard.Iteration(0)
	shard.Lost(0)
	shard.Ended(0)
	shard.Fault()
	shard.AddTo(r.NowScenario)
	r.Now.Traffic.Sent[messages.OpText], r.Now.Disconnects[messages.CauseReset] = 1, 1
	r.Now.Transitions[messages.Idle][messages.Connecting] = 1
	r.Now.Response.Record(ms)
	var w metrics.Whole
	w.Add(r.Record(0, 1))
	n := 0
	for key := range w.Counters {
		th, err := threshold.Parse(fmt.Sprintf("metric(%q) > 0", key), names)
		if strings.HasSuffix(strings.SplitN(key, "{", 2)[0], "seconds_total") {
			th, err = threshold.Parse(fmt.Sprintf("metric(%q) > 0s", key), names)
		}
		if err != nil {
			t.Errorf("%s: %v", key, err)
		} else if res := th.Eval(wholeView{&w, w.Gauges, 1}); !res.Held {
			t.Errorf("%s: got %+v, want what is counted", key, res)
		}
		n++
	}
	for _, key := range w.Timed() {
		th, err := threshold.Parse(fmt.Sprintf("metric(%q).count == 1", key), names)
		if err != nil {
			t.Errorf("%s: %v", key, err)
		} else if res := th.Eval(wholeView{&w, w.Gauges, 1}); !res.Held {
			t.Errorf("%s: got %+v, want one", key, res)
		}
		n++
	}
	for key := range w.Gauges {
		if _, err := threshold.Parse(fmt.Sprintf("metric(%q) >= 0", key), names); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		n++
	}
	if n < 20 {
		t.Errorf("got %d series", n)
	}
}
