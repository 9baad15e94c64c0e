package compare

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// The table in every book of statistics: t above which that share is.
func TestStudentTable(t *testing.T) {
	for _, c := range []struct{ freedom, p, t float64 }{
		{1, .05, 6.314}, {1, .025, 12.706}, {2, .005, 9.925}, {4, .01, 3.747}, {7, .025, 2.365}, {10, .05, 1.812}, {10, .025, 2.228},
		{10, .005, 3.169}, {14, .0005, 4.140}, {14, .025, 2.145}, {30, .01, 2.457}, {120, .025, 1.980},
	} {
		if got := studentQuantile(c.p, c.freedom); math.Abs(got-c.t) > .0006 {
			t.Errorf("quantile %g with %g degrees: got %.4f, want %.3f", c.p, c.freedom, got, c.t)
		}
		if got := studentTail(c.t, c.freedom); math.Abs(got-c.p) > .001*c.p {
			t.Errorf("tail of %g with %g degrees: got %.6f, want %g", c.t, c.freedom, got, c.p)
		}
	}
}

// The tail is the integral of the density, here by Simpson's rule.
func TestStudentIntegral(t *testing.T) {
	for _, freedom := range []float64{3, 5.5, 14} {
		lgA, _ := math.Lgamma((freedom + 1) / 2)
		lgB, _ := math.Lgamma(freedom / 2)
		density := func(x float64) float64 {
			return math.Exp(lgA-lgB) / math.Sqrt(freedom*math.Pi) * math.Pow(1+x*x/freedom, -(freedom+1)/2)
		}
		for _, to := range []float64{-2, 0, .5, 1, 3, 6} {
			const steps = 2000
			h, sum := to/steps, density(0)+density(to)
			for i := 1; i < steps; i++ {
				sum += density(float64(i)*h) * float64(2+2*(i%2))
			}
			want := .5 - sum*h/3
			if got := studentTail(to, freedom); math.Abs(got-want) > 1e-9 {
				t.Errorf("tail of %g with %g degrees: got %g, want %g", to, freedom, got, want)
			}
		}
	}
}

// Two samples with the arithmetic shown: means 3 and 7, variances 2.5 and 10.
func TestDiffer(t *testing.T) {
	a, b := []float64{1, 2, 3, 4, 5}, []float64{3, 5, 7, 9, 11}
	// Each variance counts 1/5 and betweenRuns times, and the degrees of freedom do not depend on how often:
	// 12.5²/(2.5²/4 + 10²/4) = 5.882.
	e, freedom := math.Sqrt(12.5*(.2+betweenRuns)), 12.5*12.5/(2.5*2.5/4+10.*10/4)
	s := differ(a, b, 0, 0)
	if want := 2 * studentTail(4/e, freedom); math.Abs(s.p-want) > 1e-12 {
		t.Errorf("p: got %g, want %g", s.p, want)
	}
	if want := studentQuantile(.025, freedom) * e; math.Abs(s.high-4-want) > 1e-9 || math.Abs(4-s.low-want) > 1e-9 {
		t.Errorf("range: got %g to %g, want 4 ± %g", s.low, s.high, want)
	}
	if with := differ(a, b, 0, 1); !(with.p > s.p && with.low == s.low) {
		t.Errorf("with a margin: got p %g, want more than %g", with.p, s.p)
	}
	if back := differ(b, a, 0, 0); math.Abs(back.p-s.p) > 1e-15 || back.low != -s.high {
		t.Errorf("the other way round: got %+v, want the same as %+v", back, s)
	}
	flat := []float64{2, 2, 2, 2}
	if got := differ(flat, flat, 0, 0); got.p != 1 {
		t.Errorf("the same without noise: got p %g, want 1", got.p)
	}
	if got := differ(flat, []float64{3, 3, 3, 3}, 0, .5); got.p != 0 || got.low != 1 || got.high != 1 {
		t.Errorf("another without noise: got %+v, want p 0 and exactly 1", got)
	}
	if got := differ(flat, []float64{3, 3, 3, 3}, 0, 1); got.p != 1 {
		t.Errorf("another within the margin: got p %g, want 1", got.p)
	}
}

// Of ten batches two go at either end. What is left is 3 to 8, with the mean 5.5; winsorized the sample is 3 3 3 4 5 6
// 7 8 8 8, whose squares about 5.5 add up to 2·(3·2.5² + 1.5² + .5²) = 42.5. Over 9 that is the variance; times 9 over
// 5, as 6 are left, 8.5.
func TestEstimateTrimmed(t *testing.T) {
	got := estimate([]float64{-1e6, 2, 3, 4, 5, 6, 7, 8, 9, 1e9}, trimmed)
	if want := 8.5 * (1./6 + betweenRuns); math.Abs(got.mean-5.5) > 1e-12 || math.Abs(got.square-want) > 1e-12 || got.freedom != 5 {
		t.Errorf("got %+v, want mean 5.5, square %g and 5 degrees of freedom", got, want)
	}
}

