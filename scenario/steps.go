package scenario

import (
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Step is one step of a player. Body is one of the types below.
type Step struct {
	At   Pos
	Kind string
	Body any
}

// The bodies of steps. Texts may be templates unless they are paths, patterns or expressions.
type (
	// ConnectStep opens the connection and waits until it is open.
	ConnectStep struct {
		URL   string // instead of the target's
		URLAt Pos
	}
	// SendStep sends one message.
	SendStep struct{ Payload Payload }
	// RequestStep sends a message and times the answer that carries its id.
	RequestStep struct {
		Name    string
		NameAt  Pos
		Payload Payload
		ID      string // path of the id in what is sent
		IDAt    Pos
		ReplyID string // in the answer; ID if empty
		Timeout time.Duration
		NoWait  bool // go on at once; the answer is timed whenever it comes
		Save    []*Extract
		Else    []*Step
	}
	// ExpectStep waits for a message.
	ExpectStep struct {
		Name    string
		Match   Match
		Timeout time.Duration
		Save    []*Extract
		Else    []*Step
	}
	// ThinkStep waits.
	ThinkStep struct{ Time Distribution }
	// LoopStep repeats steps, as often or as long as its kind says.
	LoopStep struct {
		Interval time.Duration // of every
		Times    int           // 0 for no bound
		For      time.Duration // 0 for no bound
		When     string        // of while
		WhenAt   Pos
		Do       []*Step
	}
	// IfStep takes one of two ways.
	IfStep struct {
		When       string
		WhenAt     Pos
		Then, Else []*Step
	}
	// ChooseStep takes one of several ways, by chance.
	ChooseStep struct {
		At   Pos
		Ways []*Way
	}
	// PaceStep waits for the next place in an absolute schedule that began with the iteration.
	PaceStep struct{ Interval time.Duration }
	// PingStep sends a ping.
	PingStep struct{}
	// HTTPStep makes an HTTP request, off the shard.
	HTTPStep struct {
		Name     string
		Method   string
		URL      string
		URLAt    Pos
		Headers  []*Header
		Payload  Payload
		Timeout  time.Duration
		Statuses []string
		Save     []*Extract
		Else     []*Step
	}
	// DisconnectStep closes the connection and waits until it is closed.
	DisconnectStep struct {
		Code   int
		Reason string
	}
	// ReconnectStep opens the connection again, with waits between attempts.
	ReconnectStep struct {
		Policy          string // none, fixed, exponential or herd
		Delay, MaxDelay time.Duration
		Limit           int // attempts
		At              Pos
		Else            []*Step
	}
	// SetStep gives variables new values.
	SetStep struct{ Vars []*Var }
	// CheckStep counts whether something holds.
	CheckStep struct {
		Name   string
		That   string
		ThatAt Pos
	}
	// LogStep writes a line to the run's log.
	LogStep struct {
		Text string
		At   Pos
	}
	// CallStep is the steps of a fragment.
	CallStep struct {
		Fragment string
		At       Pos
	}
	// AudienceStep joins or leaves those who are to get what is published to an audience.
	AudienceStep struct {
		Name string
		At   Pos
	}
	// PublishStep sends a message that a whole audience is to get; its stamp is in it.
	PublishStep struct {
		Name     string
		NameAt   Pos
		Audience string
		Payload  Payload
	}
	// StopStep ends the player.
	StopStep struct{}
)

// Way is one of several, with its weight.
type Way struct {
	At     Pos
	Weight float64
	Do     []*Step
}

// Payload is what a message holds: one of the four.
type Payload struct {
	At     Pos
	JSON   *yaml.Node
	Text   *string
	Hex    string
	Base64 string
	File   string
}

// Binary tells whether it is sent as a binary message.
func (p *Payload) Binary() bool { return p.Hex != "" || p.Base64 != "" || p.File != "" }

func (p *Payload) empty() bool { return p.JSON == nil && p.Text == nil && !p.Binary() }

// Match says which messages are meant; all conditions must hold.
type Match struct {
	At       Pos
	JSON     []*Var // path and wanted value
	Text     *string
	Contains string
	Regex    string
	RegexAt  Pos
	Where    string
	WhereAt  Pos
	Hex      string // bytes at Offset
	HexAt    Pos
	Offset   int
}

// Extract saves a part of a message: by a JSON path, or bytes of a binary one.
type Extract struct {
	Var    string
	At     Pos
	Path   string
	Offset int
	Length int
	As     string // of bytes: hex, text, u8, u16be, u16le, u32be, u32le; empty for a path
}

// Distribution is a time by chance.
type Distribution struct {
	Kind string        // constant, uniform, normal or exponential
	A, B time.Duration // the time · from, to · mean, deviation · mean
}

// Rule is what to do whenever a message comes, or at intervals.
type Rule struct {
	At    Pos
	Match Match
	Every time.Duration // instead of Match
	Do    []*Step

	// What is measured of the messages, besides or instead of Do.
	Delivery string // name of the series; Stamp is the path of the stamp
	Stamp    string
	Tick     string // name of the series of intervals between messages; want is Interval
	Interval time.Duration
}

func (r *Rule) value() value {
	return section{name: "on", set: func(n *yaml.Node) { r.At, r.Match.At = posOf(n), posOf(n) }, fields: append(r.Match.fields(),
		field{name: "every", doc: "do it at intervals, instead of when a message comes", value: duration{to: &r.Every, min: time.Millisecond}},
		field{name: "delivery", doc: "these messages were published to an audience: measure latency, loss, duplicates and order under this name", value: text{to: &r.Delivery}},
		field{name: "stamp", doc: "JSON path of the stamp in them", value: text{to: &r.Stamp}},
		field{name: "tick", doc: "these messages come at a steady rate: measure the jitter under this name", value: text{to: &r.Tick}},
		field{name: "interval", doc: "the time that is wanted from tick to tick", value: duration{to: &r.Interval, min: time.Microsecond}},
		field{name: "do", doc: "steps that do not wait", value: steps{to: &r.Do}},
	)}
}

func (m *Match) fields() []field {
	return []field{
		{name: "json", doc: "JSON paths and the values wanted there", value: vars1{&m.JSON}},
		{name: "text", doc: "the whole text", value: optional{&m.Text}},
		{name: "contains", doc: "a part of the text", value: text{to: &m.Contains}},
		{name: "regex", doc: "a pattern (RE2) that the text matches", value: text{to: &m.Regex, pos: &m.RegexAt}},
		{name: "where", doc: "an expression that holds", value: text{to: &m.Where, pos: &m.WhereAt}},
		{name: "hex", doc: "bytes of a binary message, in hexadecimal", value: text{to: &m.Hex, pos: &m.HexAt}},
		{name: "at", doc: "where those bytes are", value: integer{to: &m.Offset, min: 0, max: 1 << 24}},
	}
}

func (m *Match) empty() bool {
	return len(m.JSON) == 0 && m.Text == nil && m.Contains == "" && m.Regex == "" && m.Where == "" && m.Hex == ""
}

// vars1 is vars with any text for a name.
type vars1 struct{ to *[]*Var }

func (v vars1) read(r *reader, n *yaml.Node) {
	named{what: "values", item: func(name string, key *yaml.Node) value {
		one := &Var{Name: name, At: posOf(key)}
		*v.to = append(*v.to, one)
		return tree{to: &one.Tree}
	}}.read(r, n)
}

func (vars1) schema(*schemas) map[string]any { return map[string]any{"type": "object"} }

// optional is a text that may be empty and yet given.
type optional struct{ to **string }

func (v optional) read(r *reader, n *yaml.Node) {
	var s string
	text{to: &s}.read(r, n)
	*v.to = &s
}

func (optional) schema(d *schemas) map[string]any { return text{}.schema(d) }

func (p *Payload) fields() []field {
	return []field{
		{name: "json", doc: "a JSON object; texts in it may be templates, and one that is nothing but a template keeps its type", value: tree{to: &p.JSON, object: true}},
		{name: "text", doc: "a text; may be a template", value: optional{&p.Text}},
		{name: "hex", doc: "bytes in hexadecimal, sent as a binary message", value: text{to: &p.Hex}},
		{name: "base64", doc: "bytes in base64, sent as a binary message", value: text{to: &p.Base64}},
		{name: "file", doc: "a file whose bytes are sent as a binary message", value: text{to: &p.File}},
	}
}

// saves is a mapping from variables to paths, or to places in a binary message.
type saves struct{ to *[]*Extract }

func (v saves) read(r *reader, n *yaml.Node) {
	named{what: "paths", item: func(name string, key *yaml.Node) value {
		r.name(key, "variable")
		e := &Extract{Var: name, At: posOf(key)}
		*v.to = append(*v.to, e)
		return e.value()
	}}.read(r, n)
}

func (v saves) schema(d *schemas) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": new(Extract).value().schema(d)}
}

