package rig

import (
	"fmt"
	"sync/atomic"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// recorder is the recorder of one shard: the counts of metrics, and two things that the run as a whole
// has to know at once.
type recorder struct {
	metrics.Shard
	gauges *gauges
}

// gauges are shared by the shards. They change only as connections do.
type gauges struct {
	connected atomic.Int64
	peak      atomic.Int64
	left      atomic.Int64  // players that have not ended
	over      chan struct{} // closed when none is left
	slots     chan struct{} // one taken for each handshake under way; nil if they are not bounded

	first [messages.NumCauses]atomic.Pointer[string] // what the first connection with each cause said
}

// Observe implements actors.Observer.
func (r *recorder) Observe(ev messages.Event) {
	r.Shard.Observe(ev)
	switch e := ev.(type) {
	case *messages.StateChanged:
		r.gauges.moved(e.From, e.To)
	case *messages.Closed:
		r.gauges.ended(e)
	}
}

// ended keeps the details of the first end by each cause that is not part of the plan.
func (g *gauges) ended(e *messages.Closed) {
	if e.Cause.Expected() || g.first[e.Cause].Load() != nil {
		return
	}
	var text string
	switch {
	case e.Err != nil && !e.Opened:
		text = e.Phase.String() + ": " + e.Err.Error()
	case e.Err != nil:
		text = e.Err.Error()
	case e.Cause == messages.CauseRemote:
		text = "close code " + e.Code.String()
		if e.Reason != "" {
			text += fmt.Sprintf(" %q", e.Reason)
		}
	}
	if text != "" {
		g.first[e.Cause].CompareAndSwap(nil, &text)
	}
}

// details gives what the first end by each cause said.
func (g *gauges) details() map[string]string {
	m := make(map[string]string)
	for c := range g.first {
		if s := g.first[c].Load(); s != nil {
			m[messages.Cause(c).String()] = *s
		}
	}
	return m
}

func (g *gauges) moved(from, to messages.State) {
	if from == messages.Connecting && g.slots != nil {
		select {
		case <-g.slots:
		default: // a reconnection that took none
		}
	}
	if to == messages.Disconnected && g.left.Add(-1) == 0 {
		close(g.over)
	}
	switch {
	case to == messages.Connected:
		n := g.connected.Add(1)
		for p := g.peak.Load(); n > p && !g.peak.CompareAndSwap(p, n); p = g.peak.Load() {
		}
	case from == messages.Connected:
		g.connected.Add(-1)
	}
}
