package players

import (
	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
)

// paced is the open loop: messages are due at instants fixed from the start of the run. One that is late
// is sent late and says so; none is left out.
type paced struct {
	crowd   *Crowd
	meter   Meter
	scratch []byte // shared by the players of the shard
	pace    load.Pace
}

// On implements actors.Behavior.
func (p *paced) On(c *actors.Connection, ev messages.Event) {
	switch m := ev.(type) {
	case *messages.Message:
		if intended, sent, ok := readStamps(m.Payload, p.key(c)); ok && m.Op.IsData() {
			tellAnswer(p.meter, intended, sent, m.At, m.Arrived)
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

func (p *paced) send(c *actors.Connection, intended messages.Stamp) {
	if p.crowd.quiet.Load() || c.Closing() {
		return
	}
	now := messages.Now()
	p.meter.Lag(now.Sub(intended))
	writeStamps(p.scratch, p.key(c), intended, now)
	_ = c.SendText(p.scratch) // what is dropped is counted by the transport
	c.SetTimer(intended.Add(p.pace.Period))
}

func (p *paced) key(c *actors.Connection) uint64 { return p.crowd.secret ^ uint64(c.ID()) }
