package rig

import (
	"context"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// arrive has the players connect, one by one: at their rate, or as fast as handshakes end.
func (r *run) arrive(ctx context.Context) {
	all := r.cfg.connect()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n, id := range r.ids {
		if !r.turn(ctx, timer, n) {
			return
		}
		if r.manager.Tell(id, r.cfg.connectOf(n, all)) != nil {
			return
		}
	}
}

// turn waits until it is the n-th player's turn; false if the load ended before.
func (r *run) turn(ctx context.Context, timer *time.Timer, n int) bool {
	if slots := r.gauges.slots; slots != nil {
		select {
		case slots <- struct{}{}:
			return ctx.Err() == nil
		case <-ctx.Done():
			return false
		}
	}
	wait := time.Until(r.started.Add(r.cfg.Rate.Due(n)))
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer.Reset(wait)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Progress is how a run stands at the end of an interval.
type Progress struct {
	Elapsed   time.Duration
	Players   int // asked for
	Attempted uint64
	States    [messages.NumStates]int64

	// So far: attempts and sessions that ended other than as planned, messages that were never sent, answers that came
	// changed or again, and of a scenario requests without an answer and checks that failed.
	Failed, Dropped, Corrupted, Duplicated, Lost, FailedChecks uint64

	// In the last interval.
	Interval time.Duration
	Asked    float64 // messages that paced traffic asks for
	Sent     uint64
	Received uint64
	P50, P99 time.Duration // of the response
	Answers  uint64        // that P50 and P99 are of
	Lag      time.Duration // 99th percentile of the schedule lag
}
