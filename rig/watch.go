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
	if answers := rec.Histograms[metrics.Response.Key()]; answers != nil {
		p.Answers, p.P50, p.P99 = answers.Count(), answers.Quantile(.5), answers.Quantile(.99)
	}
	return p
}
