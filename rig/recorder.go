package rig

import (
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
	slots     chan struct{} // one taken for each handshake under way; nil if they are not bounded
}

// Observe implements actors.Observer.
func (r *recorder) Observe(ev messages.Event) {
	r.Shard.Observe(ev)
	if s, ok := ev.(*messages.StateChanged); ok {
		r.gauges.moved(s.From, s.To)
	}
}

func (g *gauges) moved(from, to messages.State) {
	if from == messages.Connecting && g.slots != nil {
		select {
		case <-g.slots:
		default: // a reconnection that took none
		}
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
