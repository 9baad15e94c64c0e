package load

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustHeld(t interface{ Fatal(...any) }, p Plan) *Held {
	h, err := p.Held()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHeldTarget(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	type at struct {
		t    time.Duration
		want int
	}
	for _, c := range []struct {
		name  string
		plan  Plan
		total int
		peak  int
		want  []at
	}{
		{"a ramp: up in 30 ms each, hold, down in 10 ms each", held(ramp(1000, 30*s), ramp(1000, 60*s), ramp(0, 10*s)), 1000, 1000, []at{
			{-1, 0}, {0, 1}, // the first starts at once
			{30*ms - 1, 1}, {30 * ms, 2}, {60 * ms, 3},
			{15*s - 1, 500}, {15 * s, 501}, // 1000·15/30 had started before
			{30*s - 1, 1000}, {30 * s, 1000}, {90*s - 1, 1000},
			{90 * s, 1000}, {90*s + 10*ms - 1, 1000}, // the line, 1000-τ/10ms, is rounded up
			{90*s + 10*ms, 999}, {95 * s, 500},
			{100*s - 10*ms, 1}, {100*s - 1, 1}, {100 * s, 0}, {200 * s, 0},
		}},
		{"held, started within the default of 1 s: 1 s/4 each", held(step(4, 10*s)), 4, 4, []at{
			{0, 1}, {250*ms - 1, 1}, {250 * ms, 2}, {750 * ms, 4}, {10*s - 1, 4}, {10 * s, 0},
		}},
		{"held, in lock-step", Plan{Model: Closed, LockStep: true, Stages: []Stage{step(4, 10*s)}}, 4, 4, []at{{-1, 0}, {0, 4}, {10*s - 1, 4}, {10 * s, 0}}},
		{"within no longer than the stage", Plan{Model: Closed, Within: 10 * s, Stages: []Stage{step(4, 2*s)}}, 4, 4, []at{{0, 1}, {500 * ms, 2}, {1500 * ms, 4}, {2 * s, 0}}},
		{"stairs up and down, in lock-step", Plan{Model: Closed, LockStep: true, Stages: []Stage{step(10, s), step(20, s), step(30, s), step(5, s)}}, 30, 30, []at{
			{0, 10}, {s - 1, 10}, {s, 20}, {2 * s, 30}, {3*s - 1, 30}, {3 * s, 5}, {4*s - 1, 5}, {4 * s, 0},
		}},
		{"a spike within 100 ms: 900 more, 9 a ms", Plan{Model: Closed, Within: 100 * ms, Stages: []Stage{ramp(100, 10*s), step(1000, 5*s), step(100, 5*s)}}, 1000, 1000, []at{
			{10*s - 1, 100}, {10 * s, 101}, {10*s + 50*ms - 1, 550}, {10*s + 50*ms, 551}, {10*s + 100*ms, 1000}, {15*s - 1, 1000}, {15 * s, 100}, {20*s - 1, 100},
		}},
		{"a pause first, and a second hill", held(step(0, s), ramp(2, s), ramp(0, s), ramp(2, s)), 4, 2, []at{
			{s - 1, 0}, {s, 1}, {1500 * ms, 2}, {2 * s, 2}, {2500 * ms, 1}, {3*s - 1, 1},
			{3 * s, 1}, // the last of the first hill stops as the first of the second starts
			{3500*ms - 1, 1}, {3500 * ms, 2},
		}},
		{"more players than nanoseconds", held(ramp(10, 4)), 10, 10, []at{{0, 3}, {1, 5}, {2, 8}, {3, 10}, {4, 0}}}, // ⌈(t+1)·10/4⌉
	} {
		h := mustHeld(t, c.plan)
		if h.Total() != c.total || h.Peak() != c.peak || h.Duration() != c.plan.Duration() {
			t.Errorf("%s: got %d in all, %d at the peak, %v, want %d, %d, %v", c.name, h.Total(), h.Peak(), h.Duration(), c.total, c.peak, c.plan.Duration())
		}
		for _, a := range c.want {
			if got := h.Target(a.t); got != a.want {
				t.Errorf("%s: Target(%v) = %d, want %d", c.name, a.t, got, a.want)
			}
		}
	}
}

func TestHeldDue(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	h := mustHeld(t, held(ramp(1000, 30*s), ramp(1000, 60*s), ramp(400, 6*s), step(402, 4*s)))
	for _, c := range []struct {
		what string
		due  func(int) (time.Duration, bool)
		n    int
		want time.Duration
		ok   bool
	}{
		{"start", h.StartDue, -1, 0, false},
		{"start", h.StartDue, 0, 0, true},
		{"start", h.StartDue, 1, 30 * ms, true},
		{"start", h.StartDue, 999, 30*s - 30*ms, true},
		{"start", h.StartDue, 1000, 96 * s, true},                               // the two of the step, within 1 s
		{"start", h.StartDue, 1001, 96*s + 500*ms, true},                        //
		{"start", h.StartDue, 1002, 0, false},                                   //
		{"stop", h.StopDue, -1, 0, false},                                       //
		{"stop", h.StopDue, 0, 90*s + 10*ms, true},                              // 600 in 6 s
		{"stop", h.StopDue, 599, 96 * s, true},                                  //
		{"stop", h.StopDue, 600, 100 * s, true},                                 // when the load ends, all stop
		{"stop", h.StopDue, 1001, 100 * s, true},                                //
		{"stop", h.StopDue, 1002, 0, false},                                     //
		{"start", mustHeld(t, held(ramp(3, s))).StartDue, 1, 333_333_333, true}, // s/3, cut to ns
	} {
		if got, ok := c.due(c.n); got != c.want || ok != c.ok {
			t.Errorf("%s %d: got %v, %v, want %v, %v", c.what, c.n, got, ok, c.want, c.ok)
		}
	}
}

// TestHeldNext walks through a plan as a driver does: it looks, and sleeps until Next.
func TestHeldNext(t *testing.T) {
	const s = time.Second
	h := mustHeld(t, held(ramp(2, s), step(2, s), ramp(0, s), step(0, s), step(1, s)))
	type look struct {
		at     time.Duration
		target int
	}
	want := []look{{0, 1}, {s / 2, 2}, {5 * s / 2, 1}, {3 * s, 0}, {4 * s, 1}, {5 * s, 0}}
	at := time.Duration(-1)
	for _, w := range want {
		next, ok := h.Next(at)
		if at = next; !ok || at != w.at || h.Target(at) != w.target {
			t.Fatalf("got %v, %v, target %d, want %v, %d", at, ok, h.Target(at), w.at, w.target)
		}
	}
	if next, ok := h.Next(at); ok {
		t.Errorf("got %v after the end, want none", next)
	}
}

// TestHeldForever: players that end by themselves are never told to.
func TestHeldForever(t *testing.T) {
	h := mustHeld(t, Plan{Model: Closed, Iterations: 3, Stages: []Stage{step(5, time.Second), step(2, Forever)}})
	if got := h.Duration(); got != Forever {
		t.Errorf("Duration() = %v, want Forever", got)
	}
	for _, at := range []time.Duration{time.Second, time.Hour, MaxDuration, Forever - 1} {
		if got := h.Target(at); got != 2 {
			t.Errorf("Target(%v) = %d, want 2", at, got)
		}
		if next, ok := h.Next(at); ok {
			t.Errorf("Next(%v) = %v, want none", at, next)
		}
	}
	if due, ok := h.StopDue(2); !ok || due != time.Second { // three of the five stop at the step down
		t.Errorf("StopDue(2) = %v, %v, want 1s", due, ok)
	}
	if due, ok := h.StopDue(3); ok {
		t.Errorf("StopDue(3) = %v, want none", due)
	}
}

func TestHeldMissing(t *testing.T) {
	h := mustHeld(t, Plan{Model: Closed, LockStep: true, Stages: []Stage{step(10, time.Second)}})
	for _, c := range []struct{ live, missing, surplus int }{{0, 10, 0}, {7, 3, 0}, {10, 0, 0}, {12, 0, 2}} {
		if m, s := h.Missing(0, c.live), h.Surplus(0, c.live); m != c.missing || s != c.surplus {
			t.Errorf("with %d live: got %d missing and %d too many, want %d and %d", c.live, m, s, c.missing, c.surplus)
		}
	}
	if s := h.Surplus(time.Second, 10); s != 10 {
		t.Errorf("at the end: got %d too many, want all 10", s)
	}
}

// anyCourse is one of the closed model, with its stages in nanoseconds to hours.
func anyCourse(t *rapid.T) Plan {
	p := Plan{Model: Closed, LockStep: rapid.Bool().Draw(t, "lock-step")}
	p.Within = time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "within"))
	for range rapid.IntRange(1, 6).Draw(t, "stages") {
		p.Stages = append(p.Stages, Stage{
			Duration: anyDuration(t),
			Players:  rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, MaxPlayers)).Draw(t, "players"),
			Step:     rapid.Bool().Draw(t, "step"),
		})
	}
	if p.Validate() != nil {
		p.Stages[0].Players = 1
	}
	return p
}

