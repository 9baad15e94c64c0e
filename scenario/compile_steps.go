package scenario

import (
	"slices"
	"strconv"
	"strings"
)

func (c *compiler) steps(steps []*Step) {
	for i, s := range steps {
		if c.full() {
			return
		}
		c.step(s)
		if i+1 < len(steps) && c.link.ended {
			why := "always ends the player"
			if s.Kind == "every" {
				why = "has neither times nor for, and so never ends"
			}
			c.wrong(steps[i+1].At, "step %s can never be reached: the %s before it %s", steps[i+1].Kind, s.Kind, why)
			c.link.ended = false
		}
	}
}

func (c *compiler) step(s *Step) {
	if s.bad {
		c.skip(s)
		return
	}
	if c.inRule && !actsAtOnce(s) {
		c.wrong(s.At, "step %s: a rule cannot wait, and %s does; want send, publish, ping, set, check, log, if, choose, call, join, leave, disconnect or stop", s.Kind, s.Kind)
		return
	}
	c.follow(s)
	switch b := s.Body.(type) {
	case *ConnectStep:
		in := Instr{Op: OpConnect, At: s.At}
		if b.URL != "" {
			in.Arg = c.url(b.URL, b.URLAt, "ws://", "wss://")
		}
		c.emit(in)
	case *SendStep:
		m := c.message(&b.Payload, "json", "text", "hex", "base64", "file")
		c.emit(Instr{Op: OpSend, Arg: &m, At: s.At})
	case *RequestStep:
		c.request(s, b)
	case *ExpectStep:
		c.expect(s, b)
	case *ThinkStep:
		c.emit(Instr{Op: OpThink, Arg: &b.Time, At: s.At})
	case *LoopStep:
		c.loop(s, b)
	case *IfStep:
		c.branch(s, b)
	case *ChooseStep:
		c.choose(s, b)
	case *PaceStep:
		c.paces = append(c.paces, c.emit(Instr{Op: OpPace, Arg: b.Interval, At: s.At}))
	case *PingStep:
		c.emit(Instr{Op: OpPing, At: s.At})
	case *HTTPStep:
		c.http(s, b)
	case *DisconnectStep:
		c.emit(Instr{Op: OpDisconnect, Arg: c.closing(b), At: s.At})
	case *ReconnectStep:
		c.reconnect(s, b)
	case *SetStep:
		c.emit(Instr{Op: OpSet, Arg: c.assign(b.Vars), At: s.At})
	case *CheckStep:
		check := c.series(&c.out.Checks, b.Name, maxChecks, b.NameAt)
		c.emit(Instr{Op: OpCheck, A: int32(check), Arg: c.expr(b.That, spot{at: b.ThatAt, token: b.That}, true), At: s.At})
	case *LogStep:
		c.emit(Instr{Op: OpLog, Arg: c.template(b.Text, b.At, Raw), At: s.At})
	case *CallStep:
		c.call(b)
	case *AudienceStep:
		op := OpJoin
		if s.Kind == "leave" {
			op = OpLeave
		}
		c.joined = c.joined || op == OpJoin
		c.emit(Instr{Op: op, Arg: c.template(b.Name, b.At, Raw), At: s.At})
	case *PublishStep:
		c.publish(s, b)
	case *StopStep:
		c.emit(Instr{Op: OpStop, At: s.At})
		c.link.ended = true
	}
}

// skip goes by a step that was not read without mistakes, and compiles what is within it.
func (c *compiler) skip(s *Step) {
	if s.Body == nil {
		c.link = link{open: true, closed: true} // whatever it was meant to be
		return
	}
	c.follow(s)
	before := c.link
	for _, inner := range s.inner() {
		c.link = before
		c.steps(inner)
	}
	c.link = link{open: true, closed: true}
	if _, ok := s.Body.(*StopStep); ok {
		c.link.ended = true
	}
}

// actsAtOnce tells steps that take no time, which a rule may have.
func actsAtOnce(s *Step) bool {
	switch s.Body.(type) {
	case *SendStep, *PublishStep, *PingStep, *SetStep, *CheckStep, *LogStep, *IfStep, *ChooseStep, *CallStep, *AudienceStep, *DisconnectStep, *StopStep:
		return true
	}
	return false
}

func (c *compiler) assign(vars []*Var) (out []Assign) {
	for _, v := range vars {
		if v.Tree != nil {
			out = append(out, Assign{c.slot(v.Name), c.valueOf(v.Tree)})
		}
	}
	return out
}

