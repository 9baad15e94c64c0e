package scenario

import (
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// steps is a list of steps.
type steps struct{ to *[]*Step }

func (v steps) read(r *reader, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.got(n, v.want())
		return
	}
	r.within(n, func() {
		for _, c := range n.Content {
			if r.full() {
				return
			}
			s := new(Step)
			s.bad = r.apart(func() { r.step(c, s) })
			*v.to = append(*v.to, s)
		}
	})
}

func (steps) want() string { return "a list of steps" }

func (steps) schema(d *schemas) map[string]any {
	one := d.define("step", func() map[string]any {
		var forms []any
		var alone []string
		for _, k := range stepKinds() {
			form := d.object([]field{{name: k.name, doc: k.doc, value: k.value(new(Step)), required: true}})
			if k.alone {
				alone = append(alone, k.name)
				body := form["properties"].(map[string]any)
				body[k.name] = map[string]any{"anyOf": []any{map[string]any{"type": "null"}, body[k.name]}}
			}
			forms = append(forms, form)
		}
		return map[string]any{"anyOf": append(forms, map[string]any{"enum": alone})}
	})
	return map[string]any{"type": "array", "items": one}
}

// stepKind is one kind of step.
type stepKind struct {
	name  string
	doc   string
	alone bool // its name alone is a step
	value func(*Step) value
}

// step reads one step. Its body stays nil where it is not known what it is.
func (r *reader) step(n *yaml.Node, s *Step) {
	s.At = posOf(n)
	if r.kinds == nil {
		r.kinds = stepKinds()
	}
	key, body := n, (*yaml.Node)(nil)
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		key, body = n.Content[0], n.Content[1]
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		r.wrongAt(n.Content[2], "step: got a second key %q in one step; each step is an element of its own, begun with -", clip(n.Content[2].Value, 60))
		r.lost = true
		return
	case n.Kind != yaml.ScalarNode || isNull(n):
		r.wrongAt(n, "step: got %s, want one of %s", what(n), strings.Join(r.stepNames(), ", "))
		r.lost = true
		return
	}
	at := slices.IndexFunc(r.kinds, func(k stepKind) bool { return k.name == key.Value })
	if at < 0 || key.Kind != yaml.ScalarNode {
		r.wrongAt(key, "unknown step %q: %s", clip(key.Value, 60), among(key.Value, r.stepNames()))
		r.lost = true
		return
	}
	k := r.kinds[at]
	s.At, s.Kind = posOf(key), k.name
	v := k.value(s)
	switch {
	case body != nil && !isNull(body):
		r.key = k.name
		v.read(r, body)
	case !k.alone:
		r.wrongAt(key, "%s: got nothing, want %s", k.name, v.want())
	}
}

func (r *reader) stepNames() (names []string) {
	for _, k := range r.kinds {
		names = append(names, k.name)
	}
	return names
}

