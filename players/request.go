package players

import (
	"errors"
	"hash/maphash"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// request is one whose answer has not come yet.
type request struct {
	of       *scenario.Request
	id       uint64 // hash of it
	intended messages.Stamp
	sent     messages.Stamp
}

var errNoID = errors.New("the message of the request has no id")

// maxRequests bounds the requests that one player has under way; beyond, the oldest counts as lost.
const maxRequests = 256

// request sends a message and, unless it is not to be waited for, waits for its answer.
func (p *Player) request(c *actors.Connection, in *scenario.Instr) bool {
	if !p.stage.connected || c.Closing() {
		return p.disconnected(c)
	}
	x, s := in.Arg.(*scenario.Request), p.stage
	b := s.render(p, x.Body)
	id := gjson.Get(view(b), x.ID)
	if !id.Exists() {
		s.fault(in.At, s.cast.Scenario.Requests[x.Series], errNoID)
	}
	r := request{of: x, id: s.cast.hash(id), intended: p.intended, sent: messages.Now()}
	if c.SendText(b) != nil {
		s.series.RequestLost(x.Series)
		p.pc = in.B
		return true
	}
	own := p.extra()
	p.expire(r.sent)
	if len(own.requests) >= maxRequests {
		s.series.RequestLost(own.requests[0].of.Series)
		own.requests = append(own.requests[:0], own.requests[1:]...)
	}
	own.requests = append(own.requests, r)
	if x.NoWait {
		p.pc++
		return true
	}
	own.awaited = r.id
	return p.wait(forReply, r.sent.Add(x.Timeout))
}

// hash makes an id that can be compared of text or number.
func (c *Cast) hash(id gjson.Result) uint64 {
	if id.Type == gjson.String {
		return maphash.String(c.seed, id.Str)
	}
	return maphash.String(c.seed, id.Raw)
}

// answer takes a message that may answer a request, and tells whether it does.
func (p *Player) answer(c *actors.Connection, b []byte, at messages.Stamp) bool {
	s, own := p.stage, p.own
	path, id := "", uint64(0)
	for i := range own.requests {
		r := &own.requests[i]
		if r.of.ReplyID != path { // mostly all have one path
			path = r.of.ReplyID
			v := gjson.Get(view(b), path)
			if !v.Exists() {
				path = ""
				continue
			}
			id = s.cast.hash(v)
		}
		if r.id != id {
			continue
		}
		s.series.Request(r.of.Series, r.intended, r.sent, at)
		tellAnswer(s.series, r.intended, r.sent, at, s.arrived)
		s.series.Answered(p.prog.Index, r.intended, r.sent, at)
		x := r.of
		awaited := p.waiting == forReply && own.awaited == id && p.prog.Code[p.pc].Arg == any(x)
		own.requests = append(own.requests[:i], own.requests[i+1:]...)
		s.save(p, x.Save, b)
		if awaited {
			p.proceed(c, at)
		}
		return true
	}
	return false
}

// unanswered gives up the request that is waited for.
func (p *Player) unanswered() {
	for i := range p.own.requests {
		if r := &p.own.requests[i]; r.id == p.own.awaited {
			p.stage.series.RequestLost(r.of.Series)
			p.own.requests = append(p.own.requests[:i], p.own.requests[i+1:]...)
			return
		}
	}
}

// expire gives up those that have waited too long.
func (p *Player) expire(now messages.Stamp) {
	kept := p.own.requests[:0]
	for _, r := range p.own.requests {
		if now.Sub(r.sent) > r.of.Timeout {
			p.stage.series.RequestLost(r.of.Series)
		} else {
			kept = append(kept, r)
		}
	}
	p.own.requests = kept
}

// loseAll gives up all requests, as the connection is gone.
func (p *Player) loseAll() {
	if p.own == nil {
		return
	}
	for _, r := range p.own.requests {
		p.stage.series.RequestLost(r.of.Series)
	}
	p.own.requests = p.own.requests[:0]
}
