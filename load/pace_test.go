package load

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRateDue(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		n    int
		want time.Duration
	}{
		{0, 17, 0},                              // no rate: all at once
		{1, 0, 0},                               // the first is due at the start
		{1, 3, 3 * time.Second},                 // 3/1
		{50, 75, 1500 * time.Millisecond},       // 75/50
		{1000, 1, time.Millisecond},             // 1/1000
		{0.5, 3, 6 * time.Second},               // 3/0.5
		{3, 1, 333333333 * time.Nanosecond},     // 1/3, cut to ns
		{3, 3_000_000, 1_000_000 * time.Second}, // no error adds up
		{1e-12, 1 << 30, 1<<63 - 1},             // beyond what a Duration holds
	} {
		if got := c.rate.Due(c.n); got != c.want {
			t.Errorf("Rate(%v).Due(%d) = %v, want %v", c.rate, c.n, got, c.want)
		}
	}
}

func TestRateValidate(t *testing.T) {
	nan := Rate(0)
	nan /= nan
	for _, r := range []Rate{-1, nan, MaxRate * 2} {
		if r.Validate() == nil {
			t.Errorf("Rate(%v).Validate() = nil, want an error", r)
		}
	}
	if err := Rate(50).Validate(); err != nil {
		t.Error(err)
	}
}

func TestSpread(t *testing.T) {
	for i, want := range []time.Duration{0, 250, 500, 750, 0} {
		if got := Spread(time.Second, i, 4).Offset; got != want*time.Millisecond {
			t.Errorf("Spread(1s, %d, 4) = %v, want %v", i, got, want*time.Millisecond)
		}
	}
}

// Property: From gives an instant of the schedule, not before elapsed, and less than a period after it.
func TestPaceFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		period := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "period"))
		p := Pace{Period: period, Offset: time.Duration(rapid.Int64Range(0, int64(period)-1).Draw(t, "offset"))}
		elapsed := time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "elapsed"))
		got := p.From(elapsed)
		if (got-p.Offset)%period != 0 || got < elapsed || (got > p.Offset && got-period >= elapsed) {
			t.Fatalf("%+v.From(%v) = %v", p, elapsed, got)
		}
	})
}

// Property: wherever one looks among players that are scattered, those that follow each other are spread over
// the period, with no gap much wider than if they were even.
func TestScatter(t *testing.T) {
	if got := Scatter(time.Second, 0); got != (Pace{Period: time.Second}) {
		t.Errorf("got %v for the first, want no offset", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		period := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(MaxDuration)).Draw(t, "period"))
		first := rapid.IntRange(0, MaxPlayers).Draw(t, "first")
		k := rapid.IntRange(1, 200).Draw(t, "players")
		var at []time.Duration
		for i := range k {
			p := Scatter(period, first+i)
			if p.Period != period || p.Offset < 0 || p.Offset >= period {
				t.Fatalf("Scatter(%v, %d) = %+v", period, first+i, p)
			}
			at = append(at, p.Offset)
		}
		slices.Sort(at)
		widest := period - at[k-1] + at[0] // around the end
		for i := range k - 1 {
			widest = max(widest, at[i+1]-at[i])
		}
		if float64(widest) > 2.62*float64(period)/float64(k)+float64(k) {
			t.Fatalf("%d from %d: the widest gap is %v of %v", k, first, widest, period)
		}
	})
}
