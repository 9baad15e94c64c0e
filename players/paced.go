package players

import (
	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
)

// paced is the open loop: messages are due at instants fixed from the start of the run. One that is late
// is sent late and says so; none is left out.
//
// Whatever comes is one of four things: the first whole answer to a message; the first one, but changed; a further
// one, whatever it says; or nothing that this player sent. What was changed so much that the stamps are not ours
// any more is known by its size only; it counts as the first answer to a message that is not known.
type paced struct {
	crowd   *Crowd
	meter   Meter
	scratch []byte // shared by the players of the shard
	key     uint64
	pace    load.Pace
	seen    seen // the answers, by the places of their messages in the schedule
}

// On implements actors.Behavior.
func (p *paced) On(c *actors.Connection, ev messages.Event) {
	switch m := ev.(type) {
	case *messages.Message:
		if m.Op.IsData() {
			p.answer(m)
		}
	case *messages.TimerFired:
		p.send(c, m.Intended)
	case *messages.Opened:
		start := p.crowd.start
		c.SetTimer(start.Add(p.pace.From(messages.Now().Sub(start))))
	case *messages.Closed:
		c.StopTimer()
	}
}

func (p *paced) answer(m *messages.Message) {
	o, intended, sent := judge(m.Payload, p.scratch, p.key)
	switch o {
	case foreign:
		p.meter.Stray(messages.StrayForeign)
		return
	case garbled:
		p.meter.Stray(messages.StrayCorrupted)
		return
	}
	place := uint64(intended.Sub(p.crowd.start) / p.pace.Period)
	switch {
	case p.seen.take(place) == messages.OrderDuplicate:
		p.meter.Stray(messages.StrayDuplicated)
	case o == changed:
		p.meter.Stray(messages.StrayCorrupted)
	default:
		tellAnswer(p.meter, intended, sent, m.At, m.Arrived)
	}
}

func (p *paced) send(c *actors.Connection, intended messages.Stamp) {
	if p.crowd.quiet.Load() || c.Closing() {
		return
	}
	now := messages.Now()
	p.meter.Lag(now.Sub(intended))
	writeStamps(p.scratch, p.key, intended, now)
	_ = c.SendText(p.scratch) // what is dropped is counted by the transport
	c.SetTimer(intended.Add(p.pace.Period))
}
