package players

import (
	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
)

// pingPong is the closed loop: one message under way at a time. The first data message that comes
// back is its answer, whatever it says, and sends the next.
type pingPong struct {
	crowd    *Crowd
	meter    Meter
	intended messages.Stamp // when it was time to send: the arrival of the last answer
	sent     messages.Stamp
	waiting  bool
}

// On implements actors.Behavior.
func (p *pingPong) On(c *actors.Connection, ev messages.Event) {
	switch m := ev.(type) {
	case *messages.Message:
		if !m.Op.IsData() || !p.waiting {
			return
		}
		p.waiting = false
		tellAnswer(p.meter, p.intended, p.sent, m.At, m.Arrived)
		p.send(c, m.At)
	case *messages.Opened:
		p.send(c, messages.Now())
	case *messages.StateChanged:
		p.waiting = false
	}
}

func (p *pingPong) send(c *actors.Connection, intended messages.Stamp) {
	if p.crowd.quiet.Load() || c.Closing() {
		return
	}
	p.intended, p.sent = intended, messages.Now()
	p.waiting = c.SendText(p.crowd.payload) == nil
}
