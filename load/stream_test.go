package load

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func all(s *Stream) (at []time.Duration) {
	for t, ok := s.Next(); ok; t, ok = s.Next() {
		at = append(at, t)
	}
	return at
}

// TestEven: the stream is Due, one after the other.
func TestEven(t *testing.T) {
	a := mustArrivals(t, arriving(rampRate(100, time.Second), stepRate(0, time.Second), stepRate(10, time.Second)))
	s := a.Even()
	got := all(s)
	if len(got) != 60 || s.Count() != 60 { // 50 + 0 + 10
		t.Fatalf("got %d, Count() %d, want 60", len(got), s.Count())
	}
	for n, at := range got {
		if due, _ := a.Due(n); at != due {
			t.Errorf("arrival %d: got %v, want %v", n, at, due)
		}
	}
	if _, ok := s.Next(); ok || s.Count() != 60 {
		t.Error("got one more after the last")
	}
}

// TestPoissonSeed: the same seed gives the same instants, in this release of loadrig and of Go as in the last;
// another seed others.
func TestPoissonSeed(t *testing.T) {
	a := mustArrivals(t, arriving(stepRate(50, 10*time.Second)))
	one, again, other := all(a.Poisson(7)), all(a.Poisson(7)), all(a.Poisson(8))
	if !slices.Equal(one, again) {
		t.Error("the same seed gave other instants")
	}
	if slices.Equal(one, other) {
		t.Error("another seed gave the same instants")
	}
	want := []time.Duration{1199025, 31845864, 41741127}
	if got := one[:3]; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
}

// TestPoisson: the number of arrivals in an interval has the mean and the variance of the integral of the
// rate, on a ramp as at a steady rate. Of 2,000 runs, the mean of the counts is within 4·√(λ/2000) of λ, and
// their variance within 4·λ·√(2/2000), which the fixed seeds make a plain fact.
func TestPoisson(t *testing.T) {
	const s, runs = time.Second, 2000
	a := mustArrivals(t, arriving(rampRate(20, 10*s), stepRate(20, 5*s), rampRate(0, 5*s)))
	var counts [runs][4]float64 // of each run, in each 5 s
	for seed := range uint64(runs) {
		for _, at := range all(a.Poisson(seed)) {
			counts[seed][at/(5*s)]++
		}
	}
	for _, c := range []struct {
		from, to time.Duration
		lambda   float64
	}{
		{0, 5 * s, 25},        // t²
		{5 * s, 10 * s, 75},   // 100-25
		{10 * s, 15 * s, 100}, // 20·5
		{15 * s, 20 * s, 50},  // 20·5/2
	} {
		var sum, squares float64
		for seed := range uint64(runs) {
			n := counts[seed][c.from/(5*s)]
			sum, squares = sum+n, squares+n*n
		}
		mean := sum / runs
		variance := squares/runs - mean*mean
		if math.Abs(mean-c.lambda) > 4*math.Sqrt(c.lambda/runs) {
			t.Errorf("from %v to %v: got %.2f on average, want %v", c.from, c.to, mean, c.lambda)
		}
		if math.Abs(variance-c.lambda) > 4*c.lambda*math.Sqrt(2.0/runs) {
			t.Errorf("from %v to %v: got a variance of %.2f, want %v", c.from, c.to, variance, c.lambda)
		}
	}
}

// TestPoissonGaps: at a steady rate, gaps are exponential: the share of those longer than x is e^(-rate·x).
// Of n gaps the share is within 4·√(p·(1-p)/n).
func TestPoissonGaps(t *testing.T) {
	at := all(mustArrivals(t, arriving(stepRate(100, 1000*time.Second))).Poisson(1))
	n := float64(len(at) - 1)
	for _, x := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond} {
		longer := 0.0
		for i := range at[1:] {
			if at[i+1]-at[i] > x {
				longer++
			}
		}
		p := math.Exp(-100 * x.Seconds())
		if math.Abs(longer/n-p) > 4*math.Sqrt(p*(1-p)/n) {
			t.Errorf("got %.4f of the gaps longer than %v, want %.4f", longer/n, x, p)
		}
	}
}

// Property: instants never go back, lie before the end, and in no pause.
func TestPoissonInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyArrivals(t)
		a := mustArrivals(t, p)
		s := a.Poisson(rapid.Uint64().Draw(t, "seed"))
		last := time.Duration(0)
		for range 1000 {
			at, ok := s.Next()
			if !ok {
				break
			}
			if at < last || at >= a.Duration() {
				t.Fatalf("%v: got %v after %v", p, at, last)
			}
			if a.ByTime(at) == a.ByTime(at-1) && a.expected(at+1) == a.expected(at) {
				t.Fatalf("%v: got %v, when nobody is to be expected", p, at)
			}
			last = at
		}
	})
}

func TestStreamAllocatesNothing(t *testing.T) {
	a := mustArrivals(t, arriving(rampRate(1000, 30*time.Second)))
	for _, s := range []*Stream{a.Even(), a.Poisson(1)} {
		if got := testing.AllocsPerRun(1000, func() { s.Next() }); got != 0 {
			t.Errorf("got %v allocations, want 0", got)
		}
	}
}
