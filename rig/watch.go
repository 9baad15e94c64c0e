package rig

import (
	"context"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// watch tells Progress once a second until ctx ends; the channel is closed when it does so no more.
func (r *run) watch(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	if r.cfg.Progress == nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		now, before := new(metrics.Snapshot), new(metrics.Snapshot)
		last := r.started
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now.Reset()
			if r.gather(ctx, now) != nil {
				return
			}
			at := time.Now()
			r.cfg.Progress(r.progress(now, before, at, at.Sub(last)))
			last = at
		}
	}()
	return done
}

// progress compares now with before, and makes now the next before.
func (r *run) progress(now, before *metrics.Snapshot, at time.Time, interval time.Duration) Progress {
	p := Progress{Elapsed: at.Sub(r.started), Players: r.cfg.Connections, States: now.States, Interval: interval}
	for from := range now.Transitions {
		p.Attempted += now.Transitions[from][messages.Connecting]
	}
	for _, c := range messages.Causes() {
		if !c.Expected() {
			p.Failed += now.Disconnects[c]
		}
	}
	data := func(n [messages.NumOps]uint64) uint64 { return n[messages.OpText] + n[messages.OpBinary] }
	p.Sent = data(now.Traffic.Sent) - data(before.Traffic.Sent)
	p.Received = data(now.Traffic.Received) - data(before.Traffic.Received)
	answers := now.Response
	answers.Sub(&before.Response)
	p.Answers, p.P50, p.P99 = answers.Count(), answers.Quantile(.5), answers.Quantile(.99)
	*before = *now
	return p
}