func anyDuration(t *rapid.T) time.Duration {
	most := rapid.SampledFrom([]time.Duration{100, time.Microsecond, time.Second, 10 * time.Minute, 24 * time.Hour}).Draw(t, "most")
	return time.Duration(rapid.Int64Range(1, int64(most)).Draw(t, "duration"))
}

// Property: on a ramp, the target is the straight line just before the end of the nanosecond, rounded up.
func TestHeldFollowsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyCourse(t)
		h := mustHeld(t, p)
		i := rapid.IntRange(0, len(p.Stages)-1).Draw(t, "stage")
		var start time.Duration
		from := 0
		for _, s := range p.Stages[:i] {
			start, from = start+s.Duration, s.Players
		}
		s := p.Stages[i]
		into := time.Duration(rapid.Int64Range(0, int64(s.Duration)-1).Draw(t, "into"))
		line := big.NewRat(int64(s.Players-from), 1)
		within := s.Duration
		if s.Step && (s.Players < from || p.LockStep) {
			within = 1 // the step takes no time, so it is over at the end of its first nanosecond
		} else if s.Step {
			if within = min(p.Within, s.Duration); p.Within == 0 {
				within = min(time.Second, s.Duration)
			}
		}
		line.Mul(line, big.NewRat(int64(min(into+1, within)), int64(within)))
		line.Add(line, big.NewRat(int64(from), 1))
		want := new(big.Int).Add(line.Num(), new(big.Int).Sub(line.Denom(), big.NewInt(1)))
		if s.Players < from && !s.Step { // just before, it is higher, be it by nothing
			want.Add(line.Num(), line.Denom())
		}
		want.Div(want, line.Denom())
		if got := h.Target(start + into); int64(got) != want.Int64() {
			t.Fatalf("%v: Target(%v), %v into stage %d = %d, want %v, as the line is at %v", p, start+into, into, i+1, got, want, line)
		}
	})
}

