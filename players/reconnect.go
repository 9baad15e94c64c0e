package players

import (
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// reconnect opens the connection again, in as many attempts as the step allows, with its waits before each.
// It comes back here after each attempt that failed.
func (p *Player) reconnect(c *actors.Connection, in *scenario.Instr) bool {
	x, n := in.Arg.(*scenario.ReconnectStep), &p.counters[in.A]
	switch {
	case p.stage.connected:
		p.closing = true
		if !c.Closing() {
			_ = c.Disconnect(0, "")
		}
		return p.wait(forClosed, 0)
	case int(n.count) >= x.Limit, p.stage.cast.quiet.Load():
		n.count = 0
		p.pc = in.B
		return true
	}
	n.count++
	due := p.attemptDue(x, int(n.count))
	if due <= p.intended {
		p.attempt(c, p.intended)
		return false
	}
	return p.wait(forAttempt, due)
}

// attemptDue gives when the attempt of that number, from 1, is to be made.
func (p *Player) attemptDue(x *scenario.ReconnectStep, number int) messages.Stamp {
	s := p.stage
	switch x.Policy {
	case "fixed":
		return p.intended.Add(x.Delay)
	case "exponential":
		d := x.Delay
		for range min(number-1, 40) {
			if d *= 2; d >= x.MaxDelay {
				break
			}
		}
		d = min(d, x.MaxDelay)
		return p.intended.Add(d/2 + time.Duration(s.chance.Int64N(int64(d/2)+1))) // half of it is jitter
	case "herd":
		since := p.intended.Sub(s.cast.start)
		return s.cast.start.Add((since/x.Delay + 1) * x.Delay)
	default:
		return p.intended
	}
}

// attempt makes an attempt.
func (p *Player) attempt(c *actors.Connection, due messages.Stamp) {
	p.intended = due
	if c.Reconnect() != nil { // never connected, or the rig is stopping
		p.waiting, p.until = forNothing, 0
		p.stage.series.Lost(p.prog.Index)
		p.end(c)
		return
	}
	p.wait(forOpen, 0)
	p.setTimer(c)
}
