package load

import (
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Rate is a number of events per second, 0 for none.
type Rate float64

// MaxRate is the fastest Rate: one event a nanosecond has no meaning to a clock that counts them.
const MaxRate Rate = 1e9

// Validate refuses what is no rate.
func (r Rate) Validate() error {
	if f := float64(r); math.IsNaN(f) || f < 0 || r > MaxRate {
		return fmt.Errorf("rate: got %v per second, want 0 to %v", f, float64(MaxRate))
	}
	return nil
}

// Due gives when the n-th event, from 0, takes place after the start: n/r seconds. It is computed from
// the start each time, so that no error adds up. A rate of 0 has everything due at once.
func (r Rate) Due(n int) time.Duration {
	if r <= 0 {
		return 0
	}
	s := float64(n) / float64(r)
	if s >= math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return time.Duration(s * 1e9)
}

// Period gives the time from one event to the next; 0 for a rate of 0.
func (r Rate) Period() time.Duration {
	if r <= 0 {
		return 0
	}
	return r.Due(1)
}

// Pace is a periodic schedule with a place in the period: events are due at Offset + n·Period after the
// start, for n = 0, 1, …
type Pace struct {
	Period time.Duration // more than 0
	Offset time.Duration // 0 to less than Period
}

// Spread gives the pace of the i-th of n players that all have the same period, so that together they
// are spread evenly over it. i may be n or more; then places repeat.
func Spread(period time.Duration, i, n int) Pace {
	if n <= 0 {
		n = 1
	}
	return Pace{Period: period, Offset: time.Duration(float64(period) * float64(i%n) / float64(n))}
}

// golden is the golden ratio's fraction, 0.618…, of 2⁶⁴.
const golden = 0x9E3779B97F4A7C15

// Scatter gives the pace of the i-th player of a number that is not known, or changes as players come and go.
// Any that follow each other are spread over the period: between k of them no gap is wider than about 2.62/k
// of it, as the multiples of the golden ratio have it. Spread is even, but has the first half of the players
// all in the first half of the period, which is a burst until the others are there.
func Scatter(period time.Duration, i int) Pace {
	offset, _ := bits.Mul64(uint64(max(period, 0)), uint64(i)*golden) // wraps, as a fraction should
	return Pace{Period: period, Offset: time.Duration(offset)}
}

// From gives the first event that is due at or after elapsed, as a time since the start.
func (p Pace) From(elapsed time.Duration) time.Duration {
	if elapsed <= p.Offset {
		return p.Offset
	}
	n := (elapsed - p.Offset + p.Period - 1) / p.Period
	return p.Offset + n*p.Period
}
