package load

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustArrivals(t interface{ Fatal(...any) }, p Plan) *Arrivals {
	a, err := p.Arrivals()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestArrivalsByTime(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	type at struct {
		t    time.Duration
		want int
	}
	for _, c := range []struct {
		name  string
		plan  Plan
		total int
		want  []at
	}{
		{"50/s for 10 s: one each 20 ms, the first at once, none at the end", arriving(stepRate(50, 10*s)), 500, []at{
			{-1, 0}, {0, 1}, {20*ms - 1, 1}, {20 * ms, 2}, {s - 1, 50}, {s, 51}, {10*s - 20*ms, 500}, {10*s - 1, 500}, {10 * s, 500}, {time.Hour, 500},
		}},
		{"a ramp to 100/s in 10 s: 5·t²", arriving(rampRate(100, 10*s)), 500, []at{
			{0, 1}, {s - 1, 5}, {s, 6}, {2*s - 1, 20}, {2 * s, 21}, {9*s - 1, 405}, {9 * s, 406}, {10*s - 1, 500},
		}},
		{"ramp, hold and ramp down: 500 + 1000 + 100·τ - 5·τ²", arriving(rampRate(100, 10*s), rampRate(100, 10*s), rampRate(0, 10*s)), 2000, []at{
			{10 * s, 501}, {20*s - 1, 1500}, {20 * s, 1501}, {21*s - 1, 1595}, {21 * s, 1596}, {25*s - 1, 1875}, {29*s - 1, 1995}, {29 * s, 1996}, {30 * s, 2000},
		}},
		{"stairs: 10 + 20 + 30", arriving(stepRate(10, s), stepRate(20, s), stepRate(30, s)), 60, []at{{s - 1, 10}, {s, 11}, {2*s - 1, 30}, {2 * s, 31}, {3*s - 1, 60}}},
		{"a spike: 10/s, of a sudden 1000/s, and 10/s", arriving(stepRate(10, s), stepRate(1000, s/2), stepRate(10, s)), 520, []at{{s - 1, 10}, {s, 11}, {s + 100*ms - 1, 110}, {s + s/2 - 1, 510}, {s + s/2, 511}}},
		{"a pause has none, though 10 are due by its beginning and an 11th at once after it", arriving(stepRate(10, s), stepRate(0, s), stepRate(10, s)), 20, []at{{s - 1, 10}, {s, 10}, {2*s - 1, 10}, {2 * s, 11}}},
		{"a pause first", arriving(stepRate(0, s), stepRate(10, s)), 10, []at{{0, 0}, {s - 1, 0}, {s, 1}}},
		{"from rate to rate: 10·t + 5·t², 15 in a second", arriving(stepRate(10, s), rampRate(20, s)), 25, []at{{s, 11}, {2*s - 1, 25}}},
		{"10/h for an hour, though 1/360 is no binary fraction", arriving(stepRate(10.0/3600, time.Hour)), 10, []at{{360*s - 1, 1}, {360 * s, 2}, {3240 * s, 10}, {3600 * s, 10}}},
		{"3/h for 5 h, where rounding goes up: 15.0000000000000018 as computed", arriving(stepRate(3.0/3600, 5*time.Hour)), 15, []at{{20*time.Minute - 1, 1}, {20 * time.Minute, 2}, {280*time.Minute - 1, 14}, {280 * time.Minute, 15}, {300*time.Minute - 1, 15}}},
		{"and a pause after it, which begins with nobody", arriving(stepRate(3.0/3600, 5*time.Hour), stepRate(0, s), stepRate(1, s)), 16, []at{{300*time.Minute - 1, 15}, {300 * time.Minute, 15}, {300*time.Minute + s, 16}}},
		{"a million and one, and 3 ns of 1/s, which is no more than rounding", arriving(stepRate(1e6, s), stepRate(1, s+3)), 1_000_001, []at{{s - 1, 1_000_000}, {s, 1_000_001}, {2 * s, 1_000_001}, {2*s + 1, 1_000_001}, {2*s + 2, 1_000_001}}},
		{"0.1/s for 105 s: the 11th begins an interval that the load does not see the end of", arriving(stepRate(0.1, 105*s)), 11, []at{{100*s - 1, 10}, {100 * s, 11}}},
	} {
		a := mustArrivals(t, c.plan)
		if a.Total() != c.total || a.Duration() != c.plan.Duration() {
			t.Errorf("%s: got %d in %v, want %d in %v", c.name, a.Total(), a.Duration(), c.total, c.plan.Duration())
		}
		for _, w := range c.want {
			if got := a.ByTime(w.t); got != w.want {
				t.Errorf("%s: ByTime(%v) = %d, want %d", c.name, w.t, got, w.want)
			}
		}
	}
}

func TestArrivalsDue(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		plan Plan
		n    int
		want time.Duration
	}{
		{arriving(stepRate(50, 10*s)), 75, 1500 * ms},                               // 75/50
		{arriving(stepRate(3, 10*s)), 1, 333_333_333},                               // 1/3, cut to ns
		{arriving(stepRate(1000, time.Hour)), 3_599_999, time.Hour - ms},            // no error adds up
		{arriving(rampRate(100, 10*s)), 0, 0},                                       // √(2·0·10/100)
		{arriving(rampRate(100, 10*s)), 5, s},                                       // √(2·5·10/100)
		{arriving(rampRate(100, 10*s)), 1, 447_213_595},                             // √0.2 = 0.447213595499…
		{arriving(rampRate(100, 10*s)), 499, 9_989_994_994},                         // √99.8 = 9.9899949949…
		{arriving(stepRate(100, s), rampRate(0, 10*s)), 100, s},                     // as the ramp begins
		{arriving(stepRate(100, s), rampRate(0, 10*s)), 195, 2 * s},                 // 100·τ-5·τ² = 95
		{arriving(stepRate(100, s), rampRate(0, 10*s)), 599, 11*s - 447_213_596},    // 1 is left: √0.2 before the end
		{arriving(stepRate(10, s), stepRate(0, s), stepRate(10, s)), 10, 2 * s},     // after the pause
		{arriving(stepRate(10, s), stepRate(0, s), stepRate(10, s)), 11, 2100 * ms}, //
		{arriving(stepRate(1e9, 5)), 3, 3},                                          // one a nanosecond
		{arriving(stepRate(7.0/3600, 240*time.Hour)), 1400, 200 * time.Hour},        //
	} {
		if got, ok := mustArrivals(t, c.plan).Due(c.n); !ok || got != c.want {
			t.Errorf("%v: Due(%d) = %v, %v, want %v", c.plan, c.n, got, ok, c.want)
		}
	}
	a := mustArrivals(t, arriving(stepRate(50, 10*s)))
	for _, n := range []int{-1, 500} {
		if due, ok := a.Due(n); ok {
			t.Errorf("Due(%d) of 500 = %v, want none", n, due)
		}
	}
}