// otherwise compiles what a step does if it fails; the instruction at is told where that begins. failed is
// what is known of the connection then.
func (c *compiler) otherwise(at int, steps []*Step, failed link) {
	if len(steps) == 0 {
		c.prog.Code[at].B = c.here()
		return
	}
	before := c.link
	over := c.emit(Instr{Op: OpJump})
	c.prog.Code[at].B = c.here()
	c.link = failed
	c.steps(steps)
	c.prog.Code[over].B = c.here()
	c.link = before.or(c.link)
}

func (c *compiler) request(s *Step, b *RequestStep) {
	r := &Request{
		Message: c.message(&b.Payload, "json", "text"), Series: c.series(&c.out.Requests, b.Name, maxSeries, b.NameAt),
		Timeout: b.Timeout, NoWait: b.NoWait, Save: c.save(b.Save), ID: c.path(b.ID, b.IDAt),
	}
	r.ReplyID = r.ID
	if b.ReplyID != "" {
		r.ReplyID = c.path(b.ReplyID, b.ReplyAt)
	}
	c.jsonOnly(b.Save, "request")
	at := c.emit(Instr{Op: OpRequest, Arg: r, At: s.At})
	c.otherwise(at, b.Else, c.link)
}

func (c *compiler) expect(s *Step, b *ExpectStep) {
	if b.Match.empty() {
		c.wrong(b.Match.At, "expect: got no condition, want json, text, contains, regex, where or hex")
	}
	name, at := b.Name, b.NameAt
	if name == "" {
		name, at = "expect in line "+strconv.Itoa(s.At.Line), s.At
	}
	m := c.matcher(&b.Match, "expect")
	c.prog.Mail = append(c.prog.Mail, m)
	e := &Expect{Check: c.series(&c.out.Checks, name, maxChecks, at), Matcher: m, Timeout: b.Timeout, Save: c.save(b.Save)}
	c.otherwise(c.emit(Instr{Op: OpExpect, Arg: e, At: s.At}), b.Else, c.link)
}

func (c *compiler) reconnect(s *Step, b *ReconnectStep) {
	if b.MaxDelay < b.Delay && b.Policy == "exponential" {
		c.wrong(s.At, "reconnect: got max_delay %v, want no less than delay, %v", b.MaxDelay, b.Delay)
	}
	n, done := c.counter()
	at := c.emit(Instr{Op: OpReconnect, A: n, Arg: b, At: s.At})
	done()
	c.otherwise(at, b.Else, link{closed: true})
}

func (c *compiler) loop(s *Step, b *LoopStep) {
	l := &Loop{Interval: b.Interval, Times: int64(b.Times), For: b.For}
	if s.Kind == "while" {
		l.When = c.expr(b.When, spot{at: b.WhenAt, token: b.When}, true)
	}
	n, done := c.counter()
	c.emit(Instr{Op: OpLoop, A: n, At: s.At})
	test := c.emit(Instr{Op: OpLoopTest, A: n, Arg: l, At: s.At})
	before := c.link
	c.steps(b.Do)
	c.emit(Instr{Op: OpLoopNext, A: n, B: int32(test), Arg: l, At: s.At})
	c.prog.Code[test].B = c.here()
	c.link = before.or(c.link)
	c.link.ended = s.Kind == "every" && b.Times == 0 && b.For == 0
	done()
	if len(b.Do) == 0 {
		c.wrong(s.At, "%s: got no steps to do, want some", s.Kind)
	}
}

func (c *compiler) branch(s *Step, b *IfStep) {
	at := c.emit(Instr{Op: OpUnless, Arg: c.expr(b.When, spot{at: b.WhenAt, token: b.When}, true), At: s.At})
	before := c.link
	c.steps(b.Then)
	then := c.link
	c.link = before
	if len(b.Else) == 0 {
		c.prog.Code[at].B = c.here()
		c.link = then.or(before)
		return
	}
	over := c.emit(Instr{Op: OpJump})
	c.prog.Code[at].B = c.here()
	c.steps(b.Else)
	c.prog.Code[over].B = c.here()
	c.link = then.or(c.link)
}

func (c *compiler) choose(s *Step, b *ChooseStep) {
	sum := 0.0
	for _, w := range b.Ways {
		sum += w.Weight
	}
	if sum <= 0 {
		c.wrong(b.At, "choose: the weights add up to 0, want more")
		return
	}
	choice := new(Choice)
	c.emit(Instr{Op: OpChoose, Arg: choice, At: s.At})
	before, after := c.link, link{ended: true}
	var outs []int
	up := 0.0
	for _, w := range b.Ways {
		up += w.Weight / sum
		choice.Up = append(choice.Up, up)
		choice.To = append(choice.To, c.here())
		c.link = before
		c.steps(w.Do)
		after = after.or(c.link)
		outs = append(outs, c.emit(Instr{Op: OpJump}))
	}
	choice.Up[len(choice.Up)-1] = 1
	for _, o := range outs {
		c.prog.Code[o].B = c.here()
	}
	c.link = after
}

