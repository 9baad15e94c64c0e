package scenario

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// value reads one kind of value from a file, and says what that is: in words, for messages and the
// reference, and in the JSON schema.
type value interface {
	read(r *reader, n *yaml.Node)
	want() string
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
	key   string // of the value at hand
	kinds []stepKind

	bad  bool // there is a mistake in the step or rule at hand, those within it aside
	lost bool // a mistake may have hidden names that others refer to
}

func posOf(n *yaml.Node) Pos { return Pos{n.Line, n.Column} }

func (r *reader) wrongAt(n *yaml.Node, format string, args ...any) {
	r.bad = true
	r.wrong(posOf(n), format, args...)
}

// apart reads a step or a rule, and tells whether there was a mistake in it. Then it is not looked at any
// further, unlike what is around it.
func (r *reader) apart(read func()) (bad bool) {
	outer := r.bad
	r.bad = false
	read()
	bad, r.bad = r.bad, outer
	return bad
}

// got reports a value that is not what was wanted.
func (r *reader) got(n *yaml.Node, want string) {
	r.wrongAt(n, "%s: got %s, want %s", clip(r.key, 60), what(n), want)
}

// what names a node for messages.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNull(n) {
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value, 60))
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// maxDepth bounds how deep a file may nest.
const maxDepth = 64

// within reads what is nested one deeper, if that is not too deep.
func (r *reader) within(n *yaml.Node, read func()) bool {
	if r.depth == maxDepth {
		r.wrongAt(n, "%s: nested more than %d deep; fragments keep steps flat", clip(r.key, 60), maxDepth)
		return false
	}
	key := r.key
	r.depth++
	read()
	r.depth--
	r.key = key
	return true
}

// object reads a mapping by its table of fields. Keys that are not in it are mistakes.
func (r *reader) object(n *yaml.Node, name string, fields []field) {
	if n.Kind != yaml.MappingNode {
		r.lost = true
		r.wrongAt(n, "%s: got %s, want %s", name, what(n), section{fields: fields}.want())
		return
	}
	seen := make(map[string]bool)
	ok := r.within(n, func() {
		for i := 0; i+1 < len(n.Content) && !r.full(); i += 2 {
			key, v := n.Content[i], n.Content[i+1]
			at := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
			switch {
			case key.Kind != yaml.ScalarNode:
				r.wrongAt(key, "%s: got %s for a key, want a name", name, what(key))
			case seen[key.Value]:
				r.wrongAt(key, "%s: %s is there twice", name, clip(key.Value, 60))
			case at < 0:
				r.lost = true
				r.wrongAt(key, "%s: unknown key %q: %s", name, clip(key.Value, 60), among(key.Value, namesOf(fields)))
			default:
				r.key = key.Value
				fields[at].value.read(r, v)
			}
			seen[key.Value] = true
		}
	})
	for _, f := range fields {
		if ok && f.required && !seen[f.name] {
			r.wrongAt(n, "%s: %s is missing, want %s", name, f.name, f.wanted())
		}
	}
}

// wanted says what a field is to hold, and what that is for where its kind does not tell.
func (f field) wanted() string {
	if want := f.value.want(); want != (text{}).want() {
		return want
	}
	return "a text: " + f.doc
}

func namesOf(fields []field) (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

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

func (v section) want() string {
	if len(v.fields) == 0 {
		return "nothing"
	}
	return "a mapping of " + strings.Join(namesOf(v.fields), ", ")
}

func (v section) schema(d *schemas) map[string]any { return d.object(v.fields) }

// list reads each element by item, which is asked for the value of the next one.
type list struct {
	item func() value
	min  int
	what string // the elements are, for messages
	each string // more of them
	pos  *Pos
}

func (v list) read(r *reader, n *yaml.Node) {
	setPos(v.pos, n)
	if n.Kind != yaml.SequenceNode {
		r.got(n, v.want())
		return
	}
	if len(n.Content) < v.min {
		r.wrongAt(n, "%s: got %d %s, want %d or more", r.key, len(n.Content), v.what, v.min)
	}
	for _, c := range n.Content {
		if r.full() {
			return
		}
		v.item().read(r, c)
	}
}

func (v list) want() string { return "a list of " + v.what + v.each }

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
	eachOf(r, n, v.want(), func(c *yaml.Node) {
		var s string
		text{to: &s}.read(r, c)
		*v.to = append(*v.to, s)
	})
}

