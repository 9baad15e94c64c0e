package scenario

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// compiler turns the populations of a file into programs.
type compiler struct {
	*source
	file   *File
	dir    string // of the scenario file, for the files that it names
	out    *Scenario
	scope  *scope
	prog   *Program
	calls  []string // fragments being compiled, to find circles
	loops  int      // under way
	stamps int      // {{ stamp }} met so far
	inRule bool     // steps may not wait
	link   link     // what is known of the connection at this point
}

// maxCode bounds a program; fragments are copied to where they are called.
const maxCode = 100_000

func (c *compiler) population(p *Population) {
	prog := &Program{Name: p.Name, Weight: p.Weight, Lost: -1}
	c.prog, c.scope = prog, &scope{}
	for _, d := range c.file.Data {
		c.scope.feeds = append(c.scope.feeds, d.Name)
	}
	vars := slices.Concat(c.file.Vars, p.Vars)
	for _, v := range vars {
		c.declare(v.Name, v.At)
	}
	c.declareSaved(p)
	for _, v := range vars {
		if v.Tree != nil {
			prog.Init = append(prog.Init, Assign{slices.Index(c.scope.vars, v.Name), c.valueOf(v.Tree)})
		}
	}
	for _, h := range c.file.Target.Headers {
		if strings.Contains(h.Value, "{{") {
			prog.Headers = append(prog.Headers, HeaderTemplate{h.Name, c.template(h.Value, h.At, Raw)})
		}
	}
	switch p.Split {
	case "lines":
		prog.Split = "\n"
	default:
		prog.Split = p.Split
	}
	c.link = link{}
	c.steps(p.Steps)
	c.emit(Instr{Op: OpEnd})
	if len(p.Lost) > 0 {
		prog.Lost = len(prog.Code)
		c.link = link{closed: true}
		c.steps(p.Lost)
		c.emit(Instr{Op: OpEnd})
	}
	for _, r := range p.Rules {
		c.rule(r)
	}
	if len(p.Steps) == 0 {
		c.wrong(p.At, "%s: got no steps, want some, as connect", p.Name)
	}
	prog.Vars = c.scope.vars
	c.out.Programs = append(c.out.Programs, prog)
}

// declare makes a slot for a variable.
func (c *compiler) declare(name string, at Pos) {
	if slices.Contains(c.scope.feeds, name) {
		c.wrong(at, "variable %s: there is data of that name", name)
	}
	if !slices.Contains(c.scope.vars, name) {
		c.scope.vars = append(c.scope.vars, name)
	}
}

// declareSaved makes slots for what steps save and set, wherever they are, so that they can be used
// before they have a value.
func (c *compiler) declareSaved(p *Population) {
	c.declareSteps(p.Steps, nil)
	c.declareSteps(p.Lost, nil)
	for _, r := range p.Rules {
		c.declareSteps(r.Do, nil)
	}
}

func (c *compiler) declareSteps(steps []*Step, within []string) {
	saves := func(es []*Extract) {
		for _, e := range es {
			c.declare(e.Var, e.At)
		}
	}
	for _, s := range steps {
		switch b := s.Body.(type) {
		case *RequestStep:
			saves(b.Save)
		case *ExpectStep:
			saves(b.Save)
		case *HTTPStep:
			saves(b.Save)
		case *SetStep:
			for _, v := range b.Vars {
				c.declare(v.Name, v.At)
			}
		case *CallStep:
			if f := c.fragment(b.Fragment); f != nil && !slices.Contains(within, f.Name) {
				c.declareSteps(f.Steps, append(within, f.Name))
			}
		}
		for _, inner := range s.inner() {
			c.declareSteps(*inner, within)
		}
	}
}

// inner gives the lists of steps within a step.
func (s *Step) inner() []*[]*Step {
	switch b := s.Body.(type) {
	case *RequestStep:
		return []*[]*Step{&b.Else}
	case *ExpectStep:
		return []*[]*Step{&b.Else}
	case *HTTPStep:
		return []*[]*Step{&b.Else}
	case *ReconnectStep:
		return []*[]*Step{&b.Else}
	case *LoopStep:
		return []*[]*Step{&b.Do}
	case *IfStep:
		return []*[]*Step{&b.Then, &b.Else}
	case *ChooseStep:
		var all []*[]*Step
		for _, w := range b.Ways {
			all = append(all, &w.Do)
		}
		return all
	}
	return nil
}

