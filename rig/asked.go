package rig

import (
	"math"
	"time"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
)

// asked is what the load wants, beside which what there is can be put.
type asked struct {
	cfg  *Config
	held *load.Held // of the closed model; nil for others

	at   time.Duration // of the last sample
	over bool          // the load is
}

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
	case c.Rate > 0:
		return int(min(float64(c.Connections), math.Floor(float64(c.Rate)*t.Seconds())+1)), true
	default:
		return c.Connections, true
	}
}

// sample takes how far the load is.
func (a *asked) sample(t time.Duration) {
	if !a.over {
		a.at = t
	}
}

// messages gives how many messages paced traffic wants up to t: the rate of each player, over all players that are
// to be there, from when they are to come.
func (a *asked) messages(t time.Duration) float64 {
	c := a.cfg
	s, players := min(t, c.Duration).Seconds(), float64(c.Connections)
	there := players * s // seconds, of all players together
	if c.Rate > 0 {
		ramp := min(s, players/float64(c.Rate))
		there = float64(c.Rate)*ramp*ramp/2 + players*(s-ramp)
	}
	return float64(c.MessageRate) * there
}

// visit shows v what was asked for up to the last sample.
func (a *asked) visit(v metrics.Visitor, s *story) {
	if a.over {
		v.Gauge(metrics.LoadPlayers, 0)
	} else if n, ok := a.players(a.at); ok {
		v.Gauge(metrics.LoadPlayers, float64(n))
	}
	if a.cfg.Play == nil && a.cfg.Traffic == players.Paced {
		v.Count(metrics.LoadMessages, a.messages(a.at))
	}
	if s != nil {
		v.Count(metrics.LoadStarts, float64(s.starts.onTime.Load()), metrics.StartOnTime)
		v.Count(metrics.LoadStarts, float64(s.starts.late.Load()), metrics.StartLate)
		v.Count(metrics.LoadStarts, float64(s.starts.missed.Load()), metrics.StartMissed)
	}
}
