package load

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlanString(t *testing.T) {
	const s, m = time.Second, time.Minute
	for _, c := range []struct {
		plan Plan
		want string
	}{
		{held(ramp(1000, 30*s), ramp(1000, m), ramp(0, 10*s)), "ramp to 1,000 players in 30s, hold 1m, ramp down in 10s"},
		{held(step(1000, 10*s)), "1,000 players for 10s"},
		{held(step(1, 90*m)), "1 player for 1h30m"},
		{held(step(100, m), step(2000, 10*s), step(100, m), ramp(50, s)), "100 players for 1m, step to 2,000 players for 10s, step down to 100 players for 1m, ramp down to 50 players in 1s"},
		{held(step(0, s), ramp(0, s), step(9, time.Hour), step(0, 90*s)), "nobody for 1s, nobody for 1s, step to 9 players for 1h, nobody for 1m30s"},
		{arriving(rampRate(50, 30*s), stepRate(50, m), rampRate(0, 10*s)), "ramp to 50 players/s in 30s, hold 1m, ramp down in 10s"},
		{Plan{Model: Open, Poisson: true, Iterations: 1, Stages: []Stage{stepRate(0.1, s)}}, "6 players/m for 1s, Poisson arrivals, 1 iteration each"},
		{arriving(stepRate(1, s)), "1 player/s for 1s"},
		{Plan{Model: Closed, Iterations: 1500, Stages: []Stage{step(20, Forever)}}, "20 players until they are done, 1,500 iterations each"},
		{Plan{Model: Closed, Iterations: 2, Stages: []Stage{ramp(20, s), step(20, Forever)}}, "ramp to 20 players in 1s, hold until they are done, 2 iterations each"},
		{Plan{Model: Closed, Replace: true, LockStep: true, Stages: []Stage{step(20, s)}}, "20 players for 1s, replaced when done, in lock-step"},
	} {
		if got := c.plan.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestPlanStringLong: a plan of thousands of stages is still one line that can be read.
func TestPlanStringLong(t *testing.T) {
	got := held(slices.Repeat([]Stage{step(1, time.Second)}, 100)...).String()
	if want := "1 player for 1s" + strings.Repeat(", hold 1s", 11) + ", 88 more stages, 1m40s in all"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = held(slices.Repeat([]Stage{step(1, time.Second)}, 13)...).String() // it takes as long to say "1 more stage"
	if want := "1 player for 1s" + strings.Repeat(", hold 1s", 12); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRateString(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		want string
	}{
		{0, "0/s"}, {50, "50/s"}, {1, "1/s"}, {1.5, "1.5/s"}, {12345, "12,345/s"}, {1e9, "1,000,000,000/s"},
		{0.1, "6/m"},              // 0.1·60
		{1.0 / 60, "1/m"},         //
		{10.0 / 3600, "10/h"},     // 1/6 a minute
		{0.5 / 3600, "0.5/h"},     //
		{100.0 / 60, "1.667/s"},   // to three decimals
		{1e-9, "3.6e-06/h"},       // 1e-9·3600
		{999.9999, "1,000/s"},     //
		{1234.5678, "1234.568/s"}, //
	} {
		if got := c.rate.String(); got != c.want {
			t.Errorf("Rate(%v).String() = %s, want %s", float64(c.rate), got, c.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567", -123456: "-123,456", -999: "-999"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
}
