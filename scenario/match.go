package scenario

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// Payload is what a message holds: one of its fields.
type Payload struct {
	At     Pos
	JSON   *yaml.Node
	Text   *string
	Hex    string
	Base64 string
	File   string

	valueAt Pos // of the one that is given
}

func (p *Payload) fields() []field {
	return append(p.textFields(), []field{
		{name: "hex", doc: "bytes in hexadecimal, sent as a binary message", value: text{to: &p.Hex, pos: &p.valueAt}},
		{name: "base64", doc: "bytes in base64, sent as a binary message", value: text{to: &p.Base64, pos: &p.valueAt}},
		{name: "file", doc: "a file whose bytes are sent as a binary message", value: text{to: &p.File, pos: &p.valueAt}},
	}...)
}

// textFields are those of text messages, in which alone there can be an id or a stamp.
func (p *Payload) textFields() []field {
	return []field{
		{name: "json", doc: "a JSON object; texts in it may be templates, and one that is nothing but a template keeps its value's type", value: tree{to: &p.JSON, object: true}},
		{name: "text", doc: "a text; may be a template", value: optional{to: &p.Text, pos: &p.valueAt}},
	}
}

// Match says which messages are meant; all conditions must hold.
type Match struct {
	At         Pos
	JSON       []*Var // path and wanted value
	Text       *string
	TextAt     Pos
	Contains   string
	ContainsAt Pos
	Regex      string
	RegexAt    Pos
	Where      string
	WhereAt    Pos
	Hex        string // bytes at Offset
	HexAt      Pos
	Offset     int
	OffsetAt   Pos
}

func (m *Match) fields() []field {
	return []field{
		{name: "json", doc: "JSON paths and the values wanted there", value: values(&m.JSON)},
		{name: "text", doc: "the whole text; may be a template", value: optional{to: &m.Text, pos: &m.TextAt}},
		{name: "contains", doc: "a part of the text; may be a template", value: text{to: &m.Contains, pos: &m.ContainsAt}},
		{name: "regex", doc: "a pattern ([RE2](https://github.com/google/re2/wiki/Syntax)) that the text matches", value: text{to: &m.Regex, pos: &m.RegexAt}},
		{name: "where", doc: "an expression that holds", value: text{to: &m.Where, pos: &m.WhereAt}},
		{name: "hex", doc: "bytes of a binary message, in hexadecimal", value: text{to: &m.Hex, pos: &m.HexAt}},
		{name: "at", doc: "where those bytes are; 0 is the first", value: integer{to: &m.Offset, min: 0, max: maxOffset, pos: &m.OffsetAt}},
	}
}

const maxOffset = 1 << 24

func (m *Match) empty() bool {
	return len(m.JSON) == 0 && m.Text == nil && m.Contains == "" && m.Regex == "" && m.Where == "" && m.Hex == ""
}

// Rule is what to do whenever a message comes, or at intervals.
type Rule struct {
	At    Pos
	Match Match
	Every time.Duration // instead of Match
	Do    []*Step

	// What is measured of the messages, besides or instead of Do.
	Delivery   string // name of the series; Stamp is the path of the stamp
	DeliveryAt Pos
	Stamp      string
	StampAt    Pos
	Tick       string // name of the series of intervals between messages; want is Interval
	TickAt     Pos
	Interval   time.Duration
	IntervalAt Pos

	bad bool // there is a mistake in it
}

// ruleValue is a rule.
type ruleValue struct{ own *Rule }

func (v ruleValue) read(r *reader, n *yaml.Node) {
	v.own.bad = r.apart(func() { v.own.section().read(r, n) })
}

func (v ruleValue) want() string { return v.own.section().want() }

func (v ruleValue) schema(d *schemas) map[string]any { return v.own.section().schema(d) }

func (r *Rule) section() section {
	return section{name: "on", set: func(n *yaml.Node) { r.At, r.Match.At = posOf(n), posOf(n) }, fields: append(r.Match.fields(),
		field{name: "every", doc: "do it at intervals, instead of when a message comes", value: duration{to: &r.Every, min: time.Millisecond}},
		field{name: "delivery", doc: "these messages are what a `publish` of this name sent: measure latency, loss, duplicates and order", value: label{to: &r.Delivery, pos: &r.DeliveryAt}},
		field{name: "stamp", doc: "JSON path of what `{{ stamp }}` was in the message that was published", value: text{to: &r.Stamp, pos: &r.StampAt}},
		field{name: "tick", doc: "these messages come at a steady rate: measure the jitter under this name", value: label{to: &r.Tick, pos: &r.TickAt}},
		field{name: "interval", doc: "the time that is wanted from tick to tick", value: duration{to: &r.Interval, min: time.Microsecond, pos: &r.IntervalAt}},
		field{name: "do", doc: "steps that do not wait", value: steps{to: &r.Do}},
	)}
}

// Extract saves a part of a message: by a JSON path, or bytes of a binary one.
type Extract struct {
	Var    string
	At     Pos
	Path   string
	PathAt Pos
	Offset int
	Length int
	As     string // of bytes, one of formats; empty for a path
}

// formats are how bytes of a message are read.
var formats = []string{"hex", "text", "u8", "u16be", "u16le", "u32be", "u32le"}

// saves is a mapping from variables to paths, or to places in a binary message.
func saves(to *[]*Extract) named {
	return named{what: "paths", names: namePattern, check: (*reader).variable, item: func(name string, key *yaml.Node) value {
		e := &Extract{Var: name, At: posOf(key)}
		*to = append(*to, e)
		return either{text{to: &e.Path, pos: &e.PathAt}, section{name: "save", fields: []field{
			{name: "at", doc: "the first byte, from 0", value: integer{to: &e.Offset, min: 0, max: maxOffset}},
			{name: "length", doc: "of `hex` and `text`, how many bytes; 0 for all that follow", value: integer{to: &e.Length, min: 0, max: maxOffset}},
			{name: "as", doc: "how they are read: as `hex` or `text`, or as a number of 1, 2 or 4 bytes in big or little endian", required: true, value: choice{to: &e.As, words: formats}},
		}}}
	}}
}
