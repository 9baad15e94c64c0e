package compare

import (
	"cmp"
	"math"
	"slices"
)

// rare compares what should not happen.
func (c *comparison) rare() {
	var list []rare
	for key := range both(c.a.counts, c.b.counts) {
		if r, ok := rareOf(key); ok {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(x, y rare) int { return cmp.Compare(x.series, y.series) })
	for i, r := range list {
		a, spreadA := c.a.occurrences(r)
		b, spreadB := c.b.occurrences(r)
		if a.n == 0 && b.n == 0 {
			continue
		}
		row := Row{Series: r.series, Name: r.name, Figure: Rate, Unit: PerSecond, rank: rankOfRare + i}
		if r.trials != nil {
			row.Figure, row.Unit = Part, Share
		}
		row.A, row.B = a.rate(), b.rate()
		row.Change = row.B - row.A
		switch {
		case a.exposure <= 0:
			row.Verdict, row.Why = Unknown, "not in A"
		case b.exposure <= 0:
			row.Verdict, row.Why = Unknown, "not in B"
		case min(len(c.a.blocks), len(c.b.blocks)) < minBatches: // then nobody knows whether they came all at once
			row.Verdict, row.Why = Unknown, "too short"
		default:
			p := rates(a, b, c.o.Tolerance, max(spreadA, spreadB))
			row.P = &p
			c.decide(&row, moreIsWorse)
			if p > 1-Confidence && rates(a, b, c.o.Tolerance, 1) < (1-Confidence)/100 {
				row.Verdict, row.Why, row.P, row.Worse, row.Better = Unknown, "all at once", nil, false, false
			}
		}
		c.rows = append(c.rows, row)
	}
}

// occurrences counts something rare in the whole of a run, and says how clustered it is.
func (s *Side) occurrences(r rare) (o occurrences, clustered float64) {
	counts, parts := make([]float64, len(s.blocks)), make([]float64, len(s.blocks))
	for i, b := range s.blocks {
		for _, key := range r.keys {
			counts[i] += at(s.counts[key], i)
		}
		for _, key := range r.less {
			counts[i] -= at(s.counts[key], i)
		}
		parts[i] = b.to - b.from
		if r.trials != nil {
			parts[i] = 0
			for _, key := range r.trials {
				parts[i] += at(s.counts[key], i)
			}
			if list := s.times[r.answered]; i < len(list) {
				parts[i] += list[i].n
			}
		}
		o.n += counts[i]
		o.exposure += parts[i]
	}
	o.n = min(max(o.n, 0), math.MaxInt64)
	return o, dispersion(counts, parts)
}
