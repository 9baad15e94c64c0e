package scenario

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// value reads one kind of value from a file, and describes it in the JSON schema.
type value interface {
	read(r *reader, n *yaml.Node)
	schema(d *schemas) map[string]any
}

// field is a key of a section.
type field struct {
	name     string
	doc      string
	value    value
	required bool
}

// reader reads one file.
type reader struct {
	*source
	depth int
}

func posOf(n *yaml.Node) Pos { return Pos{n.Line, n.Column} }

func (r *reader) wrongAt(n *yaml.Node, format string, args ...any) {
	r.wrong(posOf(n), format, args...)
}

// what names a node for messages.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.ShortTag() == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value, 60))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// maxDepth bounds how deep a file may nest.
const maxDepth = 64

// object reads a mapping by its table of fields. Keys that are not in it are mistakes.
func (r *reader) object(n *yaml.Node, name string, fields []field) {
	if r.depth++; r.depth > maxDepth {
		r.wrongAt(n, "%s: nested more than %d deep", name, maxDepth)
		r.depth--
		return
	}
	defer func() { r.depth-- }()
	if n.Kind != yaml.MappingNode {
		r.wrongAt(n, "%s: got %s, want a mapping of %s", name, what(n), strings.Join(namesOf(fields), ", "))
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		switch {
		case key.Kind != yaml.ScalarNode:
			r.wrongAt(key, "%s: got %s for a key, want a name", name, what(key))
		case seen[key.Value]:
			r.wrongAt(key, "%s: %s is there twice", name, key.Value)
		case at < 0:
			r.wrongAt(key, "%s: unknown key %q: %s", name, clip(key.Value, 60), among(key.Value, namesOf(fields)))
		default:
			fields[at].value.read(r, v)
		}
		seen[key.Value] = true
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			r.wrongAt(n, "%s: %s is missing", name, f.name)
		}
	}
}

func namesOf(fields []field) (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

// scalar gives a node's text, if it is a scalar that is not null.
func (r *reader) scalar(n *yaml.Node, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		r.wrongAt(n, "got %s, want %s", what(n), want)
		return "", false
	}
	return n.Value, true
}

// The plain values. pos, where it is not nil, is set to the place.

type text struct {
	to   *string
	pos  *Pos
	want string // for messages; "a text" if empty
}

func (v text) read(r *reader, n *yaml.Node) {
	want := v.want
	if want == "" {
		want = "a text"
	}
	if s, ok := r.scalar(n, want); ok {
		*v.to = s
		setPos(v.pos, n)
	}
}

func setPos(p *Pos, n *yaml.Node) {
	if p != nil {
		*p = posOf(n)
	}
}

func (text) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

type boolean struct{ to *bool }

func (v boolean) read(r *reader, n *yaml.Node) {
	switch s, ok := r.scalar(n, "true or false"); {
	case !ok:
	case s == "true", s == "false":
		*v.to = s == "true"
	default:
		r.wrongAt(n, "got %s, want true or false", what(n))
	}
}

func (boolean) schema(*schemas) map[string]any { return map[string]any{"type": "boolean"} }

type integer struct {
	to       *int
	min, max int
}

func (v integer) read(r *reader, n *yaml.Node) {
	want := fmt.Sprintf("a whole number from %d to %d", v.min, v.max)
	s, ok := r.scalar(n, want)
	if !ok {
		return
	}
	i, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
	if err != nil || i < v.min || i > v.max {
		r.wrongAt(n, "got %s, want %s", what(n), want)
		return
	}
	*v.to = i
}

func (v integer) schema(*schemas) map[string]any {
	return map[string]any{"type": "integer", "minimum": v.min, "maximum": v.max}
}

type number struct {
	to       *float64
	min, max float64
}

