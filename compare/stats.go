package compare

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

const (
	// Confidence is how often two runs of the same are called that, at least: 19 times of 20, for all series together.
	Confidence = .95

	maxBatches = 10 // that a run is cut into
	minBatches = 4  // below, nothing can be said of how much a run varies
	trimmed    = .2 // of the batches at either end, for figures of typical intervals: bursts of noise are left out
)

// batches cuts the intervals of a run, in their order, into at most maxBatches parts of equal number, and gives what
// of makes of each. Neighbouring intervals are alike, as what disturbs one often lasts into the next; parts of a run
// are so much less.
func batches[T any](intervals []T, of func([]T) float64) []float64 {
	k := min(len(intervals), maxBatches)
	values := make([]float64, k)
	for i := range values {
		values[i] = of(intervals[i*len(intervals)/k : (i+1)*len(intervals)/k])
	}
	return values
}

// shift is by how much two runs differ.
type shift struct {
	a, b      float64 // the trimmed mean of the batches
	low, high float64 // of b-a, with Confidence for this figure alone
	p         float64 // see differ
}

// differ compares the batches of two runs, at least minBatches each, of which it leaves out the share trim at either
// end. p is the chance that runs of two things that differ by no more than margin look as different as these, or
// more: Yuen's test of trimmed means, which with a trim of 0 is Welch's t-test.
func differ(a, b []float64, trim, margin float64) shift {
	x, y := estimate(a, trim), estimate(b, trim)
	s := shift{a: x.mean, b: y.mean}
	diff, square := y.mean-x.mean, x.square+y.square
	if square == 0 {
		s.low, s.high, s.p = diff, diff, 1
		if math.Abs(diff) > margin {
			s.p = 0
		}
		return s
	}
	freedom := square * square / (x.square*x.square/x.freedom + y.square*y.square/y.freedom)
	e := math.Sqrt(square)
	half := studentQuantile((1-Confidence)/2, freedom) * e
	s.low, s.high = diff-half, diff+half
	s.p = min(1, studentTail((math.Abs(diff)-margin)/e, freedom)+studentTail((math.Abs(diff)+margin)/e, freedom))
	return s
}

// estimated is what one run says of a figure.
type estimated struct {
	mean    float64
	square  float64 // of the error
	freedom float64
}

// betweenRuns is how much of the variance between the batches of a run is also there between runs.
//
// Two runs of the same differ by more than what varies within each: the machine is in another mood. How much more,
// two runs cannot tell. What is assumed is noise that has as much power in each octave (1/f), as that of machines
// about has: then a run is to another what a part of a run is to another part, or nearly. So more intervals do not
// help without end, as they do with independent noise. With half, two runs under such noise are called different a
// little more than once in 20 times, with this less; see TestIdenticalRuns.
const betweenRuns = .75

// estimate gives the trimmed mean of batches. Its error comes of the winsorized variance, where what is left out
// counts as the nearest that is not.
func estimate(x []float64, trim float64) estimated {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	out := int(trim * float64(n))
	mean, _ := moments(x[out : n-out])
	for i := range out {
		x[i], x[n-1-i] = x[out], x[n-1-out]
	}
	_, variance := moments(x)
	kept := float64(n - 2*out)
	variance *= float64(n-1) / (kept - 1) // about that of a batch, without what is left out
	return estimated{mean, variance * (1/kept + betweenRuns), kept - 1}
}

// moments gives the mean and the variance of a sample.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, variance
}

// studentTail gives the chance that Student's t with so many degrees of freedom is t or more.
func studentTail(t, freedom float64) float64 {
	half := mathext.RegIncBeta(freedom/2, .5, freedom/(freedom+t*t)) / 2
	if t < 0 {
		return 1 - half
	}
	return half
}

// studentQuantile gives the t above which that share p of Student's t is, for p below one half.
func studentQuantile(p, freedom float64) float64 {
	x := mathext.InvRegIncBeta(freedom/2, .5, 2*p)
	return math.Sqrt(freedom * (1 - x) / x)
}

// occurrences is how often something rare took place.
type occurrences struct {
	n        float64 // times
	exposure float64 // what it could have happened in: seconds, or trials
}

// rate gives how often that is; 0 where it could not have happened.
func (o occurrences) rate() float64 {
	if o.exposure <= 0 {
		return 0
	}
	return o.n / o.exposure
}

// rates gives the chance that the frequencies of two rare things, of which none is more than 1+tolerance times the
// other, look as different as these, or more. It is the exact conditional test of two Poisson rates: of all
// that happened, how much is b's is binomial. What comes in clusters counts by the cluster: dispersion is how
// many times its variance is that of independent events.
func rates(a, b occurrences, tolerance, dispersion float64) float64 {
	n, k := (a.n+b.n)/dispersion, b.n/dispersion
	if n == 0 || a.exposure <= 0 || b.exposure <= 0 {
		return 1
	}
	atLeast := func(k, share float64) float64 { // of n
		if k <= 0 {
			return 1
		}
		return mathext.RegIncBeta(k, n-k+1, share)
	}
	more := atLeast(k, b.exposure*(1+tolerance)/(a.exposure+b.exposure*(1+tolerance)))
	fewer := atLeast(n-k, a.exposure*(1+tolerance)/(b.exposure+a.exposure*(1+tolerance)))
	return min(1, 2*min(more, fewer))
}

// dispersion gives how many times the variance of counts is that of independent events at one rate; at least 1.
// Parts say how much of the exposure each count is of.
func dispersion(counts, parts []float64) float64 {
	var n, whole, chi float64
	for i, c := range counts {
		n += c
		whole += parts[i]
	}
	if n == 0 || len(counts) < 2 {
		return 1
	}
	for i, c := range counts {
		if want := n * parts[i] / whole; want > 0 {
			chi += (c - want) * (c - want) / want
		}
	}
	return max(1, chi/float64(len(counts)-1))
}

// adjust makes of chances, in place, what they are in view of how many there are (Benjamini and Hochberg): with a bound
// on each, no more than that share of those within it are wrong in the long run. So if nothing differs, the chance of
// even one is not more than the bound. That holds for figures that go up and down together, as these do.
func adjust(p []*float64) {
	slices.SortFunc(p, func(x, y *float64) int { return cmp.Compare(*y, *x) })
	least := 1.0
	for i, v := range p {
		least = min(least, *v*float64(len(p))/float64(len(p)-i))
		*v = least
	}
}

// median gives the median; NaN of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