func (c *compiler) fragment(name string) *Fragment {
	for _, f := range c.file.Fragments {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func (c *compiler) emit(in Instr) int {
	if len(c.prog.Code) == maxCode {
		c.wrong(in.At, "steps: more than %d after fragments are put in; use fewer calls", maxCode)
	}
	if len(c.prog.Code) <= maxCode {
		c.prog.Code = append(c.prog.Code, in)
	}
	return len(c.prog.Code) - 1
}

func (c *compiler) here() int32 { return int32(len(c.prog.Code)) }

// counter gives a place for the count of a loop, until done is called.
func (c *compiler) counter() (n int32, done func()) {
	n = int32(c.loops)
	c.loops++
	c.prog.Counters = max(c.prog.Counters, c.loops)
	return n, func() { c.loops-- }
}

func (c *compiler) steps(steps []*Step) {
	for i, s := range steps {
		c.step(s)
		if i+1 < len(steps) && c.link.ended {
			c.wrong(steps[i+1].At, "step %s can never be reached: the step before it, %s, never ends", steps[i+1].Kind, s.Kind)
			c.link.ended = false
		}
	}
}

// otherwise compiles what a step does if it fails; the instruction at is told where that begins.
func (c *compiler) otherwise(at int, steps []*Step) {
	if len(steps) == 0 {
		c.prog.Code[at].B = c.here()
		return
	}
	before := c.link
	over := c.emit(Instr{Op: OpJump})
	c.prog.Code[at].B = c.here()
	c.steps(steps)
	c.prog.Code[over].B = c.here()
	c.link = before.or(c.link)
}

func (c *compiler) step(s *Step) {
	if c.inRule && !actsAtOnce(s) {
		c.wrong(s.At, "step %s: a rule cannot wait, and %s does; want send, publish, ping, set, check, log, if, choose, call, join, leave, disconnect or stop", s.Kind, s.Kind)
		return
	}
	c.link.check(c, s)
	switch b := s.Body.(type) {
	case *ConnectStep:
		in := Instr{Op: OpConnect, At: s.At}
		switch t := &c.file.Target; {
		case b.URL != "":
			in.Arg = c.url(b.URL, b.URLAt)
		case strings.Contains(t.URL, "{{"):
			in.Arg = c.url(t.URL, t.URLAt)
		}
		c.emit(in)
	case *SendStep:
		m := c.message(&b.Payload)
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
		n, _ := c.counter() // kept: the schedule goes on through the iteration
		c.emit(Instr{Op: OpPace, A: n, Arg: b.Interval, At: s.At})
	case *PingStep:
		c.emit(Instr{Op: OpPing, At: s.At})
	case *HTTPStep:
		c.http(s, b)
	case *DisconnectStep:
		c.emit(Instr{Op: OpDisconnect, Arg: c.closing(s, b), At: s.At})
	case *ReconnectStep:
		n, done := c.counter()
		at := c.emit(Instr{Op: OpReconnect, A: n, Arg: b, At: s.At})
		done()
		c.otherwise(at, b.Else)
	case *SetStep:
		var set []Assign
		for _, v := range b.Vars {
			if v.Tree != nil {
				set = append(set, Assign{slices.Index(c.scope.vars, v.Name), c.valueOf(v.Tree)})
			}
		}
		c.emit(Instr{Op: OpSet, Arg: set, At: s.At})
	case *CheckStep:
		c.emit(Instr{Op: OpCheck, A: int32(c.series(&c.out.Checks, b.Name, s.At)), Arg: c.expr(b.That, b.ThatAt, true), At: s.At})
	case *LogStep:
		c.emit(Instr{Op: OpLog, Arg: c.template(b.Text, b.At, Raw), At: s.At})
	case *CallStep:
		c.call(b)
	case *AudienceStep:
		op := OpJoin
		if s.Kind == "leave" {
			op = OpLeave
		}
		c.emit(Instr{Op: op, Arg: c.template(b.Name, b.At, Raw), At: s.At})
	case *PublishStep:
		c.publish(s, b)
	case *StopStep:
		c.emit(Instr{Op: OpStop, At: s.At})
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

// Bounds of the series of each kind, as package metrics has them: each takes fixed memory on each shard, and
// its name is the value of a label.
const (
	maxSeries     = 64
	maxSeriesName = 100 // bytes
)

// series gives the index of a series among those of its kind.
func (c *compiler) series(names *[]string, name string, at Pos) int {
	if i := slices.Index(*names, name); i >= 0 {
		return i
	}
	switch {
	case name == "" || len(name) > maxSeriesName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.wrong(at, "name: got %q, want 1 to %d bytes of printable text", clip(name, 40), maxSeriesName)
		return 0
	case len(*names) == maxSeries:
		c.wrong(at, "series %s: there are %d already, want at most %d", name, maxSeries, maxSeries)
		return 0
	}
	*names = append(*names, name)
	return len(*names) - 1
}

func (c *compiler) url(s string, at Pos) *Template {
	t := c.template(s, at, Raw)
	if len(t.Segments) > 0 && t.Segments[0].Kind == SegText && !strings.HasPrefix(string(t.Segments[0].Text), "ws://") && !strings.HasPrefix(string(t.Segments[0].Text), "wss://") {
		c.wrong(at, "url: got %q, want ws://… or wss://…", clip(s, 80))
	}
	return t
}

// message makes a payload ready; it must be exactly one.
func (c *compiler) message(p *Payload) Message {
	n := 0
	for _, given := range []bool{p.JSON != nil, p.Text != nil, p.Hex != "", p.Base64 != "", p.File != ""} {
		if given {
			n++
		}
	}
	if n != 1 {
		c.wrong(p.At, "message: got %d of json, text, hex, base64 and file, want one", n)
		return Message{Body: new(Template)}
	}
	var b []byte
	var err error
	switch {
	case p.JSON != nil:
		return Message{Body: c.json(p.JSON)}
	case p.Text != nil:
		return Message{Body: c.template(*p.Text, p.At, Raw)}
	case p.Hex != "":
		b, err = hex.DecodeString(strings.Join(strings.Fields(p.Hex), ""))
	case p.Base64 != "":
		b, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(p.Base64), ""))
	default:
		b, err = c.read(p.File)
	}
	if err != nil {
		c.wrong(p.At, "message: %v", err)
	}
	t := &Template{At: p.At}
	t.plain(string(b))
	t.done()
	return Message{Binary: true, Body: t}
}

// maxPayloadFile bounds a file that is sent whole.
const maxPayloadFile = 16 << 20

func (c *compiler) read(name string) ([]byte, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.dir, path)
	}
	if st, err := os.Stat(path); err == nil && st.Size() > maxPayloadFile {
		return nil, errTooLarge{name, st.Size(), maxPayloadFile}
	}
	return os.ReadFile(path)
}

