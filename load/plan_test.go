package load

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// held is a plan of the closed model.
func held(stages ...Stage) Plan { return Plan{Model: Closed, Stages: stages} }

// arriving is one of the open model.
func arriving(stages ...Stage) Plan { return Plan{Model: Open, Stages: stages} }

// The parts of a course.
func ramp(players int, d time.Duration) Stage { return Stage{Duration: d, Players: players} }
func step(players int, d time.Duration) Stage {
	return Stage{Duration: d, Players: players, Step: true}
}
func rampRate(r Rate, d time.Duration) Stage { return Stage{Duration: d, Rate: r} }
func stepRate(r Rate, d time.Duration) Stage { return Stage{Duration: d, Rate: r, Step: true} }

func TestPlanValidate(t *testing.T) {
	const s = time.Second
	year := 365 * 24 * time.Hour
	for _, c := range []struct {
		plan Plan
		want []string // one for each mistake; none: it is valid
	}{
		{held(step(1, s)), nil},
		{arriving(rampRate(1, s), stepRate(0, s)), nil},
		{Plan{Model: Closed, Stages: []Stage{step(1, s), step(2, Forever)}, Iterations: 1}, nil},
		{Plan{Model: Closed, Stages: []Stage{step(1, s)}, Replace: true, Iterations: 5, LockStep: true, Graceful: s, Within: s}, nil},
		{Plan{}, []string{`model: got "", want closed or open`, "stages: got 0, want 1 to 10000"}},
		{Plan{Model: Closed, Stages: make([]Stage, 10001)}, []string{"stages: got 10001, want 1 to 10000"}},
		{Plan{Model: Closed, Poisson: true, Stages: []Stage{step(1, s)}}, []string{"poisson: got it in the closed model, which has no arrivals, want the open model"}},
		{Plan{Model: Open, Replace: true, Stages: []Stage{stepRate(1, s)}}, []string{"replace: got it in the open model, where players come whatever becomes of those before them, want the closed model"}},
		{Plan{Model: Closed, Stages: []Stage{step(1, s)}, Iterations: -1, Within: -1, Graceful: -1}, []string{
			"iterations: got -1, want 0 or more",
			"within: got -1ns, want 0 to 87600h; lock-step is for players that start at one instant",
			"graceful stop: got -1ns, want 0 to 87600h",
		}},
		{held(step(1, s), ramp(2, 0), ramp(-1, s)), []string{
			"stage 2: duration: got 0s, want more than 0; a step goes to its level at once and stays for the duration",
			"stage 3: players: got -1, want 0 to 10000000",
		}},
		{held(step(10_000_001, s)), []string{"stage 1: players: got 10000001, want 0 to 10000000"}},
		{held(Stage{Duration: s, Players: 1, Rate: 5}), []string{"stage 1: rate: got 5/s in the closed model, want a number of players"}},
		{arriving(Stage{Duration: s, Players: 1, Rate: 5}), []string{"stage 1: players: got 1 in the open model, want a rate"}},
		{arriving(stepRate(-1, s), stepRate(Rate(math.Inf(1)), s)), []string{
			"stage 1: rate: got -1 per second, want 0 to 1e+09", "stage 2: rate: got +Inf per second, want 0 to 1e+09",
		}},
		{held(step(0, s), ramp(0, s)), []string{"stages: got none in which anybody comes, want one or more"}},
		{arriving(stepRate(0, s)), []string{"stages: got none in which anybody comes, want one or more"}},
		{held(step(1, 11*year)), []string{"stage 1: duration: got 96360h, want at most 87600h"}},
		{held(step(1, 6*year), step(1, 6*year)), []string{"duration: got more than 87600h in all, want at most that"}},
		{arriving(stepRate(1e9, 2000*s)), []string{"arrivals: got 2e+12 in all, want at most 1e+12"}},
		{arriving(rampRate(1e9, 2000*s)), nil}, // half of that: 1e12
		{held(step(1, Forever)), []string{"stage 1: duration: got forever, want a time; only a last step of the closed model, with iterations and without replacing, ends by itself"}},
		{Plan{Model: Closed, Stages: []Stage{step(1, Forever), step(1, s)}, Iterations: 1}, []string{"stage 1: duration: got forever"}},
		{Plan{Model: Closed, Stages: []Stage{ramp(1, Forever)}, Iterations: 1}, []string{"stage 1: duration: got forever"}},
		{Plan{Model: Closed, Stages: []Stage{step(1, Forever)}, Iterations: 1, Replace: true}, []string{"stage 1: duration: got forever"}},
		{Plan{Model: Open, Stages: []Stage{stepRate(1, Forever)}, Iterations: 1}, []string{"stage 1: duration: got forever"}},
	} {
		err := c.plan.Validate()
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
			t.Errorf("%v: got %q, want %q", c.plan, got, c.want)
		}
		// What cannot be planned cannot be computed either.
		_, errHeld := c.plan.Held()
		_, errArrivals := c.plan.Arrivals()
		if (errHeld == nil) != (len(c.want) == 0 && c.plan.Model == Closed) || (errArrivals == nil) != (len(c.want) == 0 && c.plan.Model == Open) {
			t.Errorf("%v: Held gives %v and Arrivals %v", c.plan, errHeld, errArrivals)
		}
	}
}

