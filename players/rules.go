package players

import (
	"time"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// startRules sets the schedules of the rules with an interval.
func (p *Player) startRules() {
	any := false
	for i := range p.prog.Rules {
		any = any || p.prog.Rules[i].Every > 0
	}
	if !any {
		return
	}
	x, now := p.extra(), messages.Now()
	x.rules = make([]messages.Stamp, len(p.prog.Rules))
	for i := range p.prog.Rules {
		if every := p.prog.Rules[i].Every; every > 0 {
			x.rules[i] = now.Add(every)
			if p.stage.cast.Spread {
				x.rules[i] = now.Add(1 + time.Duration(p.stage.chance.Int64N(int64(every))))
			}
		}
	}
}

// dueRules runs the rules whose time has come. Those that were missed are left out; the schedule stays.
func (p *Player) dueRules(c *actors.Connection, now messages.Stamp) {
	if p.own == nil {
		return
	}
	for i, due := range p.own.rules {
		if due == 0 || now < due {
			continue
		}
		r := &p.prog.Rules[i]
		p.own.rules[i] = due.Add((now.Sub(due)/r.Every + 1) * r.Every)
		if p.stage.connected && !c.Closing() {
			p.do(c, r.Start, due)
			if p.waiting == ended {
				return
			}
		}
	}
}

// rules runs all rules that mean a message.
func (p *Player) rules(c *actors.Connection, isBinary bool, b []byte, at messages.Stamp) {
	s := p.stage
	for i := range p.prog.Rules {
		r := &p.prog.Rules[i]
		if r.Matcher == nil || !s.matches(p, r.Matcher, isBinary, b) {
			continue
		}
		if r.Delivery >= 0 && !isBinary {
			p.delivered(r, b, at)
		}
		if r.Tick >= 0 {
			p.ticked(i, r, at)
		}
		if r.Start >= 0 {
			s.msg = b
			p.do(c, r.Start, at)
			s.msg = nil
			if p.waiting == ended {
				return
			}
		}
	}
}

// do carries out the steps of a rule, none of which waits.
func (p *Player) do(c *actors.Connection, start int, intended messages.Stamp) {
	before := p.intended
	p.intended = intended
	pc := int32(start)
	for range maxAtOnce {
		in := &p.prog.Code[pc]
		switch in.Op {
		case scenario.OpEnd:
			p.intended = before
			return
		case scenario.OpStop:
			p.end(c)
			return
		}
		p.act(c, in, &pc)
	}
	p.intended = before
}

// ticked measures how far a message is from its place in a steady rate.
func (p *Player) ticked(rule int, r *scenario.RuleProgram, at messages.Stamp) {
	x := p.extra()
	if x.ticks == nil {
		x.ticks = make([]messages.Stamp, len(p.prog.Rules))
	}
	if last := x.ticks[rule]; last != 0 {
		p.stage.series.Tick(r.Tick, at.Sub(last)-r.Interval)
	}
	x.ticks[rule] = at
}

// delivered counts that this player got what was published to an audience. What looks like a stamp and is none is one
// that was changed: which message it was of, and so whether it came before, is past telling.
func (p *Player) delivered(r *scenario.RuleProgram, b []byte, at messages.Stamp) {
	v := gjson.Get(view(b), r.Stamp)
	if v.Type != gjson.String {
		return
	}
	switch st, o := p.stage.cast.readStamp(v.Str); o {
	case whole:
		p.stage.series.Delivered(r.Delivery, at.Sub(st.sent), p.order(st))
	case garbled:
		p.stage.series.Delivered(r.Delivery, 0, messages.OrderCorrupt)
	}
}

// maxSenders bounds the senders that one player tells apart; those beyond are taken to be in order.
const maxSenders = 4096

// order tells how a message relates to those before it from its sender.
func (p *Player) order(st stamp) messages.Order {
	x := p.extra()
	if x.senders == nil {
		x.senders = make(map[uint64]seen)
	}
	was, known := x.senders[st.sender]
	if !known && len(x.senders) >= maxSenders {
		return messages.OrderKept
	}
	o := was.take(uint64(st.seq))
	x.senders[st.sender] = was
	return o
}