type errTooLarge struct {
	name      string
	got, most int64
}

func (e errTooLarge) Error() string {
	return e.name + ": got " + strconv.FormatInt(e.got, 10) + " bytes, want at most " + strconv.FormatInt(e.most, 10)
}

// path turns the simple subset of JSONPath, $.a.b[0], into gjson's a.b.0, which is taken as it is too.
func (c *compiler) path(s string, at Pos) string {
	p, dollar := strings.CutPrefix(s, "$")
	if dollar {
		p = strings.TrimPrefix(p, ".")
		p = strings.NewReplacer("[", ".", "]", "").Replace(p)
		p = strings.TrimPrefix(p, ".")
		if p == "" {
			p = "@this"
		}
	}
	if p == "" || strings.ContainsAny(p, "\x00\n") {
		c.wrong(at, "path: got %q, want one as $.user.name or items.0", clip(s, 60))
	}
	return p
}

func (c *compiler) save(es []*Extract) (out []Save) {
	for _, e := range es {
		s := Save{Slot: slices.Index(c.scope.vars, e.Var), Offset: e.Offset, Length: e.Length, As: e.As}
		if e.As == "" {
			s.Path = c.path(e.Path, e.At)
		}
		out = append(out, s)
	}
	return out
}

func (c *compiler) request(s *Step, b *RequestStep) {
	r := &Request{Message: c.message(&b.Payload), Series: c.series(&c.out.Requests, b.Name, b.NameAt), Timeout: b.Timeout, NoWait: b.NoWait, Save: c.save(b.Save)}
	r.ID = c.path(b.ID, b.IDAt)
	r.ReplyID = r.ID
	if b.ReplyID != "" {
		r.ReplyID = c.path(b.ReplyID, b.IDAt)
	}
	if b.Payload.Binary() {
		c.wrong(b.Payload.At, "request: got a binary message, which has no JSON path for an id; want json or text")
	}
	at := c.emit(Instr{Op: OpRequest, Arg: r, At: s.At})
	c.otherwise(at, b.Else)
}

