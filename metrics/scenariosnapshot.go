package metrics

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// ScenarioSnapshot is the sum of what shards have counted of a scenario's series. Its memory is fixed when it is
// made: 0.27 MiB for each request and population and 0.13 MiB for each delivery and tick, so 51 MiB for 64 of each; what
// is never recorded is never touched. Allocate it once, Reset it and use it again. Its lists are its own, so an
// assignment would share them, which go vet reports: CopyFrom copies. It is not safe for concurrent use.
//
// Everything counts since the start of the run, or, after Sub, during the interval.
type ScenarioSnapshot struct {
	_     [0]sync.Mutex // for go vet
	names *Names

	// In the order of Names.
	Requests   []RequestSeries
	Checks     []CheckSeries
	Deliveries []DeliverySeries
	Ticks      []TickSeries

	Populations []PopulationSeries

	Iterations  uint64 // how often players went through their steps
	PlayersLost uint64 // players that ended before
	Faults      uint64 // expressions that could not be evaluated

	// Malformed counts what named a series, or an order, that there is not, and merges of snapshots of other
	// scenarios; none was counted otherwise. It is 0 unless loadrig has a bug; Check reports it.
	Malformed uint64
}

// RequestSeries is what is known of the requests of one name. Each ends as an answer, which is in both
// histograms, or as lost.
type RequestSeries struct {
	Name      string
	Response  Histogram // from when the request was due to its answer
	RoundTrip Histogram // from when it was sent
	Lost      uint64    // no answer came in time, or while the connection lasted
}

// CheckSeries counts how often a check held.
type CheckSeries struct {
	Name         string
	Held, Failed uint64
}

// DeliverySeries is what is known of the messages that were published under one name. A shard counts what its
// players published and what they got, so only the sum over all shards says what was lost.
type DeliverySeries struct {
	Name string
	// Latency is from the publication to the first time that a member got it: how stale what players know of
	// each other is. Its 99th percentile is the age that 1 in 100 deliveries exceeds, its Max the worst.
	Latency   Histogram
	Orders    [messages.NumOrders]uint64 // deliveries by order; duplicates and corrupt ones are not in Latency
	Published uint64
	Expected  uint64 // Σ of the members that each publication had when it was sent, the sender too if it is one
}

// Unique gives how many deliveries came whole, and not for a second time.
func (d *DeliverySeries) Unique() uint64 {
	return d.Orders[messages.OrderKept] + d.Orders[messages.OrderLate]
}

// Lost gives how many deliveries that were expected did not come: expected - unique - corrupt. Those under way are
// among them, so it means little before the run has settled, or of an interval. Never less than 0: who joins between
// a publication and its delivery gets it without being expected to, and may hide a loss elsewhere; so may a second
// corrupt copy, of which nobody can tell that it is one.
func (d *DeliverySeries) Lost() uint64 {
	return minus(d.Expected, d.Unique()+d.Orders[messages.OrderCorrupt])
}

// TickSeries is what is known of messages that come at a steady rate.
type TickSeries struct {
	Name      string
	Deviation Histogram // by how much the time since the tick before differed from what is wanted, either way
	drift     drift
}

// Drift gives the mean of the deviations with their signs: 0 if early and late ones make up for each other,
// more if ticks come too slowly. 0 if there were none.
func (t *TickSeries) Drift() time.Duration {
	if t.Deviation.Count() == 0 {
		return 0
	}
	return time.Duration(t.drift.nanos() / float64(t.Deviation.Count()))
}

// PopulationSeries is what is known of the players of one population.
type PopulationSeries struct {
	Name       string
	Response   Histogram // of all their requests, and of what else is answered: from when it was due
	RoundTrip  Histogram // from when it was sent
	Starts     uint64    // players that began
	Ends       uint64    // players that ended
	Iterations uint64    // how often they went through their steps
	Lost       uint64    // ended before
}

// init makes room for the series; n must not change any more.
func (s *ScenarioSnapshot) init(n *Names) {
	s.names = n
	s.Requests = make([]RequestSeries, len(n.Requests))
	for i, name := range n.Requests {
		s.Requests[i].Name = name
	}
	s.Checks = make([]CheckSeries, len(n.Checks))
	for i, name := range n.Checks {
		s.Checks[i].Name = name
	}
	s.Deliveries = make([]DeliverySeries, len(n.Deliveries))
	for i, name := range n.Deliveries {
		s.Deliveries[i].Name = name
	}
	s.Ticks = make([]TickSeries, len(n.Ticks))
	for i, name := range n.Ticks {
		s.Ticks[i].Name = name
	}
	s.Populations = make([]PopulationSeries, len(n.Populations))
	for i, name := range n.Populations {
		s.Populations[i].Name = name
	}
}

// Reset empties s without allocating; the names stay.
func (s *ScenarioSnapshot) Reset() {
	s.each(s, operation{
		count: func(mine, _ *uint64) { *mine = 0 },
		histogram: func(mine, _ *Histogram) {
			if mine.count > 0 { // what was never written to takes no memory of the machine's
				*mine = Histogram{}
			}
		},
		drift: func(mine, _ *drift) { *mine = drift{} },
	})
}

// CopyFrom makes s equal to other, which must be of the same scenario. It shares nothing with it.
func (s *ScenarioSnapshot) CopyFrom(other *ScenarioSnapshot) {
	if s != other {
		s.Reset()
		s.Merge(other)
	}
}

