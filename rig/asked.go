package rig

import (
	"math"
	"time"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
)

// asked is what the load wants, beside which what there is can be put.
type asked struct {
	cfg  *Config
	held *load.Held // of the closed model; nil for others

	messages float64 // of paced traffic so far
	last     time.Duration
	before   int64 // connected at the last record
}

// Outcomes of starts, as a label has them.
const (
	startOnTime = "on_time"
	startLate   = "late"
	startMissed = "missed"
)

func newAsked(cfg *Config) *asked {
	a := &asked{cfg: cfg}
	if cfg.Play != nil {
		if held, err := cfg.Play.Plan.Held(); err == nil {
			a.held = held
		}
	}
	return a
}

// players gives how many are to be there at t; false where the load does not say, as in the open model.
func (a *asked) players(t time.Duration) (int, bool) {
	switch c := a.cfg; {
	case a.held != nil:
		return a.held.Target(t), true
	case c.Play != nil:
		return 0, false
	case t >= c.Duration:
		return 0, true
	case c.Rate > 0:
		return int(min(float64(c.Connections), math.Floor(float64(c.Rate)*t.Seconds())+1)), true
	default:
		return c.Connections, true
	}
}

// sample takes how many are connected at t.
func (a *asked) sample(t time.Duration, snap *metrics.Snapshot) {
	now := snap.States[messages.Connected]
	if c := a.cfg; c.Play == nil && c.Traffic == players.Paced {
		until := min(t, c.Duration)
		if d := until - a.last; d > 0 {
			a.messages += float64(c.MessageRate) * d.Seconds() * float64(a.before+now) / 2
		}
	}
	a.last, a.before = t, now
}

// visit shows v what was asked for up to the last sample.
func (a *asked) visit(v metrics.Visitor, s *story) {
	if n, ok := a.players(a.last); ok {
		v.Gauge(metrics.LoadPlayers, float64(n))
	}
	if a.cfg.Play == nil && a.cfg.Traffic == players.Paced {
		v.Count(metrics.LoadMessages, a.messages)
	}
	if s != nil {
		v.Count(metrics.LoadStarts, float64(s.starts.onTime.Load()), startOnTime)
		v.Count(metrics.LoadStarts, float64(s.starts.late.Load()), startLate)
		v.Count(metrics.LoadStarts, float64(s.starts.missed.Load()), startMissed)
	}
}