func (c *compiler) expect(s *Step, b *ExpectStep) {
	if b.Match.empty() {
		c.wrong(b.Match.At, "expect: got no condition, want json, text, contains, regex, where or hex")
	}
	name := b.Name
	if name == "" {
		name = "expect in line " + strconv.Itoa(s.At.Line)
	}
	m := c.matcher(&b.Match)
	if !slices.Contains(c.prog.Mail, m) {
		c.prog.Mail = append(c.prog.Mail, m)
	}
	at := c.emit(Instr{Op: OpExpect, Arg: &Expect{Check: c.series(&c.out.Checks, name, s.At), Matcher: m, Timeout: b.Timeout, Save: c.save(b.Save)}, At: s.At})
	c.otherwise(at, b.Else)
}

func (c *compiler) matcher(m *Match) *Matcher {
	out := &Matcher{Offset: m.Offset}
	for _, v := range m.JSON {
		if v.Tree != nil {
			out.JSON = append(out.JSON, Wanted{c.path(v.Name, v.At), c.valueOf(v.Tree)})
		}
	}
	if m.Text != nil {
		out.Text = c.template(*m.Text, m.At, Raw)
	}
	if m.Contains != "" {
		out.Contains = c.template(m.Contains, m.At, Raw)
	}
	var err error
	if m.Regex != "" {
		if out.Regex, err = regexp.Compile(m.Regex); err != nil {
			c.wrong(m.RegexAt, "regex: %v", err)
		}
	}
	if m.Where != "" {
		out.Where = c.expr(m.Where, m.WhereAt, true)
	}
	if m.Hex != "" {
		if out.Bytes, err = hex.DecodeString(strings.Join(strings.Fields(m.Hex), "")); err != nil {
			c.wrong(m.HexAt, "hex: %v", err)
		}
	}
	return out
}

func (c *compiler) loop(s *Step, b *LoopStep) {
	l := &Loop{Interval: b.Interval, Times: int64(b.Times), For: b.For}
	if b.When != "" {
		l.When = c.expr(b.When, b.WhenAt, true)
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
		c.wrong(s.At, "%s: got no steps to do", s.Kind)
	}
}

func (c *compiler) branch(s *Step, b *IfStep) {
	at := c.emit(Instr{Op: OpUnless, Arg: c.expr(b.When, b.WhenAt, true), At: s.At})
	before := c.link
	c.steps(b.Then)
	then := c.link
	c.link = before
	c.otherwise(at, b.Else)
	c.link = then.or(c.link)
	c.link.ended = then.ended && c.link.ended && len(b.Else) > 0
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
	name := b.Name
	if name == "" {
		name = "http in line " + strconv.Itoa(s.At.Line)
	}
	h := &HTTP{Series: c.series(&c.out.Requests, name, s.At), Method: b.Method, URL: c.template(b.URL, b.URLAt, Raw), Timeout: b.Timeout, Save: c.save(b.Save)}
	if t := h.URL; len(t.Segments) > 0 && t.Segments[0].Kind == SegText && !strings.HasPrefix(string(t.Segments[0].Text), "http://") && !strings.HasPrefix(string(t.Segments[0].Text), "https://") {
		c.wrong(b.URLAt, "url: got %q, want http://… or https://…", clip(b.URL, 80))
	}
	for _, hd := range b.Headers {
		h.Headers = append(h.Headers, HeaderTemplate{hd.Name, c.template(hd.Value, hd.At, Raw)})
	}
	switch {
	case b.Payload.JSON != nil && b.Payload.Text != nil:
		c.wrong(s.At, "http: got json and text, want one")
	case b.Payload.JSON != nil:
		h.Body, h.JSON = c.json(b.Payload.JSON), true
	case b.Payload.Text != nil:
		h.Body = c.template(*b.Payload.Text, s.At, Raw)
	}
	for _, st := range b.Statuses {
		n, err := strconv.Atoi(st)
		if err != nil || n < 100 || n > 599 {
			c.wrong(s.At, "status: got %q, want 100 to 599", clip(st, 20))
		}
		h.Statuses = append(h.Statuses, n)
	}
	at := c.emit(Instr{Op: OpHTTP, Arg: h, At: s.At})
	c.otherwise(at, b.Else)
}

func (c *compiler) closing(s *Step, b *DisconnectStep) *Closing {
	code := b.Code
	if code == 0 {
		code = 1000
	}
	if code > 1000 && code < 3000 && !slices.Contains([]int{1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}, code) {
		c.wrong(s.At, "disconnect: code %d may not be sent (RFC 6455 §7.4); want 1000, 1001, or 3000 to 4999", code)
	}
	return &Closing{Code: code, Reason: c.template(b.Reason, s.At, Raw)}
}