// TestArrivalsAgreeWithRate: a steady rate is Rate.Due.
func TestArrivalsAgreeWithRate(t *testing.T) {
	for _, r := range []Rate{50, 1000, 3, 7.25, 0.5, 12345} {
		a := mustArrivals(t, arriving(stepRate(r, time.Hour)))
		for n := 0; n < a.Total(); n += 1 + a.Total()/1000 {
			if got, _ := a.Due(n); got-r.Due(n) > 1 || r.Due(n)-got > 1 {
				t.Errorf("%v: Due(%d) = %v, want %v", r, n, got, r.Due(n))
			}
		}
	}
}

func TestArrivalsRate(t *testing.T) {
	const s = time.Second
	a := mustArrivals(t, arriving(rampRate(100, 10*s), stepRate(20, s), rampRate(0, 4*s)))
	for at, want := range map[time.Duration]Rate{-1: 0, 0: 0, s: 10, 5 * s: 50, 10 * s: 20, 11 * s: 20, 12 * s: 15, 14 * s: 5, 15 * s: 0} {
		if got := a.Rate(at); got != want {
			t.Errorf("Rate(%v) = %v, want %v", at, got, want)
		}
	}
	if got := mustArrivals(t, arriving(stepRate(20, s))).Rate(s); got != 0 {
		t.Errorf("at the end: got %v, want none", got)
	}
}

// anyArrivals is a plan of the open model with some million arrivals at the most.
func anyArrivals(t *rapid.T) Plan {
	p := Plan{Model: Open}
	for range rapid.IntRange(1, 6).Draw(t, "stages") {
		d := anyDuration(t)
		most := min(float64(MaxRate), 1e7/d.Seconds())
		p.Stages = append(p.Stages, Stage{
			Duration: d,
			Rate:     Rate(rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, most), rapid.Map(rapid.IntRange(0, int(min(most, 1e4))), func(n int) float64 { return float64(n) })).Draw(t, "rate")),
			Step:     rapid.Bool().Draw(t, "step"),
		})
	}
	if p.Validate() != nil { // nobody comes, or a long ramp from the rate of a short stage has too many come
		p.Stages[0].Rate = 1
		for i := range p.Stages {
			p.Stages[i].Step = true
		}
	}
	return p
}

