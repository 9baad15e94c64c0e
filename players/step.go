package players

import (
	"net/http"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// step carries out one instruction of the steps, and tells whether the next can follow at once.
func (p *Player) step(c *actors.Connection, in *scenario.Instr) bool {
	switch in.Op {
	case scenario.OpConnect:
		return p.connect(c, in)
	case scenario.OpRequest:
		return p.request(c, in)
	case scenario.OpExpect:
		return p.expect(c, in)
	case scenario.OpThink:
		return p.wait(forTime, p.intended.Add(p.stage.draw(in.Arg.(*scenario.Distribution))))
	case scenario.OpLoop:
		p.counters[in.A] = counter{base: p.loopBase(in)}
	case scenario.OpLoopTest:
		return p.loopTest(in)
	case scenario.OpLoopNext:
		return p.loopNext(in)
	case scenario.OpPace:
		return p.pace(in)
	case scenario.OpHTTP:
		return p.call(c, in)
	case scenario.OpDisconnect:
		return p.disconnect(c, in)
	case scenario.OpReconnect:
		return p.reconnect(c, in)
	case scenario.OpStop:
		p.end(c)
		return false
	case scenario.OpEnd:
		return p.finished(c)
	case scenario.OpSend, scenario.OpPublish, scenario.OpPing:
		if !p.stage.connected || c.Closing() {
			// A rule has closed the connection, or the server is about to; the steps cannot go on without.
			return p.disconnected(c)
		}
		p.act(c, in, &p.pc)
		return true
	default:
		p.act(c, in, &p.pc)
		return true
	}
	p.pc++
	return true
}

// disconnected waits for the end of a connection that is closing, or deals with one that is gone.
func (p *Player) disconnected(c *actors.Connection) bool {
	if p.stage.connected {
		return p.wait(forTime, 0) // Closed comes
	}
	p.lost(c, messages.Now())
	return false
}

func (p *Player) connect(c *actors.Connection, in *scenario.Instr) bool {
	if c.Connect(p.stage.cast.Connect(int(p.n), p.opening(in))) != nil { // counted as refused
		p.stage.series.Lost(p.prog.Index)
		p.end(c)
		return false
	}
	return p.wait(forOpen, 0)
}

// opening is what of the opening handshake differs from player to player.
func (p *Player) opening(in *scenario.Instr) (o Opening) {
	s := p.stage
	sc := s.cast.Scenario
	text := func(t *scenario.Template) string {
		if t == nil {
			return ""
		}
		return string(s.render(p, t))
	}
	switch {
	case in.Arg != nil:
		o.URL = text(in.Arg.(*scenario.Template))
	case sc.URL != nil && !sc.URL.Constant:
		o.URL = text(sc.URL)
	}
	for _, h := range sc.Headers {
		if !h.Value.Constant {
			if o.Headers == nil {
				o.Headers = make(http.Header)
			}
			o.Headers.Add(h.Name, text(h.Value))
		}
	}
	if id := sc.Identity; id != nil {
		o.Identity = &Identity{text(id.User), text(id.Organization), text(id.Project), text(id.World), text(id.LaunchContext)}
	}
	return o
}

func (p *Player) disconnect(c *actors.Connection, in *scenario.Instr) bool {
	if !p.stage.connected || c.Closing() {
		return p.disconnected(c)
	}
	x := in.Arg.(*scenario.Closing)
	p.closing = true
	if c.Disconnect(messages.CloseCode(x.Code), string(p.stage.render(p, x.Reason))) != nil {
		p.closing = false
		p.pc++
		return true
	}
	return p.wait(forClosed, 0)
}

// resumed goes on where the loss came. A wait for a time goes on until then: to begin it anew would be to do again what
// is before it, as all of a loop. One that could not connect has by now.
func (p *Player) resumed() bool {
	p.pc = p.resume
	if p.own != nil && p.own.rest != 0 {
		due := p.own.rest
		p.own.rest = 0
		return p.wait(forTime, due)
	}
	if p.op() == scenario.OpConnect {
		p.pc++
	}
	return true
}

// finished ends an iteration, or what is done about a loss.
func (p *Player) finished(c *actors.Connection) bool {
	if p.inLost {
		p.inLost = false
		if !p.stage.connected {
			p.stage.series.Lost(p.prog.Index)
			p.end(c)
			return false
		}
		return p.resumed()
	}
	if p.stage.connected {
		p.closing = true
		if c.Closing() || c.Disconnect(0, "") == nil {
			return p.wait(forClosed, 0)
		}
		p.closing = false
	}
	p.stage.series.Iteration(p.prog.Index)
	p.iteration++
	if cast := p.stage.cast; p.leaving || cast.quiet.Load() || cast.Iterations > 0 && int(p.iteration) >= cast.Iterations {
		p.end(c)
		return false
	}
	if !p.stage.supplied(p) {
		p.end(c)
		return false
	}
	p.restart()
	return true
}

// loopBase gives when a loop begins. Loops with an interval begin at a place of chance in it, if players
// are to keep out of step.
func (p *Player) loopBase(in *scenario.Instr) messages.Stamp {
	l := p.prog.Code[p.pc+1].Arg.(*scenario.Loop)
	if l.Interval > 0 && p.stage.cast.Spread {
		return p.intended.Add(time.Duration(p.stage.chance.Int64N(int64(l.Interval))))
	}
	return p.intended
}

func (p *Player) loopTest(in *scenario.Instr) bool {
	l, n := in.Arg.(*scenario.Loop), &p.counters[in.A]
	over := l.Times > 0 && n.count >= l.Times ||
		l.For > 0 && p.intended.Sub(n.base) >= l.For ||
		l.When != nil && !p.stage.holds(p, l.When) ||
		p.leaving || p.stage.cast.quiet.Load()
	switch {
	case over:
		p.pc = in.B
	case l.Interval > 0 && n.count == 0 && n.base > p.intended:
		return p.wait(forTime, n.base) // proceed goes into the loop
	default:
		p.pc++
	}
	return true
}

func (p *Player) loopNext(in *scenario.Instr) bool {
	l, n := in.Arg.(*scenario.Loop), &p.counters[in.A]
	n.count++
	p.pc = in.B
	if l.Interval == 0 {
		return true
	}
	// proceed goes from before the test to the test.
	p.pc--
	due := n.base.Add(time.Duration(n.count) * l.Interval)
	return p.wait(forTime, due)
}

// pace waits for the next place in the schedule; one that is late goes on at once, and the schedule stays.
func (p *Player) pace(in *scenario.Instr) bool {
	n := &p.counters[in.A]
	n.count++
	return p.wait(forTime, n.base.Add(time.Duration(n.count)*in.Arg.(time.Duration)))
}

// act carries out an instruction that takes no time, of the steps or of a rule, and moves pc on.
func (p *Player) act(c *actors.Connection, in *scenario.Instr, pc *int32) {
	s := p.stage
	*pc++
	switch in.Op {
	case scenario.OpSend:
		m := in.Arg.(*scenario.Message)
		p.send(c, m.Binary, s.render(p, m.Body))
	case scenario.OpPublish:
		p.publish(c, in.Arg.(*scenario.Publication))
	case scenario.OpPing:
		_ = c.Ping(nil)
	case scenario.OpUnless:
		if !s.holds(p, in.Arg.(*scenario.Expr)) {
			*pc = in.B
		}
	case scenario.OpChoose:
		x := in.Arg.(*scenario.Choice)
		at := s.chance.Float64()
		for i, up := range x.Up {
			if at < up || i == len(x.Up)-1 {
				*pc = x.To[i]
				break
			}
		}
	case scenario.OpJump:
		*pc = in.B
	case scenario.OpSet:
		for _, a := range in.Arg.([]scenario.Assign) {
			s.assign(p, &p.vars[a.Slot], a.Value)
		}
	case scenario.OpCheck:
		s.series.Check(int(in.A), s.holds(p, in.Arg.(*scenario.Expr)))
	case scenario.OpLog:
		s.log(p, in.Arg.(*scenario.Template))
	case scenario.OpJoin:
		p.join(string(s.render(p, in.Arg.(*scenario.Template))))
	case scenario.OpLeave:
		p.leave(string(s.render(p, in.Arg.(*scenario.Template))))
	case scenario.OpDisconnect: // of a rule
		if s.connected && !c.Closing() {
			x := in.Arg.(*scenario.Closing)
			p.closing = true
			if c.Disconnect(messages.CloseCode(x.Code), string(s.render(p, x.Reason))) != nil {
				p.closing = false
			}
		}
	}
}

// send sends a message. What is dropped is counted by the transport, what is refused by the recorder.
func (p *Player) send(c *actors.Connection, binary bool, b []byte) {
	if binary {
		_ = c.SendBinary(b)
	} else {
		_ = c.SendText(b)
	}
}
