package report

import (
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// trusted is the trust in a run of 10 s with what show shows, and what change does to it.
func trusted(t *testing.T, figures map[string]float64, change func(*metrics.Snapshot), events ...Event) *Summary {
	t.Helper()
	r, b := metrics.NewRecorder(nil), NewBuilder(&Manifest{MaxLag: 0.1, Players: 1})
	if change != nil {
		change(r.Now)
	}
	rec := r.Record(0, 10)
	rec.Counters[metrics.RigWallClock.Key()] = 10
	for key, v := range figures {
		rec.Counters[key] = v
		if key == metrics.LoadPlayers.Key() {
			rec.Gauges[key] = v
		}
	}
	b.Record(rec)
	for _, e := range events {
		b.Event(e)
	}
	b.Event(Event{Kind: Ended, Outcome: &Outcome{Load: 10}})
	return b.Summary()
}

func late(d time.Duration) func(*metrics.Snapshot) {
	return func(s *metrics.Snapshot) { s.ScheduleLag.Record(d) }
}

// TestTrust: each bound is kept up to itself and not beyond; the reason says what it was, and what can be done.
func TestTrust(t *testing.T) {
	busy, steal := metrics.HostCPU.Key(metrics.HostBusy), metrics.HostCPU.Key(metrics.HostSteal)
	stalled, wait := metrics.RigStalled.Key(), metrics.RigRunQueue.Key()
	used, usable := metrics.RigCPU.Key(), metrics.RigCPUUsable.Key()
	for _, c := range []struct {
		name    string
		figures map[string]float64
		change  func(*metrics.Snapshot)
		events  []Event
		reason  string // empty if all is kept
	}{
		{name: "nothing measured"},
		{name: "late by the bound", change: late(100 * time.Millisecond)},
		{name: "later", change: late(101 * time.Millisecond),
			reason: "messages went out late: 1 in 100 by 101ms or more, want less than 100ms; use fewer players, a lower rate or a faster machine"},
		{name: "later, and the CPU was used up", figures: map[string]float64{used: 19, usable: 20, metrics.Sent.Key("text"): 310_000, metrics.Received.Key("binary"): 305_000},
			change: late(time.Second),
			reason: "messages went out late: 1 in 100 by 1.00s or more, want less than 100ms; its CPU was used up, 95 % of 2 cores: this host tops out near 62,000 messages/s, sent and received; use fewer players, a lower rate, or more machines"},
		{name: "later, and others had the cores", figures: map[string]float64{used: 0.5, usable: 20, wait: 9.5},
			change: late(time.Second),
			reason: "messages went out late: 1 in 100 by 1.00s or more, want less than 100ms; others had the cores: it waited 19.0s for each second of CPU time that it got; move what else runs here, also the server, to another machine"},
		{name: "later, and the CPU was used up together", figures: map[string]float64{used: 12, wait: 6, usable: 20, metrics.Received.Key("text"): 100_000},
			change: late(time.Second),
			reason: "messages went out late: 1 in 100 by 1.00s or more, want less than 100ms; the CPUs were used up, 60 % of 2 cores by the rig and the rest by others: with them, this host tops out near 10,000 messages/s, sent and received; use fewer players, a lower rate, or another machine for the server"},
		{name: "turns", change: func(s *metrics.Snapshot) { s.LoopTurn.Record(time.Second) },
			reason: "event loops were too slow: 1 turn in 100 took 1.00s or more, want less than 100ms; use fewer players"},
		{name: "reads", change: func(s *metrics.Snapshot) { s.ReadLag.Record(time.Second) },
			reason: "answers waited to be read: 1 in 100 for 1.00s or more, want less than 100ms; use fewer players"},
		{name: "stood still a little", figures: map[string]float64{stalled: 0.1}},
		{name: "stood still", figures: map[string]float64{stalled: 1.2},
			events: []Event{{At: 3, Kind: Stall, Seconds: 0.2}, {At: 5, Kind: Stall, Seconds: 1}},
			reason: "the rig itself stood still for 1.20s in all, 12 % of the time, the longest for 1.00s at 5.00s: what was late then is its own; was it stopped, or the machine suspended or overloaded?"},
		{name: "stood still, and was late", figures: map[string]float64{stalled: 1.2, used: 1}, change: late(time.Second),
			events: []Event{{At: 5, Kind: Stall, Seconds: 1}},
			reason: "messages went out late: 1 in 100 by 1.00s or more, want less than 100ms; it stood still, the longest for 1.00s at 5.00s"},
		{name: "waited nine times as long as it ran", figures: map[string]float64{wait: 9, used: 1}},
		{name: "waited longer", figures: map[string]float64{wait: 19, used: 1},
			reason: "the rig did not get the cores that it wanted: its threads waited for one in 95 % of the time in which they could have run, want less than 90 %; others had the cores: it waited 19.0s for each second"},
		{name: "wanted little", figures: map[string]float64{wait: 0.4, used: 0.01}},
		{name: "throttled and stolen, and in time", figures: map[string]float64{metrics.RigPeriods.Key(): 100, metrics.RigThrottled.Key(): 60, busy: 5, steal: 5}},
		{name: "throttled and late", figures: map[string]float64{metrics.RigPeriods.Key(): 100, metrics.RigThrottled.Key(): 6}, change: late(time.Second),
			reason: "messages went out late: 1 in 100 by 1.00s or more, want less than 100ms; its CPU quota stopped it in 6.0 % of the periods: raise the quota, or use fewer --shards"},
		{name: "stolen and late", figures: map[string]float64{busy: 8, steal: 2}, change: late(time.Second),
			reason: "messages went out late: 1 in 100 by 1.00s or more, want less than 100ms; the hypervisor gave 20 % of this machine's CPU time to others"},
		{name: "collected", figures: map[string]float64{metrics.RigGCPaused.Key(): 0.6}, reason: "the garbage collector stopped the rig for 6.0 % of the time, want less than 5.0 %; use fewer players"},
	} {
		s := trusted(t, c.figures, c.change, c.events...)
		if c.reason == "" {
			if s.Verdict != Pass {
				t.Errorf("%s: got %s %q, want pass", c.name, s.Verdict, s.Reasons)
			}
			continue
		}
		if s.Verdict != Untrustworthy || len(s.Reasons) == 0 || !strings.HasPrefix(s.Reasons[0], c.reason) {
			t.Errorf("%s: got %s\n%q, want untrustworthy\n%q", c.name, s.Verdict, s.Reasons, c.reason)
		}
	}
}

// TestPatience: who allows a lag of a minute does not mind standstills, nor how the rig gets its cores; but a lag of
// more than that is one.
func TestPatience(t *testing.T) {
	r, b := metrics.NewRecorder(nil), NewBuilder(&Manifest{MaxLag: 60})
	rec := r.Record(0, 10)
	for key, v := range map[string]float64{metrics.RigWallClock.Key(): 10, metrics.RigStalled.Key(): 5, metrics.RigRunQueue.Key(): 99, metrics.RigCPU.Key(): 1} {
		rec.Counters[key] = v
	}
	b.Record(rec)
	b.Event(Event{Kind: Ended, Outcome: new(Outcome)})
	if s := b.Summary(); s.Verdict != Pass {
		t.Errorf("got %s %q, want pass", s.Verdict, s.Reasons)
	}
}

// TestTrustIsTold: each thing has a word for people, a value where it is known, and a bound.
func TestTrustIsTold(t *testing.T) {
	s := trusted(t, nil, late(time.Millisecond))
	for _, k := range s.Trust {
		if trustNames[k.Name] == "" || k.Bound <= 0 || !k.Held {
			t.Errorf("got %+v, want a word, a bound, and that it holds", k)
		}
	}
	if n := len(s.Trust); n != len(trustNames) {
		t.Errorf("got %d, want %d", n, len(trustNames))
	}
	text := strings.Join(s.trustText(60), " ")
	if want := "lag p99 1.00ms of 100ms, standstill 0 % of 1.0 %, GC pauses 0 % of 5.0 %"; text != want {
		t.Errorf("got %q, want %q: what is not known is left out", text, want)
	}
}

// TestLoad: what was asked for is beside what there was.
func TestLoad(t *testing.T) {
	s := trusted(t, map[string]float64{metrics.LoadMessages.Key(): 5000, metrics.LoadPlayers.Key(): 1}, func(s *metrics.Snapshot) {
		s.Traffic.Sent[messages.OpText] = 4000
	})
	if want := (Asked{1, 0}); s.Load.Players == nil || *s.Load.Players != want {
		t.Errorf("players: got %v, want %v", s.Load.Players, want)
	}
	if want := (Asked{500, 400}); s.Load.Messages == nil || *s.Load.Messages != want {
		t.Errorf("messages: got %v, want %v", s.Load.Messages, want)
	}
	if want := "0 of 1 players, 400 of 500 messages/s"; s.Load.text() != want {
		t.Errorf("got %q, want %q", s.Load.text(), want)
	}
}

func TestRates(t *testing.T) {
	for got, want := range map[string]string{
		round(0): "0", round(99): "99", round(61_499): "61,000", round(61_500): "62,000", round(1234567): "1,200,000",
		shareOf(0): "0 %", shareOf(0.00012): "0.01 %", shareOf(0.0000082): "<0.01 %", shareOf(0.0051): "0.5 %", shareOf(0.5): "50 %", cores(2): "2", cores(1.25): "1.2",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