// The exact test against the sum of all ways that n events can fall, with whole numbers.
func TestRates(t *testing.T) {
	binomial := func(n, from, to int, share float64) float64 {
		sum := 0.0
		for k := from; k <= to; k++ {
			ways, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
			sum += ways * math.Pow(share, float64(k)) * math.Pow(1-share, float64(n-k))
		}
		return sum
	}
	for _, tolerance := range []float64{0, .05, .5} {
		for n := 1; n <= 30; n += 3 {
			for k := 0; k <= n; k++ {
				const exposureA, exposureB = 10, 30
				// b's share of all events is 3/4 where rates are equal.
				more := binomial(n, k, n, exposureB*(1+tolerance)/(exposureA+exposureB*(1+tolerance)))
				fewer := binomial(n, 0, k, exposureB/(exposureB+exposureA*(1+tolerance)))
				want := min(1, 2*min(more, fewer))
				got := rates(occurrences{float64(n - k), exposureA}, occurrences{float64(k), exposureB}, tolerance, 1)
				if math.Abs(got-want) > 1e-9 {
					t.Fatalf("%d of %d, tolerance %g: got p %g, want %g", k, n, tolerance, got, want)
				}
			}
		}
	}
	if got := rates(occurrences{0, 10}, occurrences{0, 10}, 0, 1); got != 1 {
		t.Errorf("nothing: got p %g, want 1", got)
	}
	alone := rates(occurrences{0, 10}, occurrences{500, 10}, 0, 1)
	if cluster := rates(occurrences{0, 10}, occurrences{500, 10}, 0, 500); !(alone < 1e-9) || cluster != 1 {
		t.Errorf("500 alone: got p %g, want next to none; 500 in one cluster: got p %g, want 1", alone, cluster)
	}
}

func TestDispersion(t *testing.T) {
	even := []float64{1, 1, 1, 1}
	for _, c := range []struct {
		counts, parts []float64
		want          float64
	}{
		{[]float64{5, 5, 5, 5}, even, 1},                 // less than by chance counts as by chance
		{[]float64{8, 0, 0, 0}, even, (36./2 + 3*2) / 3}, // wanted 2 each: (6² + 3·2²)/2 over 3
		{[]float64{4, 12}, []float64{1, 3}, 1},           // as the exposure
		{[]float64{12, 4}, []float64{1, 3}, 16 + 64./12}, // wanted 4 and 12
		{nil, nil, 1},
		{[]float64{0, 0}, even[:2], 1},
	} {
		if got := dispersion(c.counts, c.parts); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v of %v: got %g, want %g", c.counts, c.parts, got, c.want)
		}
	}
}

// Benjamini and Hochberg's rule itself: the k least chances are called, for the greatest k whose k-th is at most
// k/n of the bound.
func TestAdjust(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		p := make([]float64, 1+r.IntN(12))
		adjusted, pointers := make([]float64, len(p)), make([]*float64, len(p))
		for i := range p {
			p[i] = math.Pow(r.Float64(), 4)
			adjusted[i] = p[i]
			pointers[i] = &adjusted[i]
		}
		adjust(pointers)
		for _, bound := range []float64{.001, .05, .3} {
			sorted, called := slices.Sorted(slices.Values(p)), -1.0
			for k, v := range sorted {
				if v <= float64(k+1)/float64(len(p))*bound {
					called = v
				}
			}
			for i := range p {
				if got, want := adjusted[i] <= bound, p[i] <= called; got != want && math.Abs(adjusted[i]-bound) > 1e-12 {
					t.Fatalf("%v at %g: got %g as %g, want called %v", p, bound, p[i], adjusted[i], want)
				}
			}
		}
	}
}

func TestBatches(t *testing.T) {
	sum := func(x []int) (s float64) {
		for _, v := range x {
			s += float64(v)
		}
		return s
	}
	list := make([]int, 34)
	for i := range list {
		list[i] = 1
	}
	for n, want := range map[int][]float64{0: {}, 3: {1, 1, 1}, 8: {1, 1, 1, 1, 1, 1, 1, 1}, 34: {3, 3, 4, 3, 4, 3, 3, 4, 3, 4}} {
		got := batches(list[:n], sum)
		if len(got) != len(want) {
			t.Fatalf("%d: got %v, want %v", n, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%d: got %v, want %v", n, got, want)
			}
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.x); got != c.want {
			t.Errorf("%v: got %g, want %g", c.x, got, c.want)
		}
	}
}
