package report

import (
	"math"

	"github.com/loadrig/loadrig/metrics"
)

// Survival is which share of sessions lasts how long: what a session is worth that is not ended by loadrig. It is the
// life table of the actuaries (Cutler and Ederer, 1958), which is Kaplan and Meier's estimate for times that are known
// by bins. A session that loadrig ended as planned, or that is still open, tells that it lasted so long, and nothing of
// when it would have been lost.
//
// T, S and N are points of one curve, of the same number: at the first all sessions have opened; each other is the end
// of a bin in which a session was lost, or is known no further. Between two points the curve is not known, so it is
// drawn as steps.
type Survival struct {
	T []float64 `json:"t"` // seconds that a session lasted
	S []float64 `json:"s"` // the share of sessions that last longer
	N []uint64  `json:"n"` // sessions at risk: that are known to have lasted so long

	Ended uint64 `json:"ended"` // sessions that are over
	Lost  uint64 `json:"lost"`  // those of them that were not ended by loadrig as planned
	Open  uint64 `json:"open"`
}

// NewSurvival makes the curve of the sessions of a run; nil where none opened, or nothing is known of them.
func NewSurvival(of *metrics.Sessions) *Survival {
	if of == nil {
		return nil
	}
	var lost, known [metrics.NumLifetimes]uint64 // by bin: that ended so, and that are known so far only
	add := func(bins *[metrics.NumLifetimes]uint64, list [][2]uint64) (all uint64) {
		for _, p := range list {
			bins[min(p[0], metrics.NumLifetimes-1)] += p[1]
			all += p[1]
		}
		return all
	}
	c := &Survival{Lost: add(&lost, of.Lost)}
	c.Ended = c.Lost + add(&known, of.Kept)
	c.Open = add(&known, of.Open)
	n, s := c.Ended+c.Open, 1.0
	if n == 0 {
		return nil
	}
	c.point(0, s, n)
	for bin := range lost {
		if lost[bin]+known[bin] == 0 {
			continue
		}
		if lost[bin] > 0 {
			// Those that are known no further than somewhere in the bin were at risk for half of it.
			s *= 1 - float64(lost[bin])/(float64(n)-float64(known[bin])/2)
		}
		n -= lost[bin] + known[bin]
		from, to := metrics.LifetimeEdges(bin)
		if bin == metrics.NumLifetimes-1 { // it has no end
			to = 2 * from
		}
		c.point(to.Seconds(), s, n)
	}
	return c
}

func (c *Survival) point(t, s float64, n uint64) {
	c.T, c.S, c.N = append(c.T, t), append(c.S, math.Round(s*1e9)/1e9), append(c.N, n)
}
