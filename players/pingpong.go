package players

import (
	"bytes"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
)

// pingPong is the closed loop: one message under way at a time, whose answer sends the next.
//
// A message with room for stamps has them, and its answer is what comes back with them. Until the first such echo
// any message is the answer, whatever it says, as from a server that does not echo. Where there is no room, any
// message is the answer, but for one that is as long as what was sent and is not that: it is a changed one.
type pingPong struct {
	crowd    *Crowd
	meter    Meter
	scratch  []byte // shared by the players of the shard
	key      uint64
	intended messages.Stamp // when it was time to send: the arrival of the last answer
	sent     messages.Stamp
	waiting  bool
	echoes   bool // something came back with stamps
}

// On implements actors.Behavior.
func (p *pingPong) On(c *actors.Connection, ev messages.Event) {
	switch m := ev.(type) {
	case *messages.Message:
		if m.Op.IsData() {
			p.answer(c, m)
		}
	case *messages.Opened:
		p.send(c, messages.Now())
	case *messages.StateChanged:
		p.waiting = false
	}
}

func (p *pingPong) answer(c *actors.Connection, m *messages.Message) {
	switch o := p.judge(m.Payload); {
	case o == duplicate:
		p.meter.Stray(messages.StrayDuplicated)
		return
	case o == foreign:
		p.meter.Stray(messages.StrayForeign)
		return
	case o == whole:
		tellAnswer(p.meter, p.intended, p.sent, m.At, m.Arrived)
	default:
		p.meter.Stray(messages.StrayCorrupted)
	}
	p.waiting = false
	p.send(c, m.At)
}

// judge tells what b is: what answers the message under way, whole or not, or nothing of the kind.
func (p *pingPong) judge(b []byte) origin {
	if len(p.scratch) < stampSize {
		return p.judgeBare(b)
	}
	o, intended, sent := judge(b, p.scratch, p.key)
	echoed := p.echoes
	switch {
	case o == whole, o == changed:
		p.echoes = true
		if p.waiting && intended == p.intended && sent == p.sent {
			return o
		}
		if !echoed { // what was taken for its answer was none
			return foreign
		}
		return duplicate
	case !p.waiting && o == garbled:
		return duplicate
	case o == foreign && p.waiting && !echoed:
		return whole
	}
	return o
}

// judgeBare is judge of what has no stamps: whether it answers the message under way, or once more the one before,
// is not to be seen.
func (p *pingPong) judgeBare(b []byte) origin {
	switch similar := len(b) == len(p.scratch); {
	case similar && !p.waiting:
		return duplicate
	case similar && !bytes.Equal(b, p.scratch):
		return garbled
	case p.waiting:
		return whole
	}
	return foreign
}

func (p *pingPong) send(c *actors.Connection, intended messages.Stamp) {
	if p.crowd.quiet.Load() || c.Closing() {
		return
	}
	p.intended, p.sent = intended, messages.Now()
	if len(p.scratch) >= stampSize {
		writeStamps(p.scratch, p.key, p.intended, p.sent)
	}
	p.waiting = c.SendText(p.scratch) == nil
}