// formats are how bytes of a message are read.
var formats = []string{"hex", "text", "u8", "u16be", "u16le", "u32be", "u32le"}

func (e *Extract) value() value {
	return either{text{to: &e.Path}, section{name: "save", fields: []field{
		{name: "at", doc: "the first byte", value: integer{to: &e.Offset, min: 0, max: 1 << 24}},
		{name: "length", doc: "how many bytes; 0 for all that follow", value: integer{to: &e.Length, min: 0, max: 1 << 24}},
		{name: "as", doc: "how they are read", required: true, value: choice{to: &e.As, words: formats}},
	}}}
}

// steps is a list of steps.
type steps struct{ to *[]*Step }

func (v steps) read(r *reader, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.wrongAt(n, "got %s, want a list of steps", what(n))
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.wrongAt(n, "steps: nested more than %d deep", maxDepth)
		r.depth--
		return
	}
	defer func() { r.depth-- }()
	for _, c := range n.Content {
		if s := r.step(c); s != nil {
			*v.to = append(*v.to, s)
		}
	}
}

func (v steps) schema(d *schemas) map[string]any {
	one := d.define("step", func() map[string]any {
		var forms []any
		var alone []string
		for _, k := range stepKinds() {
			forms = append(forms, d.object([]field{{name: k.name, doc: k.doc, value: k.value(new(Step)), required: true}}))
			if k.alone {
				alone = append(alone, k.name)
			}
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

func (r *reader) step(n *yaml.Node) *Step {
	kinds := stepKinds()
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	key, body := n, (*yaml.Node)(nil)
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		key, body = n.Content[0], n.Content[1]
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		r.wrongAt(n.Content[2], "step: got a second key %q in one step; each step is an element of its own, begun with -", clip(n.Content[2].Value, 60))
		return nil
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		r.wrongAt(n, "got %s, want a step: %s", what(n), strings.Join(names, ", "))
		return nil
	}
	at := slices.Index(names, key.Value)
	if at < 0 {
		r.wrongAt(key, "unknown step %q: %s", clip(key.Value, 60), among(key.Value, names))
		return nil
	}
	s := &Step{At: posOf(key), Kind: key.Value}
	v := kinds[at].value(s)
	if body == nil || body.ShortTag() == "!!null" && body.Kind == yaml.ScalarNode {
		if !kinds[at].alone {
			r.wrongAt(key, "step %s: got nothing, want %s", key.Value, kinds[at].doc)
			return nil
		}
		return s
	}
	v.read(r, body)
	return s
}

func stepKinds() []stepKind {
	return []stepKind{
		{"connect", "open the connection and wait until it is open", true, func(s *Step) value {
			b := new(ConnectStep)
			s.Body = b
			return section{name: "connect", fields: []field{{name: "url", doc: "another address than the target's", value: text{to: &b.URL, pos: &b.URLAt}}}}
		}},
		{"send", "send a message", false, func(s *Step) value {
			b := new(SendStep)
			s.Body = b
			b.Payload.At = s.At
			return either{optional{&b.Payload.Text}, section{name: "send", fields: b.Payload.fields()}}
		}},
		{"request", "send a message, and time the answer that carries its id", false, func(s *Step) value {
			b := &RequestStep{Timeout: 10 * time.Second}
			s.Body = b
			b.Payload.At = s.At
			return section{name: "request", fields: append(b.Payload.fields(),
				field{name: "name", doc: "of the series of latencies", required: true, value: text{to: &b.Name, pos: &b.NameAt}},
				field{name: "id", doc: "JSON path of the id in the message", required: true, value: text{to: &b.ID, pos: &b.IDAt}},
				field{name: "reply_id", doc: "JSON path of the id in the answer, if it is another", value: text{to: &b.ReplyID}},
				field{name: "timeout", doc: "how long to wait for the answer", value: duration{to: &b.Timeout, min: time.Millisecond}},
				field{name: "no_wait", doc: "go on at once; the answer is timed whenever it comes", value: boolean{&b.NoWait}},
				field{name: "save", doc: "variables to fill from the answer", value: saves{&b.Save}},
				field{name: "else", doc: "steps for when no answer comes in time", value: steps{&b.Else}},
			)}
		}},
		{"expect", "wait for a message", false, func(s *Step) value {
			b := &ExpectStep{Timeout: 10 * time.Second}
			s.Body = b
			b.Match.At = s.At
			return section{name: "expect", fields: append(b.Match.fields(),
				field{name: "name", doc: "of the check that is counted", value: text{to: &b.Name}},
				field{name: "timeout", doc: "how long to wait", value: duration{to: &b.Timeout, min: time.Millisecond}},
				field{name: "save", doc: "variables to fill from the message", value: saves{&b.Save}},
				field{name: "else", doc: "steps for when none comes in time", value: steps{&b.Else}},
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
				{name: "times", doc: "how often; without times and for: until the load ends", value: integer{to: &b.Times, min: 1, max: math.MaxInt32}},
				{name: "for", doc: "for how long", value: duration{to: &b.For, min: 1}},
				{name: "do", required: true, value: steps{&b.Do}},
			}}
		}},
		{"repeat", "do something a number of times", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "repeat", fields: []field{
				{name: "times", doc: "how often", required: true, value: integer{to: &b.Times, min: 1, max: math.MaxInt32}},
				{name: "do", required: true, value: steps{&b.Do}},
			}}
		}},
		{"for", "do something again and again for a while", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "for", fields: []field{
				{name: "duration", doc: "how long; what has begun is finished", required: true, value: duration{to: &b.For, min: 1}},
				{name: "do", required: true, value: steps{&b.Do}},
			}}
		}},
		{"while", "do something as long as an expression holds", false, func(s *Step) value {
			b := new(LoopStep)
			s.Body = b
			return section{name: "while", fields: []field{
				{name: "when", doc: "the expression", required: true, value: text{to: &b.When, pos: &b.WhenAt}},
				{name: "do", required: true, value: steps{&b.Do}},
			}}
		}},
		{"if", "do something if an expression holds", false, func(s *Step) value {
			b := new(IfStep)
			s.Body = b
			return section{name: "if", fields: []field{
				{name: "when", doc: "the expression", required: true, value: text{to: &b.When, pos: &b.WhenAt}},
				{name: "then", required: true, value: steps{&b.Then}},
				{name: "else", value: steps{&b.Else}},
			}}
		}},
		{"choose", "do one of several things, by chance", false, func(s *Step) value {
			b := &ChooseStep{At: s.At}
			s.Body = b
			return list{what: "ways", min: 1, item: func() value {
				w := &Way{Weight: 1}
				b.Ways = append(b.Ways, w)
				return section{name: "choose", set: func(n *yaml.Node) { w.At = posOf(n) }, fields: []field{
					{name: "weight", doc: "against the others'", value: number{to: &w.Weight, min: 0, max: 1e6}},
					{name: "do", required: true, value: steps{&w.Do}},
				}}
			}}
		}},
		{"pace", "wait for the next place in a schedule that began with the iteration", false, func(s *Step) value {
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
				{name: "name", doc: "of the series of latencies", value: text{to: &b.Name}},
				{name: "method", value: choice{to: &b.Method, words: []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}}},
				{name: "url", doc: "http:// or https:// address; may be a template", required: true, value: text{to: &b.URL, pos: &b.URLAt}},
				{name: "headers", value: headers{&b.Headers}},
				{name: "json", doc: "the body, as JSON", value: tree{to: &b.Payload.JSON}},
				{name: "text", doc: "the body, as text", value: optional{&b.Payload.Text}},
				{name: "timeout", value: duration{to: &b.Timeout, min: time.Millisecond}},
				{name: "status", doc: "the statuses that are wanted; by default 200 to 299", value: texts{to: &b.Statuses, what: "statuses"}},
				{name: "save", doc: "variables to fill from the answer's JSON", value: saves{&b.Save}},
				{name: "else", doc: "steps for when it fails", value: steps{&b.Else}},
			}}
		}},
		{"disconnect", "close the connection and wait until it is closed", true, func(s *Step) value {
			b := new(DisconnectStep)
			s.Body = b
			return section{name: "disconnect", fields: []field{
				{name: "code", doc: "close code; 1000 by default", value: integer{to: &b.Code, min: 1000, max: 4999}},
				{name: "reason", value: text{to: &b.Reason}},
			}}
		}},
		{"reconnect", "open the connection again, with the token evaluated afresh", true, func(s *Step) value {
			b := &ReconnectStep{Policy: "none", Delay: time.Second, MaxDelay: 30 * time.Second, Limit: 1, At: s.At}
			s.Body = b
			return section{name: "reconnect", fields: []field{
				{name: "policy", doc: "the waits before attempts: none, fixed, exponential (doubling, with jitter), or herd (all at the same instant)", value: choice{to: &b.Policy, words: []string{"none", "fixed", "exponential", "herd"}}},
				{name: "delay", doc: "the first wait; of herd, the interval on whose multiples all come", value: duration{to: &b.Delay, min: time.Millisecond}},
				{name: "max_delay", doc: "the longest wait", value: duration{to: &b.MaxDelay, min: time.Millisecond}},
				{name: "limit", doc: "how many attempts", value: integer{to: &b.Limit, min: 1, max: 1_000_000}},
				{name: "else", doc: "steps for when all have failed", value: steps{&b.Else}},
			}}
		}},
		{"set", "give variables new values", false, func(s *Step) value {
			b := new(SetStep)
			s.Body = b
			return vars{&b.Vars}
		}},
		{"check", "count whether something holds", false, func(s *Step) value {
			b := new(CheckStep)
			s.Body = b
			return section{name: "check", fields: []field{
				{name: "name", required: true, value: text{to: &b.Name}},
				{name: "that", doc: "the expression", required: true, value: text{to: &b.That, pos: &b.ThatAt}},
			}}
		}},
		{"log", "write a line to the log", false, func(s *Step) value {
			b := new(LogStep)
			s.Body = b
			return text{to: &b.Text, pos: &b.At}
		}},
		{"call", "do the steps of a fragment", false, func(s *Step) value {
			b := new(CallStep)
			s.Body = b
			return text{to: &b.Fragment, pos: &b.At}
		}},
		{"join", "be one of an audience, who are to get what is published to it", false, func(s *Step) value {
			b := new(AudienceStep)
			s.Body = b
			return text{to: &b.Name, pos: &b.At}
		}},
		{"leave", "be one of an audience no more", false, func(s *Step) value {
			b := new(AudienceStep)
			s.Body = b
			return text{to: &b.Name, pos: &b.At}
		}},
		{"publish", "send a message with a {{ stamp }} that a whole audience is to get", false, func(s *Step) value {
			b := new(PublishStep)
			s.Body = b
			b.Payload.At = s.At
			return section{name: "publish", fields: append(b.Payload.fields(),
				field{name: "name", doc: "of the series", required: true, value: text{to: &b.Name, pos: &b.NameAt}},
				field{name: "audience", doc: "who is to get it", required: true, value: text{to: &b.Audience}},
			)}
		}},
		{"stop", "end the player", true, func(s *Step) value {
			s.Body = new(StopStep)
			return section{name: "stop"}
		}},
	}
}