func (c *compiler) call(b *CallStep) {
	f := c.fragment(b.Fragment)
	switch {
	case f == nil:
		var names []string
		for _, f := range c.file.Fragments {
			names = append(names, f.Name)
		}
		c.wrong(b.At, "call: no fragment %q: %s", clip(b.Fragment, 60), among(b.Fragment, names))
	case slices.Contains(c.calls, f.Name):
		c.wrong(b.At, "call: %s calls itself", strings.Join(append(c.calls, f.Name), " → "))
	case len(c.prog.Code) < maxCode:
		c.calls = append(c.calls, f.Name)
		c.steps(f.Steps)
		c.calls = c.calls[:len(c.calls)-1]
	}
}

func (c *compiler) publish(s *Step, b *PublishStep) {
	stamps := c.stamps
	p := &Publication{Message: c.message(&b.Payload), Series: c.series(&c.out.Deliveries, b.Name, b.NameAt), Audience: c.template(b.Audience, s.At, Raw)}
	if c.stamps == stamps {
		c.wrong(b.Payload.At, "publish: got no {{ stamp }} in the message, by which those who get it are told from others")
	}
	c.emit(Instr{Op: OpPublish, Arg: p, At: s.At})
}

func (c *compiler) rule(r *Rule) {
	p := RuleProgram{Every: r.Every, Start: -1, Delivery: -1, Tick: -1, Interval: r.Interval}
	if r.Every == 0 {
		p.Matcher = c.matcher(&r.Match)
	} else if !r.Match.empty() {
		c.wrong(r.At, "on: got every and a condition, want one")
	}
	if r.Every == 0 && r.Match.empty() && r.Delivery == "" && r.Tick == "" {
		c.wrong(r.At, "on: got no condition, want json, text, contains, regex, where, hex or every")
	}
	if r.Delivery != "" {
		p.Delivery = c.series(&c.out.Deliveries, r.Delivery, r.At)
		if r.Stamp == "" {
			c.wrong(r.At, "delivery: stamp is missing, the JSON path of what {{ stamp }} was in publish")
		} else {
			p.Stamp = c.path(r.Stamp, r.At)
		}
	}
	if r.Tick != "" {
		p.Tick = c.series(&c.out.Ticks, r.Tick, r.At)
		if r.Interval == 0 {
			c.wrong(r.At, "tick: interval is missing, the time that is wanted from tick to tick")
		}
	}
	if len(r.Do) > 0 {
		p.Start = len(c.prog.Code)
		c.inRule, c.link = true, link{open: true}
		if r.Every > 0 {
			c.link.closed = true
		}
		c.steps(r.Do)
		c.inRule = false
		c.emit(Instr{Op: OpEnd})
	} else if p.Delivery < 0 && p.Tick < 0 {
		c.wrong(r.At, "on: got nothing to do, want do, delivery or tick")
	}
	c.prog.Rules = append(c.prog.Rules, p)
}

// link is what is known of the connection at a place in the steps.
type link struct {
	open, closed bool // may be connected; may have been and be so no more
	ended        bool // the place cannot be reached
}

func (l link) or(m link) link {
	switch {
	case l.ended:
		return m
	case m.ended:
		return l
	}
	return link{open: l.open || m.open, closed: l.closed || m.closed}
}

// check finds steps that can only be refused, and notes what a step does to the connection.
func (l *link) check(c *compiler, s *Step) {
	needsOpen := func() {
		if !l.open {
			c.wrong(s.At, "step %s can never be reached by a player that is connected: want connect before it", s.Kind)
			l.open = true // say it once
		}
	}
	switch s.Body.(type) {
	case *ConnectStep:
		if l.open && !l.closed {
			c.wrong(s.At, "step connect: the player is connected already; want disconnect before it, or reconnect")
		}
		l.open, l.closed = true, false
	case *ReconnectStep:
		if !l.open && !l.closed {
			c.wrong(s.At, "step reconnect: the player was never connected; want connect")
		}
		l.open, l.closed = true, false
	case *DisconnectStep:
		needsOpen()
		if !c.inRule {
			l.open, l.closed = false, true
		}
	case *SendStep, *RequestStep, *ExpectStep, *PingStep, *PublishStep:
		needsOpen()
	}
}
