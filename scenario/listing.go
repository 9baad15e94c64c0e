package scenario

import (
	"fmt"
	"strings"
)

var opNames = [...]string{
	OpConnect: "connect", OpSend: "send", OpRequest: "request", OpExpect: "expect", OpThink: "think", OpLoop: "loop",
	OpLoopTest: "loop-test", OpLoopNext: "loop-next", OpUnless: "unless", OpChoose: "choose", OpJump: "jump", OpPace: "pace",
	OpPing: "ping", OpHTTP: "http", OpDisconnect: "disconnect", OpReconnect: "reconnect", OpSet: "set", OpCheck: "check",
	OpLog: "log", OpJoin: "join", OpLeave: "leave", OpPublish: "publish", OpStop: "stop", OpEnd: "end",
}

// String is the instruction's name.
func (op Op) String() string {
	if int(op) < len(opNames) {
		return opNames[op]
	}
	return fmt.Sprintf("op %d", uint8(op))
}

// String lists a program: its variables, one line for each instruction, and its rules.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %s: weight %v, counters %d, lost %d", p.Name, p.Weight, p.Counters, p.Lost)
	if p.Split != "" {
		fmt.Fprintf(&b, ", split %q", p.Split)
	}
	b.WriteByte('\n')
	for i, v := range p.Vars {
		fmt.Fprintf(&b, "  var %d %s", i, v)
		for _, a := range p.Init {
			if a.Slot == i {
				fmt.Fprintf(&b, " = %v", a.Value)
			}
		}
		b.WriteByte('\n')
	}
	for i, in := range p.Code {
		fmt.Fprintf(&b, "%4d  %s\n", i, p.instr(in))
	}
	for _, r := range p.Rules {
		fmt.Fprintf(&b, "  on %s\n", r)
	}
	return b.String()
}

func (p *Program) instr(in Instr) string {
	s := in.Op.String()
	add := func(format string, args ...any) { s += " " + fmt.Sprintf(format, args...) }
	switch in.Op {
	case OpConnect:
		if t, ok := in.Arg.(*Template); ok {
			add("%v", t)
		}
	case OpSend:
		add("%v", in.Arg)
	case OpRequest:
		r := in.Arg.(*Request)
		add("series %d id %s", r.Series, r.ID)
		if r.ReplyID != r.ID {
			add("reply %s", r.ReplyID)
		}
		add("within %v", r.Timeout)
		if r.NoWait {
			add("no wait")
		}
		add("%v%v else %d", r.Message, saved(r.Save), in.B)
	case OpExpect:
		e := in.Arg.(*Expect)
		add("check %d within %v:%v%v else %d", e.Check, e.Timeout, e.Matcher, saved(e.Save), in.B)
	case OpThink:
		d := in.Arg.(*Distribution)
		add("%s %v %v", d.Kind, d.A, d.B)
	case OpLoop:
		add("counter %d", in.A)
	case OpLoopTest, OpLoopNext:
		l := in.Arg.(*Loop)
		add("counter %d:", in.A)
		if l.Interval > 0 {
			add("every %v", l.Interval)
		}
		if l.Times > 0 {
			add("%d times", l.Times)
		}
		if l.For > 0 {
			add("for %v", l.For)
		}
		if l.When != nil {
			add("while %v", l.When)
		}
		add("to %d", in.B)
	case OpUnless:
		add("%v to %d", in.Arg, in.B)
	case OpChoose:
		choice := in.Arg.(*Choice)
		for i, up := range choice.Up {
			add("below %.4g to %d", up, choice.To[i])
		}
	case OpJump:
		add("to %d", in.B)
	case OpPace:
		add("counter %d: %v", in.A, in.Arg)
	case OpHTTP:
		h := in.Arg.(*HTTP)
		add("series %d %s %v within %v", h.Series, h.Method, h.URL, h.Timeout)
		for _, header := range h.Headers {
			add("%s: %v", header.Name, header.Value)
		}
		if h.Body != nil {
			add("%v", h.Body)
		}
		if len(h.Statuses) > 0 {
			add("status %v", h.Statuses)
		}
		s += saved(h.Save)
		add("else %d", in.B)
	case OpDisconnect:
		closing := in.Arg.(*Closing)
		add("%d %v", closing.Code, closing.Reason)
	case OpReconnect:
		r := in.Arg.(*ReconnectStep)
		add("counter %d: %s %v to %v, %d times, else %d", in.A, r.Policy, r.Delay, r.MaxDelay, r.Limit, in.B)
	case OpSet:
		for _, a := range in.Arg.([]Assign) {
			add("%s = %v", p.Vars[a.Slot], a.Value)
		}
	case OpCheck:
		add("check %d: %v", in.A, in.Arg)
	case OpLog, OpJoin, OpLeave:
		add("%v", in.Arg)
	case OpPublish:
		pub := in.Arg.(*Publication)
		add("series %d to %v: %v", pub.Series, pub.Audience, pub.Message)
	}
	return s
}