// stepKinds lists the kinds of steps, each with what makes its body and reads it.
func stepKinds() []stepKind {
	return []stepKind{
		{"connect", "open the connection and wait until it is open", true, func(s *Step) value {
			b := new(ConnectStep)
			s.Body = b
			return section{name: "connect", fields: []field{{name: "url", doc: "another address than the target's; may be a template", value: text{to: &b.URL, pos: &b.URLAt}}}}
		}},
		{"send", "send a message; a text alone is sent as a text message", false, func(s *Step) value {
			b := new(SendStep)
			s.Body = b
			b.Payload.At = s.At
			return either{optional{to: &b.Payload.Text, pos: &b.Payload.valueAt}, section{name: "send", fields: b.Payload.fields()}}
		}},
		{"request", "send a message, and time the answer that carries its id", false, func(s *Step) value {
			b := &RequestStep{Timeout: 10 * time.Second}
			s.Body = b
			b.Payload.At = s.At
			return section{name: "request", fields: append(b.Payload.textFields(),
				field{name: "name", doc: "of the series of latencies", required: true, value: label{to: &b.Name, pos: &b.NameAt}},
				field{name: "id", doc: "JSON path of the id in the message", required: true, value: text{to: &b.ID, pos: &b.IDAt}},
				field{name: "reply_id", doc: "JSON path of the id in the answer, if it is another", value: text{to: &b.ReplyID, pos: &b.ReplyAt}},
				field{name: "timeout", doc: "how long to wait for the answer", value: duration{to: &b.Timeout, min: time.Millisecond}},
				field{name: "no_wait", doc: "go on at once; the answer is timed whenever it comes", value: boolean{to: &b.NoWait}},
				field{name: "save", doc: "variables to fill from the answer, with JSON paths", value: saves(&b.Save)},
				field{name: "else", doc: "steps for when no answer comes in time", value: steps{to: &b.Else}},
			)}
		}},
		{"expect", "wait for a message, and count whether it came", false, func(s *Step) value {
			b := &ExpectStep{Timeout: 10 * time.Second}
			s.Body = b
			b.Match.At = s.At
			return section{name: "expect", fields: append(b.Match.fields(),
				field{name: "name", doc: "of the check; by default it is named after its line", value: label{to: &b.Name, pos: &b.NameAt}},
				field{name: "timeout", doc: "how long to wait", value: duration{to: &b.Timeout, min: time.Millisecond}},
				field{name: "save", doc: "variables to fill from the message, with JSON paths or places of bytes", value: saves(&b.Save)},
				field{name: "else", doc: "steps for when none comes in time", value: steps{to: &b.Else}},
			)}
		}},
		{"think", "wait, as a person would", false, func(s *Step) value {
			b := new(ThinkStep)
			s.Body = b
			return distribution{&b.Time}
		}},
		{"every", "do something at intervals, on an absolute schedule", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "every", fields: []field{
				{name: "interval", doc: "from one start to the next", required: true, value: duration{to: &b.Interval, min: time.Millisecond}},
				{name: "times", doc: "how often; without `times` and `for` until the load ends", value: integer{to: &b.Times, min: 1, max: math.MaxInt32}},
				{name: "for", doc: "for how long", value: duration{to: &b.For, min: 1}},
				{name: "do", doc: "the steps", required: true, value: steps{to: &b.Do}},
			}}
		}},
		{"repeat", "do something a number of times", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "repeat", fields: []field{
				{name: "times", doc: "how often", required: true, value: integer{to: &b.Times, min: 1, max: math.MaxInt32}},
				{name: "do", doc: "the steps", required: true, value: steps{to: &b.Do}},
			}}
		}},
		{"for", "do something again and again for a while", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "for", fields: []field{
				{name: "duration", doc: "how long; what has begun is finished", required: true, value: duration{to: &b.For, min: 1}},
				{name: "do", doc: "the steps", required: true, value: steps{to: &b.Do}},
			}}
		}},
		{"while", "do something as long as an expression holds", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "while", fields: []field{
				{name: "when", doc: "the expression", required: true, value: text{to: &b.When, pos: &b.WhenAt}},
				{name: "do", doc: "the steps", required: true, value: steps{to: &b.Do}},
			}}
		}},
		{"if", "do something if an expression holds", false, func(s *Step) value {
			b := new(IfStep)
			s.Body = b
			return section{name: "if", fields: []field{
				{name: "when", doc: "the expression", required: true, value: text{to: &b.When, pos: &b.WhenAt}},
				{name: "then", doc: "steps for when it holds", required: true, value: steps{to: &b.Then}},
				{name: "else", doc: "steps for when it does not", value: steps{to: &b.Else}},
			}}
		}},
		{"choose", "do one of several things, by chance", false, func(s *Step) value {
			b := &ChooseStep{At: s.At}
			s.Body = b
			return list{what: "ways", each: ", each a mapping of do and weight", min: 1, item: func() value {
				w := &Way{Weight: 1}
				b.Ways = append(b.Ways, w)
				return section{name: "choose", set: func(n *yaml.Node) { w.At = posOf(n) }, fields: []field{
					{name: "weight", doc: "against the others'", value: number{to: &w.Weight, min: 0, max: 1e6}},
					{name: "do", doc: "the steps", required: true, value: steps{to: &w.Do}},
				}}
			}}
		}},
		{"pace", "wait for the next place in a schedule that began with the iteration; the value is from one place to the next", false, func(s *Step) value {
			b := new(PaceStep)
			s.Body = b
			return duration{to: &b.Interval, min: time.Millisecond}
		}},
		{"ping", "send a ping", true, func(s *Step) value {
			s.Body = new(PingStep)
			return section{name: "ping"}
		}},
		{"http", "make an HTTP request, as to log in or to find a match", false, func(s *Step) value {
			b := &HTTPStep{Method: "GET", Timeout: 30 * time.Second}
			s.Body = b
			b.Payload.At = s.At
			return section{name: "http", fields: []field{
				{name: "name", doc: "of the series of latencies; by default it is named after its line", value: label{to: &b.Name, pos: &b.NameAt}},
				{name: "method", doc: "the method", value: choice{to: &b.Method, words: []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}}},
				{name: "url", doc: "`http://` or `https://` address; may be a template", required: true, value: text{to: &b.URL, pos: &b.URLAt}},
				{name: "headers", doc: "its headers; values may be templates", value: headers(&b.Headers)},
				{name: "json", doc: "the body, as JSON; texts in it may be templates", value: tree{to: &b.Payload.JSON}},
				{name: "text", doc: "the body, as text; may be a template", value: optional{to: &b.Payload.Text, pos: &b.Payload.valueAt}},
				{name: "timeout", doc: "for the whole request", value: duration{to: &b.Timeout, min: time.Millisecond}},
				{name: "status", doc: "the statuses that are wanted; by default 200 to 299", value: integers{to: &b.Statuses, what: "statuses", min: 100, max: 599}},
				{name: "save", doc: "variables to fill from the answer, with JSON paths", value: saves(&b.Save)},
				{name: "else", doc: "steps for when it fails", value: steps{to: &b.Else}},
			}}
		}},
		{"disconnect", "close the connection and wait until it is closed", true, func(s *Step) value {
			b := new(DisconnectStep)
			s.Body = b
			return section{name: "disconnect", fields: []field{
				{name: "code", doc: "close code; 1000 by default", value: integer{to: &b.Code, min: 1000, max: 4999, pos: &b.CodeAt}},
				{name: "reason", doc: "close reason; may be a template", value: text{to: &b.Reason, pos: &b.ReasonAt}},
			}}
		}},
		{"reconnect", "open the connection again, with the token evaluated afresh", true, func(s *Step) value {
			b := &ReconnectStep{Policy: "none", Delay: time.Second, MaxDelay: 30 * time.Second, Limit: 1, At: s.At}
			s.Body = b
			return section{name: "reconnect", fields: []field{
				{name: "policy", doc: "the waits before attempts: `none`, `fixed`, `exponential` (doubling, with jitter), or `herd` (all at the same instant)", value: choice{to: &b.Policy, words: []string{"none", "fixed", "exponential", "herd"}}},
				{name: "delay", doc: "the first wait; of `herd`, the interval on whose multiples all come", value: duration{to: &b.Delay, min: time.Millisecond}},
				{name: "max_delay", doc: "the longest wait", value: duration{to: &b.MaxDelay, min: time.Millisecond}},
				{name: "limit", doc: "how many attempts", value: integer{to: &b.Limit, min: 1, max: 1_000_000}},
				{name: "else", doc: "steps for when all have failed", value: steps{to: &b.Else}},
			}}
		}},
		{"set", "give variables new values, which may be templates", false, func(s *Step) value {
			b := new(SetStep)
			s.Body = b
			return vars(&b.Vars)
		}},
		{"check", "count whether something holds", false, func(s *Step) value {
			b := new(CheckStep)
			s.Body = b
			return section{name: "check", fields: []field{
				{name: "name", doc: "of the check", required: true, value: label{to: &b.Name, pos: &b.NameAt}},
				{name: "that", doc: "the expression", required: true, value: text{to: &b.That, pos: &b.ThatAt}},
			}}
		}},
		{"log", "write a line to the log; the value is the line, and may be a template", false, func(s *Step) value {
			b := new(LogStep)
			s.Body = b
			return text{to: &b.Text, pos: &b.At}
		}},
		{"call", "do the steps of a fragment; the value is its name", false, func(s *Step) value {
			b := new(CallStep)
			s.Body = b
			return text{to: &b.Fragment, pos: &b.At}
		}},
		{"join", "be one of an audience, who are to get what is published to it; the value is its name, and may be a template", false, func(s *Step) value {
			b := new(AudienceStep)
			s.Body = b
			return text{to: &b.Name, pos: &b.At}
		}},
		{"leave", "be one of an audience no more", false, func(s *Step) value {
			b := new(AudienceStep)
			s.Body = b
			return text{to: &b.Name, pos: &b.At}
		}},
		{"publish", "send a message with a `{{ stamp }}` that a whole audience is to get", false, func(s *Step) value {
			b := new(PublishStep)
			s.Body = b
			b.Payload.At = s.At
			return section{name: "publish", fields: append(b.Payload.textFields(),
				field{name: "name", doc: "of the series, which a rule's `delivery` names too", required: true, value: label{to: &b.Name, pos: &b.NameAt}},
				field{name: "audience", doc: "who is to get it; may be a template", required: true, value: text{to: &b.Audience, pos: &b.AudienceAt}},
			)}
		}},
		{"stop", "end the player", true, func(s *Step) value {
			s.Body = new(StopStep)
			return section{name: "stop"}
		}},
	}
}
