package load

import (
	"errors"
	"math"
	"sort"
	"time"
)

// Arrivals is the open model: when players arrive. The n-th, from 0, is due when the integral of the rate,
// which is the expected number of arrivals, gets past n: at a rate of 50/s after n·20 ms, and on a ramp from
// 0 to r in T after √(2nT/r). A stage in which the rate is 0 has no arrivals.
//
// It does not change once made, and may be used concurrently.
type Arrivals struct {
	legs []leg
	end  time.Duration
}

// leg is a time in which the rate follows one line.
type leg struct {
	start, length time.Duration
	from, to      float64 // arrivals per second
	area          float64 // expected arrivals in it
	before, after float64 // and by its start and its end
}

// Arrivals gives the arithmetic of p, which must be of the open model. The error is that of Validate.
func (p Plan) Arrivals() (*Arrivals, error) {
	if p.Model != Open {
		return nil, errors.New("arrivals: got a plan of the closed model, want the open one")
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	a := new(Arrivals)
	from, before := 0.0, 0.0
	for _, s := range p.Stages {
		l := leg{start: a.end, length: s.Duration, from: from, to: float64(s.Rate), before: before}
		if s.Step {
			l.from = l.to
		}
		l.area = triangle(min(l.from, l.to), max(l.from, l.to), l.length, l.length)
		l.after = rounded(l.before + l.area)
		a.legs = append(a.legs, l)
		a.end += s.Duration
		from, before = l.to, l.after
	}
	return a, nil
}

// triangle is the number of arrivals in the time t from where the rate is low, on a ramp to where it is high
// at the end of length: (low·t + (high-low)·t²/2·length) / 1e9, with times in nanoseconds.
//
// The order matters: each operation grows with t, rounding keeps that, and so the sum never falls, which all
// of Arrivals rests on. Dividing last makes it exact for whole rates. The conversions forbid fused operations,
// which would give other machines other instants.
func triangle(low, high float64, t, length time.Duration) float64 {
	x := float64(t)
	n := float64(low * x)
	if high > low {
		n += float64(float64(high-low)*x) * x / (2 * float64(length))
	}
	return n / 1e9
}

// rounded makes whole a number of arrivals that is so but for rounding, as rates that are no binary fractions
// have it: 10/h for an hour are 10 arrivals, not one more in the last nanosecond, or before the pause that
// follows.
func rounded(n float64) float64 {
	const closeness = 1.0 / (1 << 48)
	if r := math.Round(n); math.Abs(n-r) <= r*closeness {
		return r
	}
	return n
}

// caution is a few units in the last place, so that rounding makes nobody come a nanosecond early: at 10/h the
// second is due after 360 s, not 359.999999999. It makes less than a nanosecond in 26 days.
const caution = 1 - 1.0/(1<<51)

// expected is the number of arrivals expected by t, which is in the leg or at its end. On the way down it is
// what is left that is computed, so that here too it never falls.
func (l *leg) expected(t time.Duration) float64 {
	in := t - l.start
	if in >= l.length {
		return l.after
	}
	n := triangle(l.from, l.to, in, l.length)
	if l.to < l.from {
		n = l.area - triangle(l.to, l.from, l.length-in, l.length)
	}
	return min(l.before+float64(n*caution), l.after)
}

// guess is how far into the leg n of its arrivals are expected, but for rounding.
func (l *leg) guess(n float64) time.Duration {
	var t time.Duration
	if l.to < l.from {
		t = l.length - solve(l.to, l.from, l.area-n, l.length)
	} else {
		t = solve(l.from, l.to, n, l.length)
	}
	return min(max(t, 0), l.length-1)
}

// solve is the inverse of triangle: low·t + c·t² = n, in the form that does not lose its digits where c or
// low are small.
func solve(low, high, n float64, length time.Duration) time.Duration {
	if n <= 0 {
		return 0
	}
	c := (high - low) / (2 * length.Seconds())
	t := 2 * n / (low + math.Sqrt(float64(low*low)+float64(4*c*n))) * 1e9
	return time.Duration(min(t, float64(length))) // within range: length is, and so is its float64
}

// expected is the number of arrivals expected by t, the integral of the rate.
func (a *Arrivals) expected(t time.Duration) float64 {
	switch {
	case t <= 0:
		return 0
	case t >= a.end:
		return a.legs[len(a.legs)-1].after
	}
	return a.leg(t).expected(t)
}

// leg finds that of t, which is from 0 to the end.
func (a *Arrivals) leg(t time.Duration) *leg {
	return &a.legs[sort.Search(len(a.legs), func(i int) bool { return a.legs[i].start > t })-1]
}

// Duration is how long the load lasts.
func (a *Arrivals) Duration() time.Duration { return a.end }

// Total is the number of arrivals in all, which for a Poisson process is what is to be expected.
func (a *Arrivals) Total() int { return int(math.Ceil(a.expected(a.end))) }

// Rate is that of arrivals at t; 0 before the start and from the end on.
func (a *Arrivals) Rate(t time.Duration) Rate {
	if t < 0 || t >= a.end {
		return 0
	}
	l := a.leg(t)
	return Rate(l.from + (l.to-l.from)*float64(t-l.start)/float64(l.length))
}

// ByTime is the number of arrivals due by t: all whose instant lies before the end of that nanosecond.
func (a *Arrivals) ByTime(t time.Duration) int {
	if t < 0 {
		return 0
	}
	if t >= a.end {
		return a.Total()
	}
	return int(math.Ceil(a.expected(t + 1)))
}

// Due is when the n-th arrival, from 0, is due: the first instant at which ByTime is more than n; false if
// there is none.
func (a *Arrivals) Due(n int) (time.Duration, bool) {
	if n < 0 || n >= a.Total() {
		return 0, false
	}
	return a.last(float64(n)), true
}

// last is the last nanosecond by which no more than n arrivals are expected, for n less than expected in all.
// The closed form gives it but for rounding, and where the rate is next to nothing rounding is many
// nanoseconds. So a bracket is put around it, in steps that double, and halved; expected decides, which ByTime
// uses too, and so the two never disagree. Mostly that takes two looks.
func (a *Arrivals) last(n float64) time.Duration {
	i := sort.Search(len(a.legs), func(i int) bool { return a.legs[i].after > n })
	l := &a.legs[i]
	low, high := l.start, l.start+l.length // at most n are expected by low, and more by high
	at := l.start + l.guess(n-l.before)
	for step := time.Duration(1); low+1 < high; step *= 2 {
		if at <= low || at >= high {
			at = low + (high-low)/2
		}
		if l.expected(at) <= n {
			low, at = at, at+step
		} else {
			high, at = at, at-step
		}
	}
	return low
}