// exact is the integral of the rate, in rational numbers.
func exact(p Plan, t time.Duration) *big.Rat {
	nanos := func(d time.Duration) *big.Rat { return big.NewRat(int64(d), 1e9) }
	sum, from := new(big.Rat), new(big.Rat)
	for _, s := range p.Stages {
		to := new(big.Rat)
		to.SetFloat64(float64(s.Rate))
		if s.Step {
			from.Set(to)
		}
		in := min(t, s.Duration)
		if in <= 0 {
			break
		}
		// (from + rate at t)/2·t, where the rate at t is from + (to-from)·t/duration
		rate := new(big.Rat).Sub(to, from)
		rate.Mul(rate, big.NewRat(int64(in), int64(s.Duration)))
		rate.Add(rate, from)
		rate.Add(rate, from)
		sum.Add(sum, rate.Mul(rate, new(big.Rat).Mul(nanos(in), big.NewRat(1, 2))))
		t, from = t-s.Duration, to
	}
	return sum
}

// Property: Due gives the first instant at which ByTime counts that many, and both are the exact integral's
// but for a nanosecond and the rounding of the number of arrivals.
func TestArrivalsDueIsWhenCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyArrivals(t)
		a := mustArrivals(t, p)
		if a.Total() == 0 {
			return
		}
		n := rapid.IntRange(0, a.Total()-1).Draw(t, "n")
		due, ok := a.Due(n)
		if !ok || due < 0 || due >= a.Duration() || a.ByTime(due) <= n || a.ByTime(due-1) > n {
			t.Fatalf("%v: arrival %d is due at %v, %v, by when %d are; a nanosecond before it was %d", p, n, due, ok, a.ByTime(due), a.ByTime(due-1))
		}
		if next, ok := a.Due(n + 1); ok && next < due {
			t.Fatalf("%v: arrival %d is due at %v, and the next before, at %v", p, n, due, next)
		}
		slack := new(big.Rat).SetFloat64(float64(a.Total()) / (1 << 48))
		want := big.NewRat(int64(n), 1)
		if below := exact(p, due-1); below.Cmp(new(big.Rat).Add(want, slack)) > 0 {
			t.Fatalf("%v: Due(%d) = %v is late: a nanosecond before, %s were to be expected", p, n, due, below.FloatString(15))
		}
		if above := exact(p, due+2); above.Cmp(new(big.Rat).Sub(want, slack)) < 0 {
			t.Fatalf("%v: Due(%d) = %v is early: two nanoseconds after, only %s were to be expected", p, n, due, above.FloatString(15))
		}
	})
}

// Property: ByTime never falls, and nobody comes where the rate is 0.
func TestArrivalsByTimeNeverFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyArrivals(t)
		a := mustArrivals(t, p)
		at := time.Duration(rapid.Int64Range(-1, int64(a.Duration())).Draw(t, "at"))
		further := time.Duration(rapid.OneOf(rapid.Int64Range(1, 3), rapid.Int64Range(1, int64(a.Duration())+1)).Draw(t, "further"))
		before, after := a.ByTime(at), a.ByTime(at+further)
		if after < before || after > a.Total() {
			t.Fatalf("%v: %d by %v and %d by %v, of %d", p, before, at, after, at+further, a.Total())
		}
		if all, _ := exact(p, a.Duration()).Float64(); math.Abs(float64(a.Total())-all) > 1+all/(1<<48) {
			t.Fatalf("%v: got %d in all, want %v", p, a.Total(), all)
		}
		var start time.Duration
		from := Rate(0)
		for i, s := range p.Stages {
			if end := start + s.Duration - 1; s.Rate == 0 && (s.Step || from == 0) && a.ByTime(end) != a.ByTime(start-1) {
				t.Fatalf("%v: %d by the beginning of stage %d, where nobody comes, and %d by its end", p, a.ByTime(start-1), i+1, a.ByTime(end))
			}
			start, from = start+s.Duration, s.Rate
		}
	})
}

func BenchmarkArrivalsDue(b *testing.B) {
	a := mustArrivals(b, arriving(rampRate(1000, 30*time.Second), stepRate(1000, time.Hour), rampRate(0, time.Minute)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, ok := a.Due(n); !ok {
			n = 0
		}
		n += 997
	}
}
