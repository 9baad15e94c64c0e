package compare

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// comparison is one call of Runs.
type comparison struct {
	a, b *Side
	o    Options
	rows []Row
}

// Runs compares the run b with the run a, by options that are valid (see Validate). It changes neither run; the same
// Sides always give the same Result.
func Runs(a, b *Side, o Options) *Result {
	c := comparison{a: a, b: b, o: o.withDefaults()}
	c.times()
	c.flows()
	c.rare()
	c.judge()
	slices.SortStableFunc(c.rows, func(x, y Row) int { return cmp.Or(cmp.Compare(x.order(), y.order()), cmp.Compare(x.rank, y.rank)) })
	r := &Result{
		Schema: Schema, A: a.run(), B: b.run(), Unlike: unlike(a, b), Tolerance: c.o.Tolerance, Floor: c.o.Floor.Seconds(),
		Confidence: Confidence, Rows: c.rows, Warnings: []string{},
	}
	if r.Rows == nil {
		r.Rows = []Row{}
	}
	r.conclude()
	r.warn(a, b)
	return r
}

// order puts regressions first, then improvements, other differences, what cannot be told, the rest, and the rig.
func (r *Row) order() int {
	switch {
	case r.OfRig:
		return 5
	case r.Worse:
		return 0
	case r.Better:
		return 1
	case r.significant():
		return 2
	case r.Verdict == Unknown:
		return 3
	default:
		return 4
	}
}

// times compares the series of times that are in both runs, or in one.
func (c *comparison) times() {
	var list []timed
	for key := range both(c.a.times, c.b.times) {
		if t, ok := timedOf(key); ok {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(x, y timed) int { return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.key, y.key)) })
	for i, t := range list {
		a, b := c.a.digests(t), c.b.digests(t)
		for f, figure := range []Figure{P50, P90, P99, Mean} {
			r := Row{Series: t.key, Name: t.name, Figure: figure, Unit: Seconds, OfRig: t.ofRig, rank: 4*i + f}
			for _, lag := range t.lags {
				r.RigLag += c.lag(lag, f)
			}
			c.add(r, batches(a, measure(f)), batches(b, measure(f)), moreIsWorse)
		}
	}
}

// lag gives by how much lateness of the rig's own differs between the runs, in seconds: times have it in them, and the
// server nothing to do with it. What is not in both runs, as nobody asked for it in one, is not known to differ.
func (c *comparison) lag(key string, figure int) float64 {
	own := timed{key: key}
	a, b := c.a.digests(own), c.b.digests(own)
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	trim := trimmed
	if figure == len(quantiles) {
		trim = 0
	}
	return math.Abs(estimate(batches(b, measure(figure)), trim).mean - estimate(batches(a, measure(figure)), trim).mean)
}

// measure gives what makes one figure of some intervals: of a quantile its median, so that it is what a typical
// interval has; else the mean of all.
func measure(quantile int) func([]digest) float64 {
	if quantile == len(quantiles) {
		return func(list []digest) float64 {
			var all digest
			for _, d := range list {
				all.n += d.n
				all.sum += d.sum
			}
			return all.sum / all.n
		}
	}
	return func(list []digest) float64 {
		x := make([]float64, len(list))
		for i, d := range list {
			x[i] = d.q[quantile]
		}
		return median(x)
	}
}

// digests gives what there is of a series in the blocks that are to be compared.
func (s *Side) digests(t timed) (list []digest) {
	first, end := s.steady()
	if t.once {
		first, end = s.all()
	}
	for i, d := range s.times[t.key] {
		if i >= first && i < end && d.n > 0 {
			list = append(list, d)
		}
	}
	return list
}

// flows compares rates.
func (c *comparison) flows() {
	for i, f := range flows {
		a, b := c.a.rates(f), c.b.rates(f)
		if all(a, 0) && all(b, 0) {
			continue
		}
		c.add(Row{Series: f.series, Name: f.name, Figure: Rate, Unit: PerSecond, rank: rankOfFlows + i}, a, b, f.worse)
	}
}