// Property: StartDue and StopDue give the first instants at which Starts and Stops count that many, in order;
// and from one instant that Next gives to the next, nothing changes.
func TestHeldDueIsWhenCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyCourse(t)
		h := mustHeld(t, p)
		n := rapid.IntRange(0, h.Total()-1).Draw(t, "n")
		for what, f := range map[string]struct {
			due func(int) (time.Duration, bool)
			by  func(time.Duration) int
		}{"start": {h.StartDue, h.Starts}, "stop": {h.StopDue, h.Stops}} {
			due, ok := f.due(n)
			if !ok || f.by(due) <= n || f.by(due-1) > n {
				t.Fatalf("%v: %s %d is due at %v, %v, by when %d are; a nanosecond before it was %d", p, what, n, due, ok, f.by(due), f.by(due-1))
			}
			if next, ok := f.due(n + 1); ok && next < due {
				t.Fatalf("%v: %s %d is due at %v, and the next before, at %v", p, what, n, due, next)
			}
			if _, ok := f.due(h.Total()); ok {
				t.Fatalf("%v: got a %s more than there are", p, what)
			}
		}
		at := time.Duration(rapid.Int64Range(-1, int64(h.Duration())+10).Draw(t, "at"))
		next, ok := h.Next(at)
		if !ok {
			next = h.Duration() + 100
		}
		if next <= at || h.Starts(next-1) != h.Starts(at) || h.Stops(next-1) != h.Stops(at) || ok && h.Starts(next)+h.Stops(next) == h.Starts(at)+h.Stops(at) {
			t.Fatalf("%v: Next(%v) = %v, %v, but it does not change then, or did before", p, at, next, ok)
		}
		if got := h.Target(at); got < 0 || got > h.Peak() {
			t.Fatalf("%v: Target(%v) = %d, want 0 to %d", p, at, got, h.Peak())
		}
	})
}

func TestHeldAllocatesNothing(t *testing.T) {
	h := mustHeld(t, held(ramp(1000, 30*time.Second), step(10, time.Minute), ramp(1000, time.Minute)))
	n := 0
	if got := testing.AllocsPerRun(100, func() {
		due, _ := h.StartDue(n)
		_, _ = h.Next(due)
		_ = h.Missing(due, 3)
		n += 7
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
