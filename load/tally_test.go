package load

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTally(t *testing.T) {
	const ms = time.Millisecond
	var y Tally
	for _, s := range []struct{ due, at time.Duration }{
		{100 * ms, 100 * ms}, {100 * ms, 110 * ms}, // on time: 0 and 10 ms late, which is borne with
		{100 * ms, 110*ms + 1}, {0, 1200 * ms}, // late
		{100 * ms, 99 * ms}, // before its time is on time
	} {
		y.Start(s.due, s.at)
	}
	y.Miss(1000)
	y.Miss(-5)
	if want := (Tally{OnTime: 3, Late: 2, Never: 1000, Worst: 1200 * ms}); y != want {
		t.Errorf("got %+v, want %+v", y, want)
	}
	if y.Started() != 5 || y.Due() != 1005 {
		t.Errorf("got %d started, %d due, want 5, 1005", y.Started(), y.Due())
	}
	if want := "1,005 due: 3 on time, 2 late by up to 1.2s, 1,000 never"; y.String() != want {
		t.Errorf("got %s, want %s", y, want)
	}
	if err := y.Check(1005); err != nil {
		t.Error(err)
	}
	if err := y.Check(1006); err == nil || err.Error() != "starts: got 3 on time + 2 late + 1000 never = 1005, want the 1006 that were due" {
		t.Errorf("got %v, want an error that says by how much", err)
	}
	if want := "0 due: 0 on time, 0 late, 0 never"; (Tally{}).String() != want {
		t.Errorf("got %s, want %s", Tally{}, want)
	}
}

func TestTallyTolerance(t *testing.T) {
	for _, c := range []struct {
		tolerance, late time.Duration
		want            int // late
	}{
		{0, DefaultTolerance, 0},
		{0, DefaultTolerance + 1, 1},
		{time.Second, time.Second, 0},
		{-1, 0, 0},
		{-1, 1, 1},
	} {
		y := Tally{Tolerance: c.tolerance}
		if y.Start(5, 5+c.late); y.Late != c.want {
			t.Errorf("tolerance %v, %v late: got %d late, want %d", c.tolerance, c.late, y.Late, c.want)
		}
	}
}

// Property: a driver that sleeps as it will, is held up, and is cut off at some time, accounts for every start
// that was due by then, in whatever parts it is counted.
func TestTallyLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := mustHeld(t, Plan{Model: Closed, Stages: []Stage{ramp(rapid.IntRange(1, 50).Draw(t, "players"), time.Second), step(rapid.IntRange(0, 50).Draw(t, "then"), time.Second)}})
		parts := make([]Tally, 2)
		end := time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "end"))
		started := 0
		for now := time.Duration(0); now < end; {
			for ; started < h.Starts(now); started++ {
				due, _ := h.StartDue(started)
				parts[started%2].Start(due, now)
			}
			next, ok := h.Next(now)
			if !ok {
				break
			}
			now = next + time.Duration(rapid.Int64Range(0, int64(500*time.Millisecond)).Draw(t, "held up"))
		}
		parts[0].Miss(h.Starts(end) - started)
		var y Tally
		for _, p := range parts {
			y.Add(p)
		}
		if err := y.Check(h.Starts(end)); err != nil {
			t.Fatal(err)
		}
		if y.Late > 0 && y.Worst <= DefaultTolerance || y.Late == 0 && y.Worst > DefaultTolerance {
			t.Fatalf("%v: the latest was %v late", y, y.Worst)
		}
	})
}