func TestStageError(t *testing.T) {
	var at *StageError
	err := arriving(stepRate(1, time.Second), stepRate(-1, time.Second)).Validate()
	if !errors.As(err, &at) || at.Stage != 1 || at.Unwrap().Error() != "rate: got -1 per second, want 0 to 1e+09" {
		t.Errorf("got %#v of %v, want the second stage, which is 1", at, err)
	}
}

func TestPlanDuration(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		plan           Plan
		load, deadline time.Duration
	}{
		{held(step(5, 10*s)), 10 * s, 10 * s},
		{Plan{Model: Open, Graceful: 30 * s, Stages: []Stage{rampRate(5, 10*s), rampRate(0, 5*s)}}, 15 * s, 45 * s},
		{Plan{Model: Closed, Iterations: 1, Graceful: s, Stages: []Stage{step(5, s), step(9, Forever)}}, Forever, Forever},
	} {
		if load, deadline := c.plan.Duration(), c.plan.Deadline(); load != c.load || deadline != c.deadline {
			t.Errorf("%v: got %v and %v, want %v and %v", c.plan, load, deadline, c.load, c.deadline)
		}
	}
}

func TestPlanPace(t *testing.T) {
	const s = time.Second
	ms := func(ms ...time.Duration) (all []time.Duration) {
		for _, m := range ms {
			all = append(all, m*time.Millisecond)
		}
		return all
	}
	scattered := ms(0, 618, 236, 854) // multiples of 0.618…, without what is before the point
	for _, c := range []struct {
		name string
		plan Plan
		want []time.Duration // of the first players, in a period of 1 s, cut to ms
	}{
		{"a number that stays is spread evenly", held(step(4, s)), ms(0, 250, 500, 750)},
		{"lock-step", Plan{Model: Closed, LockStep: true, Stages: []Stage{step(4, s)}}, ms(0, 0, 0, 0)},
		{"lock-step in the open model", Plan{Model: Open, LockStep: true, Stages: []Stage{stepRate(4, s)}}, ms(0, 0, 0, 0)},
		{"a number that grows", held(ramp(4, s)), scattered},
		{"players that are replaced", Plan{Model: Closed, Replace: true, Stages: []Stage{step(4, s)}}, scattered},
		{"the open model", arriving(stepRate(4, s)), scattered},
	} {
		for i, want := range c.want {
			got := c.plan.Pace(s, i)
			if got.Period != s || got.Offset.Truncate(time.Millisecond) != want {
				t.Errorf("%s: Pace(1s, %d) = %v, want %v", c.name, i, got, want)
			}
		}
	}
}