// distribution reads 2s, {uniform: [1s, 3s]}, {normal: {mean: 2s, deviation: 500ms}} and {exponential: 2s}.
type distribution struct{ to *Distribution }

func (v distribution) forms() either {
	d := v.to
	var deviation, mean time.Duration
	return either{
		setting{duration{to: &d.A}, func() { d.Kind = "constant" }},
		section{name: "think", fields: []field{
			{name: "uniform", doc: "from, to", value: pair{d}},
			{name: "normal", doc: "mean and deviation; never less than 0", value: setting{section{name: "normal", fields: []field{
				{name: "mean", required: true, value: duration{to: &mean}},
				{name: "deviation", required: true, value: duration{to: &deviation}},
			}}, func() { d.Kind, d.A, d.B = "normal", mean, deviation }}},
			{name: "exponential", doc: "mean", value: setting{duration{to: &d.A}, func() { d.Kind = "exponential" }}},
		}},
	}
}

func (v distribution) read(r *reader, n *yaml.Node) {
	v.forms().read(r, n)
	if n.Kind == yaml.MappingNode && len(n.Content) != 2 {
		r.wrongAt(n, "think: got %d keys, want one of uniform, normal, exponential", len(n.Content)/2)
	}
}

func (v distribution) schema(d *schemas) map[string]any {
	return distribution{new(Distribution)}.forms().schema(d)
}

// setting reads a value and then does something with it.
type setting struct {
	value
	then func()
}

func (v setting) read(r *reader, n *yaml.Node) {
	v.value.read(r, n)
	v.then()
}

// pair is two times, the second not less than the first.
type pair struct{ to *Distribution }

func (v pair) read(r *reader, n *yaml.Node) {
	v.to.Kind = "uniform"
	if n.Kind != yaml.SequenceNode || len(n.Content) != 2 {
		r.wrongAt(n, "uniform: got %s, want two times, as [1s, 3s]", what(n))
		return
	}
	duration{to: &v.to.A}.read(r, n.Content[0])
	duration{to: &v.to.B}.read(r, n.Content[1])
	if v.to.B < v.to.A {
		r.wrongAt(n, "uniform: got [%v, %v], want the lesser time first", v.to.A, v.to.B)
	}
}

func (pair) schema(d *schemas) map[string]any {
	one := duration{}.schema(d)
	return map[string]any{"type": "array", "items": one, "minItems": 2, "maxItems": 2}
}