func (c *compiler) http(s *Step, b *HTTPStep) {
	name, nameAt := b.Name, b.NameAt
	if name == "" {
		name, nameAt = "http in line "+strconv.Itoa(s.At.Line), s.At
	}
	h := &HTTP{
		Series: c.series(&c.out.Requests, name, maxSeries, nameAt), Method: b.Method, Timeout: b.Timeout,
		URL: c.url(b.URL, b.URLAt, "http://", "https://"), Headers: c.headers(b.Headers),
		Statuses: b.Statuses, Save: c.save(b.Save),
	}
	body := b.Payload.JSON != nil || b.Payload.Text != nil
	switch {
	case b.Payload.JSON != nil && b.Payload.Text != nil:
		c.wrong(s.At, "http: got json and text, want one")
	case body && (b.Method == "GET" || b.Method == "HEAD"):
		c.wrong(s.At, "http: got a body with method %s, want method POST, PUT, PATCH or DELETE", b.Method)
	case b.Payload.JSON != nil:
		h.Body, h.JSON = c.json(b.Payload.JSON), true
	case b.Payload.Text != nil:
		h.Body = c.template(*b.Payload.Text, b.Payload.valueAt, Raw)
	}
	c.jsonOnly(b.Save, "http")
	c.otherwise(c.emit(Instr{Op: OpHTTP, Arg: h, At: s.At}), b.Else, c.link)
}

func (c *compiler) headers(hs []*Header) (out []HeaderTemplate) {
	for _, h := range hs {
		out = append(out, HeaderTemplate{h.Name, c.template(h.Value, h.ValueAt, Raw)})
	}
	return out
}

// maxReason is what a close frame holds besides its code (RFC 6455 §5.5).
const maxReason = 123

func (c *compiler) closing(b *DisconnectStep) *Closing {
	code := b.Code
	if code == 0 {
		code = 1000
	}
	if code < 3000 && !slices.Contains([]int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}, code) {
		c.wrong(b.CodeAt, "disconnect: got code %d, which may not be sent (RFC 6455 §7.4); want 1000, 1001, or 3000 to 4999", code)
	}
	reason := c.template(b.Reason, b.ReasonAt, Raw)
	if n := len(reason.Text()); n > maxReason {
		c.wrong(b.ReasonAt, "disconnect: got a reason of %d bytes, want at most %d", n, maxReason)
	}
	return &Closing{Code: code, Reason: reason}
}

func (c *compiler) call(b *CallStep) {
	f := c.fragment(b.Fragment)
	switch {
	case f == nil && c.hidden[b.Fragment]:
	case f == nil:
		var names []string
		for _, f := range c.file.Fragments {
			names = append(names, f.Name)
		}
		c.wrong(b.At, "call: unknown fragment %q: %s", clip(b.Fragment, 60), among(b.Fragment, names))
	case slices.Contains(c.calls, f.Name):
		c.wrong(b.At, "call: %s calls itself", strings.Join(append(c.calls, f.Name), " → "))
	case len(c.calls) == maxDepth:
		c.wrong(b.At, "call: fragments call fragments more than %d deep", maxDepth)
	case c.put == maxCode:
		c.wrong(b.At, "call: got more than %d calls with the fragments put in, want fewer", maxCode)
		c.put++ // say it once
	case c.put > maxCode:
	case len(c.prog.Code) < maxCode:
		c.put++
		c.called[f.Name] = true
		c.calls = append(c.calls, f.Name)
		c.steps(f.Steps)
		c.calls = c.calls[:len(c.calls)-1]
	}
}

func (c *compiler) publish(s *Step, b *PublishStep) {
	stamps := c.stamps
	c.stampable = true
	m := c.message(&b.Payload, "json", "text")
	c.stampable = false
	p := &Publication{
		Message: m, Series: c.series(&c.out.Deliveries, b.Name, maxSeries, b.NameAt),
		Audience: c.template(b.Audience, b.AudienceAt, Raw),
	}
	if c.stamps == stamps {
		c.wrong(s.At, "publish: got no {{ stamp }} in the message, by which those who get it tell it from others")
	}
	c.published[b.Name] = b.NameAt
	c.emit(Instr{Op: OpPublish, Arg: p, At: s.At})
}
