package compare

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/report"
)

// pairs is how many pairs of runs each rate is measured with; fewer with -short.
func pairs() int {
	if testing.Short() {
		return 40
	}
	return 200
}

// Two runs of the same are called that 19 times of 20, whatever the noise is like.
func TestIdenticalRuns(t *testing.T) {
	for name, begin := range noises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			wrong := 0
			for range pairs() {
				a := noisy(t, "a", r, 0, 3*time.Millisecond, begin(r))
				b := noisy(t, "b", r, 0, 3*time.Millisecond, begin(r))
				// Without a tolerance, which would hide what the test itself is worth.
				if got := Runs(a, b, Options{Tolerance: -1, Floor: -1}); got.Outcome != NoDifference {
					wrong++
				}
			}
			t.Logf("%d of %d called different", wrong, pairs())
			if wrong > pairs()/20 {
				t.Errorf("got %d of %d pairs of the same called different, want at most 1 in 20", wrong, pairs())
			}
		})
	}
}

// A run that is 5 ms slower is called that, from the fastest servers to those far away.
func TestFiveMillisecondsMore(t *testing.T) {
	for name, begin := range noises {
		for _, base := range []time.Duration{200 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " ", base), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(3, uint64(base)))
				service := min(base, time.Millisecond)
				called, n := 0, pairs()/10
				for range n {
					a := noisy(t, "a", r, base-service, service, begin(r))
					b := noisy(t, "b", r, base-service+5*time.Millisecond, service, begin(r))
					got, back := Runs(a, b, Options{}), Runs(b, a, Options{})
					if got.Outcome == Worse && got.Regressed() && back.Outcome == Better && !back.Regressed() {
						called++
					}
				}
				t.Logf("%d of %d called", called, n)
				if called < n*19/20 {
					t.Errorf("got %d of %d called worse, and better the other way round, want 19 of 20", called, n)
				}
			})
		}
	}
}

// What is within the tolerance is not called, however sure it is.
func TestTolerance(t *testing.T) {
	a := play{id: "a", intervals: 30, players: 10, response: steadyState(10 * time.Millisecond)}.side(t)
	for more, want := range map[time.Duration]Outcome{0: NoDifference, 400 * time.Microsecond: NoDifference, 600 * time.Microsecond: Worse, -600 * time.Microsecond: Better} {
		b := play{id: "b", intervals: 30, players: 10, response: steadyState(10*time.Millisecond + more)}.side(t)
		if got := Runs(a, b, Options{}); got.Outcome != want {
			t.Errorf("10 ms and %v more with a tolerance of 5%%: got %s, want %s", more, got.Outcome, want)
		}
	}
	fast := play{id: "a", intervals: 30, players: 10, response: steadyState(100 * time.Microsecond)}.side(t)
	slower := play{id: "b", intervals: 30, players: 10, response: steadyState(140 * time.Microsecond)}.side(t)
	if got := Runs(fast, slower, Options{}); got.Outcome != NoDifference {
		t.Errorf("40 µs more with a floor of 100 µs: got %s, want none", got.Outcome)
	}
	if got := Runs(fast, slower, Options{Floor: -1}); got.Outcome != Worse {
		t.Errorf("40 µs more without a floor: got %s, want worse", got.Outcome)
	}
}

// A rig that is later than in the other run is told of, and the server not blamed for it.
func TestRigsOwnLag(t *testing.T) {
	lag := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	a := play{id: "a", intervals: 30, players: 10, response: steadyState(time.Millisecond), lag: lag(100 * time.Microsecond), read: 10 * time.Microsecond, verdict: report.Pass}
	sends, reads := a, a
	sends.lag = lag(9 * time.Millisecond)
	reads.read = 9 * time.Millisecond
	for name, b := range map[string]play{"in sending": sends, "in reading": reads} {
		got := Runs(a.side(t), b.side(t), Options{})
		if got.Outcome != NoDifference || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "the rig's own") {
			t.Errorf("late %s: got %s with warnings %q, want no difference, and the rig's lag told", name, got.Outcome, got.Warnings)
		}
		b.response = steadyState(15 * time.Millisecond)
		if got := Runs(a.side(t), b.side(t), Options{}); got.Outcome != Worse {
			t.Errorf("late %s, and a server that is 14 ms slower too: got %s, want worse", name, got.Outcome)
		}
	}
}