// eachOf reads the elements of a list, or a scalar as a list of one.
func eachOf(r *reader, n *yaml.Node, want string, read func(*yaml.Node)) {
	switch {
	case n.Kind == yaml.ScalarNode && !isNull(n):
		read(n)
	case n.Kind != yaml.SequenceNode:
		r.got(n, want)
	default:
		for _, c := range n.Content {
			if r.full() {
				return
			}
			read(c)
		}
	}
}

func (v texts) want() string { return "a list of " + v.what + ", or one" }

func (texts) schema(d *schemas) map[string]any { return oneOrMore(text{}.schema(d)) }

func oneOrMore(one map[string]any) map[string]any {
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one}}}
}

// named is a mapping from names that the user chooses; item is asked for the value of each.
type named struct {
	item  func(name string, key *yaml.Node) value
	what  string                          // of the values, for messages
	names string                          // a pattern that names match, for the schema
	check func(r *reader, key *yaml.Node) // says what is wrong with a name; may be nil
}

func (v named) read(r *reader, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.lost = true
		r.got(n, v.want())
		return
	}
	seen := make(map[string]bool)
	r.within(n, func() {
		section := r.key
		for i := 0; i+1 < len(n.Content) && !r.full(); i += 2 {
			key := n.Content[i]
			switch {
			case key.Kind != yaml.ScalarNode || key.Value == "" || isNull(key):
				r.wrongAt(key, "%s: got %s for a key, want a name", section, what(key))
				continue
			case seen[key.Value]:
				r.wrongAt(key, "%s: %s is there twice", section, clip(key.Value, 60))
				continue
			}
			seen[key.Value] = true
			if v.check != nil {
				v.check(r, key)
			}
			item := v.item(key.Value, key)
			r.key = key.Value
			item.read(r, n.Content[i+1])
		}
	})
}

func (v named) want() string { return "a mapping from names to " + v.what }

func (v named) schema(d *schemas) map[string]any {
	s := map[string]any{"type": "object", "additionalProperties": v.item("", &yaml.Node{}).schema(d)}
	s["propertyNames"] = map[string]any{"minLength": 1}
	if v.names != "" {
		s["propertyNames"] = map[string]any{"pattern": v.names}
	}
	return s
}

// either reads scalars one way and mappings another, for what has a short form.
type either struct{ short, long value }

func (v either) read(r *reader, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && !isNull(n):
		v.short.read(r, n)
	case n.Kind == yaml.MappingNode:
		v.long.read(r, n)
	default:
		r.got(n, v.want())
	}
}

func (v either) want() string { return v.short.want() + ", or " + v.long.want() }

func (v either) schema(d *schemas) map[string]any {
	return map[string]any{"anyOf": []any{v.short.schema(d), v.long.schema(d)}}
}

// tree keeps a node as it is, for what has no fixed form, such as JSON to be sent.
type tree struct {
	to     **yaml.Node
	object bool // must be a mapping
}

func (v tree) read(r *reader, n *yaml.Node) {
	switch {
	case v.object && n.Kind != yaml.MappingNode:
		r.got(n, v.want())
	case depthOf(n) > maxDepth:
		r.wrongAt(n, "%s: nested more than %d deep", clip(r.key, 60), maxDepth)
	default:
		*v.to = n
	}
}

func depthOf(n *yaml.Node) (d int) {
	for _, c := range n.Content {
		d = max(d, depthOf(c))
	}
	return d + 1
}

func (v tree) want() string {
	if v.object {
		return "a mapping, which is sent as a JSON object"
	}
	return "anything, a text, a number or more"
}

func (v tree) schema(*schemas) map[string]any {
	if v.object {
		return map[string]any{"type": "object"}
	}
	return map[string]any{}
}

// setting reads a value and then does something with it.
type setting struct {
	value
	then func(n *yaml.Node)
}

func (v setting) read(r *reader, n *yaml.Node) {
	v.value.read(r, n)
	v.then(n)
}