// Merge adds other, which must be of the same scenario, to s. The sum is exact, whatever the order.
func (s *ScenarioSnapshot) Merge(other *ScenarioSnapshot) {
	if !s.same(other) {
		s.Malformed++
		return
	}
	s.each(other, operation{
		count:     func(mine, n *uint64) { *mine += *n },
		histogram: (*Histogram).Merge,
		drift:     (*drift).add,
	})
}

// Sub takes away earlier, which must be an earlier ScenarioSnapshot of the same shards: s is then the interval
// between the two. A count that shrank, against that rule, gives 0.
func (s *ScenarioSnapshot) Sub(earlier *ScenarioSnapshot) {
	if !s.same(earlier) {
		s.Malformed++
		return
	}
	s.each(earlier, operation{
		count:     func(mine, n *uint64) { *mine = minus(*mine, *n) },
		histogram: (*Histogram).Sub,
		drift:     (*drift).sub,
	})
}

// same tells whether both have the same series.
func (s *ScenarioSnapshot) same(t *ScenarioSnapshot) bool {
	a, b := s.names, t.names
	return a == b || a != nil && b != nil && slices.Equal(a.Requests, b.Requests) && slices.Equal(a.Checks, b.Checks) &&
		slices.Equal(a.Deliveries, b.Deliveries) && slices.Equal(a.Ticks, b.Ticks) && slices.Equal(a.Populations, b.Populations)
}

// operation is what is to be done with each field, by its type, and its counterpart.
type operation struct {
	count     func(mine, other *uint64)
	histogram func(mine, other *Histogram)
	drift     func(mine, other *drift)
}

// each does op with each field of s and its counterpart in t, which has the same series.
func (s *ScenarioSnapshot) each(t *ScenarioSnapshot, op operation) {
	op.count(&s.Iterations, &t.Iterations)
	op.count(&s.PlayersLost, &t.PlayersLost)
	op.count(&s.Faults, &t.Faults)
	op.count(&s.Malformed, &t.Malformed)
	for i := range s.Requests {
		a, b := &s.Requests[i], &t.Requests[i]
		op.histogram(&a.Response, &b.Response)
		op.histogram(&a.RoundTrip, &b.RoundTrip)
		op.count(&a.Lost, &b.Lost)
	}
	for i := range s.Checks {
		a, b := &s.Checks[i], &t.Checks[i]
		op.count(&a.Held, &b.Held)
		op.count(&a.Failed, &b.Failed)
	}
	for i := range s.Deliveries {
		a, b := &s.Deliveries[i], &t.Deliveries[i]
		op.histogram(&a.Latency, &b.Latency)
		for o := range a.Orders {
			op.count(&a.Orders[o], &b.Orders[o])
		}
		op.count(&a.Published, &b.Published)
		op.count(&a.Expected, &b.Expected)
	}
	for i := range s.Ticks {
		a, b := &s.Ticks[i], &t.Ticks[i]
		op.histogram(&a.Deviation, &b.Deviation)
		op.drift(&a.drift, &b.drift)
	}
	for i := range s.Populations {
		a, b := &s.Populations[i], &t.Populations[i]
		op.histogram(&a.Response, &b.Response)
		op.histogram(&a.RoundTrip, &b.RoundTrip)
		op.count(&a.Starts, &b.Starts)
		op.count(&a.Ends, &b.Ends)
		op.count(&a.Iterations, &b.Iterations)
		op.count(&a.Lost, &b.Lost)
	}
}

// Check tests the laws that the counts obey, of one shard as of all, at any time, and reports every one that is
// broken, got and want; nil if none is:
//
//   - The answers of each request are in both histograms.
//   - The deliveries of each name that came whole, and for the first time, are in its histogram.
//   - Nothing is expected of a name under which nothing was published.
//   - The answers of each population are in both histograms; of those that began no more ended, and of those no
//     more were lost; iterations and players lost are those of all populations together.
//
// That no more came than was expected is no law: see DeliverySeries.Lost.
func (s *ScenarioSnapshot) Check() error {
	var broken []error
	law := func(got, want uint64, what string, of ...any) {
		if got != want {
			broken = append(broken, fmt.Errorf(what+": got %d, want %d", append(of, got, want)...))
		}
	}
	law(s.Malformed, 0, "malformed measurements")
	for i := range s.Requests {
		r := &s.Requests[i]
		law(r.RoundTrip.Count(), r.Response.Count(), "round trips of request %q", r.Name)
	}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		law(d.Latency.Count(), d.Unique(), "latencies of delivery %q", d.Name)
		if d.Published == 0 {
			law(d.Expected, 0, "expected of delivery %q, of which none was published", d.Name)
		}
	}
	var iterations, lost uint64
	for i := range s.Populations {
		p := &s.Populations[i]
		law(p.RoundTrip.Count(), p.Response.Count(), "round trips of population %q", p.Name)
		if p.Ends > p.Starts || p.Lost > p.Ends {
			broken = append(broken, fmt.Errorf("players of population %q: got %d lost of %d that ended of %d that began, want each no more than the next",
				p.Name, p.Lost, p.Ends, p.Starts))
		}
		iterations += p.Iterations
		lost += p.Lost
	}
	if len(s.Populations) > 0 {
		law(iterations, s.Iterations, "iterations of all populations")
		law(lost, s.PlayersLost, "players lost of all populations")
	}
	if len(broken) == 0 {
		return nil
	}
	return fmt.Errorf("counts of the scenario do not add up: %w", errors.Join(broken...))
}
