package scenario

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// matcher makes a match ready; kind is what it is of, for messages.
func (c *compiler) matcher(m *Match, kind string) *Matcher {
	out := &Matcher{Offset: m.Offset}
	for _, v := range m.JSON {
		if v.Tree != nil {
			out.JSON = append(out.JSON, Wanted{c.path(v.Name, v.At), c.valueOf(v.Tree)})
		}
	}
	if m.Text != nil {
		out.Text = c.template(*m.Text, m.TextAt, Raw)
	}
	if m.Contains != "" {
		out.Contains = c.template(m.Contains, m.ContainsAt, Raw)
	}
	if m.Regex != "" {
		out.Regex = c.regex(m.Regex, m.RegexAt)
	}
	if m.Where != "" {
		out.Where = c.expr(m.Where, spot{at: m.WhereAt, token: m.Where}, true)
	}
	if m.Hex != "" {
		b, err := unhex(m.Hex)
		if err != nil {
			c.wrong(m.HexAt, "%v", err)
		}
		out.Bytes = b
		if len(m.JSON) > 0 || m.Text != nil || m.Contains != "" || m.Regex != "" {
			c.wrong(m.HexAt, "%s: can never be met: hex is of binary messages, and json, text, contains and regex are of text messages", kind)
		}
	} else if m.OffsetAt != (Pos{}) {
		c.wrong(m.OffsetAt, "%s: got at without hex, want the bytes that are to be there", kind)
	}
	return out
}

// What all patterns of a file may take.
const (
	maxRegex     = 1000   // bytes of one
	maxRegexes   = 1000   // patterns
	maxRegexSize = 10_000 // parts of one, with its repeats written out
)

func (c *compiler) regex(s string, at Pos) *regexp.Regexp {
	if r, ok := c.regexes[s]; ok {
		return r
	}
	if len(c.regexes) == maxRegexes {
		c.wrong(at, "regex: got more than %d different patterns, want fewer", maxRegexes)
		return nil
	}
	r, err := compileRegex(s)
	if err != nil {
		c.wrong(at, "regex: %v", err)
	}
	c.regexes[s] = r
	return r
}

func compileRegex(s string) (*regexp.Regexp, error) {
	if len(s) > maxRegex {
		return nil, fmt.Errorf("got a pattern of %d bytes, want at most %d", len(s), maxRegex)
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("got %q, which is no pattern: %s", clip(s, 60), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if n := regexSize(tree); n > maxRegexSize {
		return nil, fmt.Errorf("got %q, whose repeats come to %d parts, want at most %d", clip(s, 60), n, maxRegexSize)
	}
	return regexp.Compile(s)
}

// regexSize is how many parts a pattern has once its repeats are written out, as the compiler does.
func regexSize(r *syntax.Regexp) int {
	n := 1 + len(r.Rune)
	for _, sub := range r.Sub {
		n += regexSize(sub)
	}
	if r.Op == syntax.OpRepeat {
		n *= max(1, r.Min, r.Max)
	}
	return n
}

func (c *compiler) rule(r *Rule) {
	if r.bad {
		c.inRule, c.link = true, link{open: true, closed: true}
		c.steps(r.Do)
		c.inRule = false
		return
	}
	p := RuleProgram{Every: r.Every, Start: -1, Delivery: -1, Tick: -1, Interval: r.Interval}
	measures := r.Delivery != "" || r.Tick != ""
	switch {
	case r.Every == 0:
		p.Matcher = c.matcher(&r.Match, "on")
		if r.Match.empty() && !measures {
			c.wrong(r.At, "on: got no condition, want json, text, contains, regex, where, hex or every")
		}
	case !r.Match.empty():
		c.wrong(r.At, "on: got every and a condition, want one")
	case measures:
		c.wrong(r.At, "on: got every and delivery or tick, which are of messages; want one")
	}
	c.measure(r, &p)
	switch {
	case len(r.Do) > 0:
		p.Start = len(c.prog.Code)
		c.inRule, c.link = true, link{open: true, closed: r.Every > 0}
		c.steps(r.Do)
		c.inRule = false
		c.emit(Instr{Op: OpEnd})
	case !measures:
		c.wrong(r.At, "on: got nothing to do, want do, delivery or tick")
	}
	c.prog.Rules = append(c.prog.Rules, p)
}

// measure is what a rule measures of its messages.
func (c *compiler) measure(r *Rule, p *RuleProgram) {
	switch {
	case r.Delivery != "" && r.Stamp == "":
		c.wrong(r.DeliveryAt, "delivery: stamp is missing, want the JSON path of what {{ stamp }} was in publish")
	case r.Delivery != "":
		p.Delivery = c.series(&c.out.Deliveries, r.Delivery, maxSeries, r.DeliveryAt)
		p.Stamp = c.path(r.Stamp, r.StampAt)
		c.deliveries[r.Delivery] = r.DeliveryAt
	case r.Stamp != "":
		c.wrong(r.StampAt, "on: got stamp without delivery, want the name of the publish step it is of")
	}
	switch {
	case r.Tick != "" && r.Interval == 0:
		c.wrong(r.TickAt, "tick: interval is missing, want the time from tick to tick, as 50ms")
	case r.Tick != "":
		p.Tick = c.series(&c.out.Ticks, r.Tick, maxSeries, r.TickAt)
	case r.Interval != 0:
		c.wrong(r.IntervalAt, "on: got interval without tick, want a name for the figures; what is done at intervals has every")
	}
}