func saved(saves []Save) (s string) {
	for _, v := range saves {
		if v.As == "" {
			s += fmt.Sprintf(" save %d from %s", v.Slot, v.Path)
		} else {
			s += fmt.Sprintf(" save %d from %d+%d as %s", v.Slot, v.Offset, v.Length, v.As)
		}
	}
	return s
}

// String says what a rule is about and where its steps begin.
func (r RuleProgram) String() (s string) {
	if r.Matcher == nil {
		s = fmt.Sprintf("every %v", r.Every)
	} else {
		s = strings.TrimPrefix(r.Matcher.String(), " ")
	}
	if r.Delivery >= 0 {
		s += fmt.Sprintf(" delivery %d stamp %s", r.Delivery, r.Stamp)
	}
	if r.Tick >= 0 {
		s += fmt.Sprintf(" tick %d every %v", r.Tick, r.Interval)
	}
	if r.Start >= 0 {
		s += fmt.Sprintf(" do %d", r.Start)
	}
	return s
}

// String lists the conditions.
func (m *Matcher) String() (s string) {
	for _, w := range m.JSON {
		s += fmt.Sprintf(" json %s is %v", w.Path, w.Value)
	}
	if m.Text != nil {
		s += fmt.Sprintf(" text %v", m.Text)
	}
	if m.Contains != nil {
		s += fmt.Sprintf(" contains %v", m.Contains)
	}
	if m.Regex != nil {
		s += fmt.Sprintf(" regex %q", m.Regex)
	}
	if m.Where != nil {
		s += fmt.Sprintf(" where %v", m.Where)
	}
	if m.Bytes != nil {
		s += fmt.Sprintf(" bytes %x at %d", m.Bytes, m.Offset)
	}
	return s
}

// String says what is sent.
func (m Message) String() string {
	if !m.Binary {
		return m.Body.String()
	}
	return fmt.Sprintf("binary %x", clip(string(m.Body.Text()), 32))
}

// String gives the source.
func (e *Expr) String() string { return fmt.Sprintf("(%s)", e.Source) }

// String gives the text with its values between {{ and }}.
func (t *Template) String() string {
	var b strings.Builder
	for _, s := range t.Segments {
		if s.Kind == SegText {
			b.Write(s.Text)
			continue
		}
		b.WriteString("{{ ")
		switch s.Mode {
		case Raw:
			b.WriteString("raw ")
		case JSONValue:
			b.WriteString("json ")
		}
		switch s.Kind {
		case SegVar:
			fmt.Fprintf(&b, "var %d", s.Slot)
		case SegFeed:
			fmt.Fprintf(&b, "feed %d %s", s.Slot, s.Name)
		case SegPlayer:
			b.WriteString("n")
		case SegIteration:
			b.WriteString("iteration")
		case SegSeq:
			b.WriteString("seq")
		case SegStamp:
			b.WriteString("stamp")
		case SegUUID:
			b.WriteString("uuid")
		case SegExpr:
			b.WriteString(s.Expr.String())
		}
		b.WriteString(" }}")
	}
	if t.JSON {
		return "JSON " + b.String()
	}
	return fmt.Sprintf("%q", b.String())
}