func (v number) read(r *reader, n *yaml.Node) {
	want := fmt.Sprintf("a number from %v to %v", v.min, v.max)
	s, ok := r.scalar(n, want)
	if !ok {
		return
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < v.min || f > v.max {
		r.wrongAt(n, "got %s, want %s", what(n), want)
		return
	}
	*v.to = f
}

func (v number) schema(*schemas) map[string]any {
	return map[string]any{"type": "number", "minimum": v.min, "maximum": v.max}
}

type duration struct {
	to  *time.Duration
	min time.Duration
	pos *Pos
}

const (
	durationWant    = "a time with its unit, as 500ms, 30s or 5m"
	durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`
	maxDuration     = 10 * 365 * 24 * time.Hour
)

func (v duration) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, durationWant)
	if !ok {
		return
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		r.wrongAt(n, "got %s, want %s", what(n), durationWant)
	case d < v.min || d > maxDuration:
		least := "0"
		if v.min > 0 {
			least = v.min.String()
		}
		r.wrongAt(n, "got %v, want %s or more", d, least)
	default:
		*v.to = d
		setPos(v.pos, n)
	}
}

func (duration) schema(*schemas) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "string", "pattern": durationPattern},
		map[string]any{"type": "integer", "const": 0},
	}}
}

// rate reads 50/s, 3000/m and 7200/h, as a number per second.
type rate struct {
	to  *float64
	pos *Pos
}

const rateWant = "a rate, as 50/s, 3000/m or 10/h"

func (v rate) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, rateWant)
	if !ok {
		return
	}
	f, ok := parseRate(s)
	if !ok {
		r.wrongAt(n, "got %s, want %s", what(n), rateWant)
		return
	}
	*v.to = f
	setPos(v.pos, n)
}

func parseRate(s string) (perSecond float64, ok bool) {
	count, unit, _ := strings.Cut(s, "/")
	seconds, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	f, err := strconv.ParseFloat(count, 64)
	if !ok || err != nil || math.IsNaN(f) || f < 0 || f > 1e9 {
		return 0, false
	}
	return f / seconds, true
}

func (rate) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "number"}, "pattern": `^[0-9]+(\.[0-9]+)?(/(s|m|h))?$`, "minimum": 0}
}

// size reads 65536, 64KiB and 16MiB.
type size struct{ to *int }

const sizeWant = "a number of bytes, as 65536, 64KiB or 16MiB"

func (v size) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, sizeWant)
	if !ok {
		return
	}
	for _, u := range []struct {
		name  string
		bytes int
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}} {
		if count, ok := strings.CutSuffix(s, u.name); ok {
			if i, err := strconv.Atoi(count); err == nil && i >= 1 && i <= 1<<31/u.bytes {
				*v.to = i * u.bytes
				return
			}
			break
		}
	}
	r.wrongAt(n, "got %s, want %s", what(n), sizeWant)
}

func (size) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "integer"}, "pattern": `^[0-9]+(B|KiB|MiB|GiB)?$`, "minimum": 1}
}

// choice is one word of a few.
type choice struct {
	to    *string
	words []string
	pos   *Pos
}

func (v choice) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, "one of "+strings.Join(v.words, ", "))
	switch {
	case !ok:
	case slices.Contains(v.words, s):
		*v.to = s
		setPos(v.pos, n)
	default:
		r.wrongAt(n, "got %s, %s", what(n), among(s, v.words))
	}
}

func (v choice) schema(*schemas) map[string]any { return map[string]any{"enum": v.words} }

// section is a mapping with a table of its own. set, where it is not nil, is told that it is there.
type section struct {
	name   string
	fields []field
	set    func(n *yaml.Node)
}

func (v section) read(r *reader, n *yaml.Node) {
	if v.set != nil {
		v.set(n)
	}
	r.object(n, v.name, v.fields)
}

func (v section) schema(d *schemas) map[string]any { return d.object(v.fields) }

// list reads each element by item, which is asked for the value of the next one.
type list struct {
	item func() value
	min  int
	what string // of the elements, for messages
	pos  *Pos
}

func (v list) read(r *reader, n *yaml.Node) {
	setPos(v.pos, n)
	if n.Kind != yaml.SequenceNode {
		r.wrongAt(n, "got %s, want a list of %s", what(n), v.what)
		return
	}
	if len(n.Content) < v.min {
		r.wrongAt(n, "got %d %s, want %d or more", len(n.Content), v.what, v.min)
	}
	for _, c := range n.Content {
		v.item().read(r, c)
	}
}

func (v list) schema(d *schemas) map[string]any {
	s := map[string]any{"type": "array", "items": v.item().schema(d)}
	if v.min > 0 {
		s["minItems"] = v.min
	}
	return s
}

// texts is a list of texts; a single text is a list of one.
type texts struct {
	to   *[]string
	what string
}

func (v texts) read(r *reader, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}, Line: n.Line, Column: n.Column}
	}
	if n.Kind != yaml.SequenceNode {
		r.wrongAt(n, "got %s, want a list of %s", what(n), v.what)
		return
	}
	for _, c := range n.Content {
		var s string
		text{to: &s}.read(r, c)
		*v.to = append(*v.to, s)
	}
}

func (texts) schema(*schemas) map[string]any {
	one := map[string]any{"type": "string"}
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one}}}
}

// named is a mapping from names that the user chooses; item is asked for the value of each.
type named struct {
	item func(name string, key *yaml.Node) value
	what string // of the values, for messages
}

func (v named) read(r *reader, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.wrongAt(n, "got %s, want a mapping from names to %s", what(n), v.what)
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || key.Value == "":
			r.wrongAt(key, "got %s for a name", what(key))
			continue
		case seen[key.Value]:
			r.wrongAt(key, "%s is there twice", key.Value)
			continue
		}
		seen[key.Value] = true
		v.item(key.Value, key).read(r, n.Content[i+1])
	}
}

func (v named) schema(d *schemas) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": v.item("", &yaml.Node{}).schema(d)}
}

// either reads scalars one way and all else another, for what has a short form.
type either struct{ short, long value }

func (v either) read(r *reader, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		v.short.read(r, n)
		return
	}
	v.long.read(r, n)
}

func (v either) schema(d *schemas) map[string]any {
	return map[string]any{"anyOf": []any{v.short.schema(d), v.long.schema(d)}}
}

// tree keeps a node as it is, for what has no fixed form, such as JSON to be sent.
type tree struct {
	to     **yaml.Node
	object bool // must be a mapping
}

func (v tree) read(r *reader, n *yaml.Node) {
	if v.object && n.Kind != yaml.MappingNode {
		r.wrongAt(n, "got %s, want a mapping, which is sent as a JSON object", what(n))
		return
	}
	if depthOf(n) > maxDepth {
		r.wrongAt(n, "nested more than %d deep", maxDepth)
		return
	}
	*v.to = n
}

func depthOf(n *yaml.Node) (d int) {
	for _, c := range n.Content {
		d = max(d, depthOf(c))
	}
	return d + 1
}

func (v tree) schema(*schemas) map[string]any {
	if v.object {
		return map[string]any{"type": "object"}
	}
	return map[string]any{}
}
