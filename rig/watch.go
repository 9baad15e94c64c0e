package rig

import (
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// progress says how the run stands after a record.
func (j *journal) progress(rec *metrics.Record) Progress {
	now := j.recorder.Now
	interval := time.Duration(rec.Seconds() * 1e9)
	p := Progress{Elapsed: time.Duration(rec.To * 1e9), Players: j.run.cfg.Connections, States: now.States, Interval: interval}
	for from := range now.Transitions {
		p.Attempted += now.Transitions[from][messages.Connecting]
	}
	for _, c := range messages.Causes() {
		if !c.Expected() {
			p.Failed += now.Disconnects[c]
		}
	}
	data := func(n [messages.NumOps]uint64) uint64 { return n[messages.OpText] + n[messages.OpBinary] }
	sent, received := data(now.Traffic.Sent), data(now.Traffic.Received)
	p.Sent, p.Received = sent-j.sent, received-j.received
	j.sent, j.received = sent, received
	for _, n := range now.Traffic.Dropped {
		p.Dropped += n
	}
	p.Corrupted, p.Duplicated = now.Strays[messages.StrayCorrupted], now.Strays[messages.StrayDuplicated]
	if s := j.recorder.NowScenario; s != nil {
		for i := range s.Requests {
			p.Lost += s.Requests[i].Lost
		}
		for i := range s.Checks {
			p.FailedChecks += s.Checks[i].Failed
		}
	}
	asked := rec.Counters[metrics.LoadMessages.Key()]
	p.Asked, j.wanted = asked-j.wanted, asked
	if lag := rec.Histograms[metrics.ScheduleLag.Key()]; lag != nil {
		p.Lag = lag.Quantile(.99)
	}
	if answers := rec.Histograms[metrics.Response.Key()]; answers != nil {
		p.Answers, p.P50, p.P99 = answers.Count(), answers.Quantile(.5), answers.Quantile(.99)
	}
	return p
}
