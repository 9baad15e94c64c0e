package metrics

import (
	"math"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// ScenarioShard is the recorder of what the players of one shard measure in the terms of their scenario: a
// players.Series, together with the Response and Lag of the Shard beside it. All methods are called by the
// goroutine of that shard only. None locks, uses atomics or allocates. It takes what a ScenarioSnapshot takes.
// Indices are those of Names.
type ScenarioShard struct {
	// Owned by the shard.
	counts ScenarioSnapshot
}

// Request counts the answer to a request: received - intended is its response, received - sent its round trip.
func (s *ScenarioShard) Request(series int, intended, sent, received messages.Stamp) {
	if uint(series) >= uint(len(s.counts.Requests)) {
		s.counts.Malformed++
		return
	}
	r := &s.counts.Requests[series]
	r.Response.Record(received.Sub(intended))
	r.RoundTrip.Record(received.Sub(sent))
}

// RequestLost counts a request that got no answer.
func (s *ScenarioShard) RequestLost(series int) {
	if uint(series) >= uint(len(s.counts.Requests)) {
		s.counts.Malformed++
		return
	}
	s.counts.Requests[series].Lost++
}

// Check counts whether a check held.
func (s *ScenarioShard) Check(check int, ok bool) {
	switch {
	case uint(check) >= uint(len(s.counts.Checks)):
		s.counts.Malformed++
	case ok:
		s.counts.Checks[check].Held++
	default:
		s.counts.Checks[check].Failed++
	}
}

// Published counts a message for an audience of so many.
func (s *ScenarioShard) Published(series, audience int) {
	if uint(series) >= uint(len(s.counts.Deliveries)) || audience < 0 {
		s.counts.Malformed++
		return
	}
	d := &s.counts.Deliveries[series]
	d.Published++
	d.Expected += uint64(audience)
}

// Delivered counts that a player got what was published that long ago. The latency of a duplicate is not
// recorded, as it tells its player nothing new; that of a corrupt one is not known.
func (s *ScenarioShard) Delivered(series int, latency time.Duration, order messages.Order) {
	if uint(series) >= uint(len(s.counts.Deliveries)) || order >= messages.NumOrders {
		s.counts.Malformed++
		return
	}
	d := &s.counts.Deliveries[series]
	d.Orders[order]++
	if order == messages.OrderKept || order == messages.OrderLate {
		d.Latency.Record(latency)
	}
}

// Tick counts by how much the time between two ticks differed from what is wanted; early ones are below 0.
func (s *ScenarioShard) Tick(series int, off time.Duration) {
	if uint(series) >= uint(len(s.counts.Ticks)) {
		s.counts.Malformed++
		return
	}
	t, signed := &s.counts.Ticks[series], driftOf(off)
	t.drift.add(&signed)
	if off < 0 {
		off = -max(off, -math.MaxInt64) // the least of all has no counterpart
	}
	t.Deviation.Record(off)
}

// Fault counts an expression that could not be evaluated.
func (s *ScenarioShard) Fault() { s.counts.Faults++ }

// Began counts a player of the population that begins, and Ended one that is done, whatever became of it.
func (s *ScenarioShard) Began(population int) {
	if p := s.population(population); p != nil {
		p.Starts++
	}
}

// Ended is described at Began.
func (s *ScenarioShard) Ended(population int) {
	if p := s.population(population); p != nil {
		p.Ends++
	}
}

// Iteration counts that a player went through its steps.
func (s *ScenarioShard) Iteration(population int) {
	if p := s.population(population); p != nil {
		p.Iterations++
		s.counts.Iterations++
	}
}

// Lost counts a player that ended before it had gone through its steps.
func (s *ScenarioShard) Lost(population int) {
	if p := s.population(population); p != nil {
		p.Lost++
		s.counts.PlayersLost++
	}
}

// Answered counts an answer that a player of the population got: received - intended is its response, received -
// sent its round trip. The Shard beside it is told of it as well.
func (s *ScenarioShard) Answered(population int, intended, sent, received messages.Stamp) {
	if p := s.population(population); p != nil {
		p.Response.Record(received.Sub(intended))
		p.RoundTrip.Record(received.Sub(sent))
	}
}

// population gives one; nil, and counted, if there is none.
func (s *ScenarioShard) population(i int) *PopulationSeries {
	if uint(i) >= uint(len(s.counts.Populations)) {
		s.counts.Malformed++
		return nil
	}
	return &s.counts.Populations[i]
}

// AddTo adds all that was counted so far to sum, which no one else may use meanwhile. It takes
// 10 to 20 µs for each histogram in use, during which the shard does nothing else: 3 to 5 ms for 64 of each kind
// (go test -run '^$' -bench ScenarioShardAddTo ./metrics).
func (s *ScenarioShard) AddTo(sum *ScenarioSnapshot) { sum.Merge(&s.counts) }