// rates gives the rates of the batches of a run.
func (s *Side) rates(f flow) []float64 {
	type part struct{ n, seconds float64 }
	var list []part
	first, end := s.steady()
	for i := first; i < end; i++ {
		p := part{seconds: s.blocks[i].to - s.blocks[i].from}
		for _, key := range f.keys {
			p.n += at(s.counts[key], i)
		}
		if p.seconds > 0 {
			list = append(list, p)
		}
	}
	return batches(list, func(list []part) float64 {
		var all part
		for _, p := range list {
			all.n += p.n
			all.seconds += p.seconds
		}
		return all.n / all.seconds
	})
}

// The ranks of rows: times have less.
const (
	rankOfRare  = 1 << 20
	rankOfFlows = 1 << 21
)

// add adds a row of two runs' batches.
func (c *comparison) add(r Row, a, b []float64, worse direction) {
	r.neutral = worse == neither
	if len(a) < minBatches || len(b) < minBatches {
		r.A, _ = moments(a)
		r.B, _ = moments(b)
		r.Verdict, r.Why = Unknown, "too short"
		switch {
		case len(a) == 0:
			r.Why = "not in A"
		case len(b) == 0:
			r.Why = "not in B"
		}
		r.Change = r.B - r.A
		c.rows = append(c.rows, r)
		return
	}
	trim := trimmed
	if r.Figure == Mean {
		trim = 0
	}
	margin := c.o.Tolerance * math.Abs(estimate(a, trim).mean)
	if r.Unit == Seconds {
		margin = max(margin, c.o.Floor.Seconds())
	}
	without := differ(a, b, trim, margin)
	r.ofLag = r.RigLag > 0 && without.p < (1-Confidence)/5
	s := differ(a, b, trim, margin+r.RigLag)
	r.A, r.B, r.Change, r.Low, r.High, r.P = s.a, s.b, s.b-s.a, &s.low, &s.high, &s.p
	c.decide(&r, worse)
	c.rows = append(c.rows, r)
}

// decide sets what the row means if it is significant, which judge finds out.
func (c *comparison) decide(r *Row, worse direction) {
	r.Worse = r.Change > 0 && worse == moreIsWorse || r.Change < 0 && worse == fewerIsWorse
	r.Better = !r.Worse && worse != neither
	switch {
	case r.Unit == Seconds && r.Change > 0:
		r.Verdict = Slower
	case r.Unit == Seconds:
		r.Verdict = Faster
	case r.Change > 0:
		r.Verdict = More
	default:
		r.Verdict = Fewer
	}
}

// judge tells which rows are significant: those of the rig among themselves, and all others.
func (c *comparison) judge() {
	for _, ofRig := range []bool{false, true} {
		var family []*float64
		for i := range c.rows {
			if r := &c.rows[i]; r.OfRig == ofRig && r.P != nil {
				family = append(family, r.P)
			}
		}
		adjust(family)
	}
	for i := range c.rows {
		if r := &c.rows[i]; r.P != nil && *r.P > 1-Confidence {
			r.Verdict, r.Worse, r.Better = NotSignificant, false, false
		}
	}
}

// run describes a run.
func (s *Side) run() Run {
	m := &s.manifest
	r := Run{ID: m.ID, Name: m.Name, Started: m.Started.UTC().Format(time.RFC3339), Duration: s.end()}
	if s.summary != nil {
		r.Verdict = s.summary.Verdict
	}
	if first, end := s.steady(); first < end {
		r.SteadyFrom, r.SteadyTo, r.Intervals = s.blocks[first].from, s.blocks[end-1].to, (end-first)*s.width
	}
	return r
}

// both gives the keys of two maps.
func both[T any](a, b map[string]T) map[string]T {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

func at(list []float64, i int) float64 {
	if i < len(list) {
		return list[i]
	}
	return 0
}

func all(list []float64, v float64) bool {
	return !slices.ContainsFunc(list, func(x float64) bool { return x != v })
}
