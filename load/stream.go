package load

import (
	"math/rand/v2"
	"time"
)

// Stream gives the instants of arrivals one after the other. It keeps nothing of those before, however many
// there are. It belongs to one goroutine.
type Stream struct {
	arrivals *Arrivals
	n        int        // arrivals so far
	chance   *rand.Rand // nil for even distances
	expected float64    // arrivals by the last one's instant, for chance
	all      float64
}

// Even gives the arrivals at even distances: the n-th when Due says.
func (a *Arrivals) Even() *Stream { return &Stream{arrivals: a} }

// seedOfArrivals keeps arrivals apart from whatever else is drawn from the same seed.
const seedOfArrivals = 0x6172726976616c73

// Poisson gives arrivals by chance, at the rate of the stages: between two of them there are an exponential
// number of expected ones, 1 on average, so that at a steady rate the gaps are exponential. The same seed
// gives the same instants.
func (a *Arrivals) Poisson(seed uint64) *Stream {
	return &Stream{arrivals: a, chance: rand.New(rand.NewPCG(seed, seedOfArrivals)), all: a.expected(a.end)}
}

// Next is when the next arrival is due, at or after the one before it; false if there is none any more.
func (s *Stream) Next() (time.Duration, bool) {
	if s.chance == nil {
		t, ok := s.arrivals.Due(s.n)
		if ok {
			s.n++
		}
		return t, ok
	}
	if s.expected += s.chance.ExpFloat64(); s.expected >= s.all {
		return 0, false
	}
	s.n++
	return s.arrivals.last(s.expected), true
}

// Count is how many arrivals Next has given.
func (s *Stream) Count() int { return s.n }
