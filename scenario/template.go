package scenario

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxText bounds the text of all templates with the fragments put in.
const maxText = 64 << 20 // bytes

// grow counts text that templates hold.
func (c *compiler) grow(n int, at Pos) {
	if c.bytes <= maxText && c.bytes+n > maxText {
		c.wrong(at, "messages: got more than %d MiB of text with the fragments put in, want less, or fewer calls", maxText>>20)
	}
	c.bytes += n
}

// template cuts a text with {{ expressions }} into segments. mode is how its values are written.
func (c *compiler) template(s string, at Pos, mode Mode) *Template {
	t := &Template{At: at}
	rest, nth := s, 0
	for {
		i := strings.Index(rest, "{{")
		if i < 0 {
			c.plain(t, rest)
			break
		}
		c.plain(t, rest[:i])
		where := spot{at: at, token: "{{", nth: nth}
		j := closingBraces(rest[i+2:])
		if j < 0 {
			c.wrong(c.place(where), "template: got {{ without }} in %q", clip(rest[i:], 40))
			break
		}
		inner := rest[i+2 : i+2+j]
		c.segment(t, inner, where, mode)
		nth += 1 + strings.Count(inner, "{{")
		rest = rest[i+2+j+2:]
	}
	t.Constant = len(t.Segments) == 0 || len(t.Segments) == 1 && t.Segments[0].Kind == SegText
	return t
}

// closingBraces gives where the }} is that ends an expression; what is in quotes does not. It is -1 if
// there is none.
func closingBraces(s string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case quote != 0 && ch == '\\':
			i++
		case quote != 0 && ch == quote:
			quote = 0
		case quote == 0 && (ch == '"' || ch == '\'' || ch == '`'):
			quote = ch
		case quote == 0 && strings.HasPrefix(s[i:], "}}"):
			return i
		}
	}
	return strings.Index(s, "}}") // a quote that is not closed is the expression's mistake
}

// whole gives the expression of a text that is nothing but one {{ }}.
func whole(s string) (inner string, ok bool) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "{{") || closingBraces(s[2:]) != len(s)-4 {
		return "", false
	}
	return s[2 : len(s)-2], true
}

// plain adds text as it is.
func (c *compiler) plain(t *Template, s string) {
	if s == "" || c.bytes > maxText {
		return
	}
	c.grow(len(s), t.At)
	if n := len(t.Segments); n > 0 && t.Segments[n-1].Kind == SegText {
		t.Segments[n-1].Text = append(t.Segments[n-1].Text, s...)
		return
	}
	t.Segments = append(t.Segments, Segment{Kind: SegText, Text: []byte(s)})
}

// Text gives what a constant template is.
func (t *Template) Text() []byte {
	if len(t.Segments) == 0 {
		return nil
	}
	return t.Segments[0].Text
}

// segment adds a value: what is between {{ and }} at a place. What is a plain name needs no expression at
// run time.
func (c *compiler) segment(t *Template, inner string, where spot, mode Mode) {
	where.skip = 2 + len(inner) - len(strings.TrimLeft(inner, " \t\n"))
	s := strings.TrimSpace(inner)
	if raw, ok := strings.CutPrefix(s, "raw("); ok && strings.HasSuffix(raw, ")") {
		raw = strings.TrimSuffix(raw, ")")
		where.skip += len("raw(") + len(raw) - len(strings.TrimLeft(raw, " \t\n"))
		s, mode = strings.TrimSpace(raw), Raw
	}
	seg := Segment{Mode: mode}
	feed, column, dotted := strings.Cut(s, ".")
	slot, variable := c.scope.slots[s]
	switch {
	case s == "":
		c.wrong(c.place(where), "template: got nothing between {{ and }}, want a variable or an expression")
		return
	case s == "n":
		seg.Kind = SegPlayer
	case s == "iteration":
		seg.Kind = SegIteration
	case s == "seq" || s == "seq()":
		seg.Kind = SegSeq
	case s == "stamp":
		seg.Kind = SegStamp
		c.stamps++
		if !c.stampable {
			c.wrong(c.place(where), "template: got stamp outside of a publish step's message, which alone has one")
		}
	case s == "uuid" || s == "uuid()":
		seg.Kind = SegUUID
	case variable:
		seg.Kind, seg.Slot = SegVar, slot
	case dotted && slices.Contains(c.scope.feeds, feed) && isPath(column):
		seg.Kind, seg.Slot, seg.Name = SegFeed, slices.Index(c.scope.feeds, feed), column
		if why := c.scope.column(seg.Slot, column); why != "" {
			where.skip += len(feed) + 1
			c.wrong(c.place(where), "template: %s", why)
		}
	case slices.Contains(c.scope.feeds, s):
		c.wrong(c.place(where), "template: got %s, which has a row of columns; want one of them, as %s.name", s, s)
		return
	case isName(s) && !isReserved(s):
		if c.hidden[s] {
			return
		}
		c.wrong(c.place(where), "template: unknown name %q: %s", clip(s, 60), among(s, append(c.scope.names(), "seq", "uuid", "stamp")))
		return
	default:
		e := c.expr(s, where, false)
		if e == nil {
			return
		}
		seg.Kind, seg.Expr = SegExpr, e
	}
	t.Segments = append(t.Segments, seg)
}

// isPath tells names with dots between them.
func isPath(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !isName(strings.TrimLeft(part, "_")) {
			return false
		}
	}
	return true
}

// json turns a tree into a template of JSON text. A text in it that is nothing but one {{ }} becomes a value
// of its own type; in others values are escaped.
func (c *compiler) json(n *yaml.Node) *Template {
	t := &Template{At: posOf(n), JSON: true}
	c.jsonNode(t, n, true)
	t.Constant = len(t.Segments) == 0 || len(t.Segments) == 1 && t.Segments[0].Kind == SegText
	return t
}

// jsonNode adds a part of a tree. Where templates is false, texts in it are taken as they are.
func (c *compiler) jsonNode(t *Template, n *yaml.Node, templates bool) {
	switch n.Kind {
	case yaml.MappingNode:
		c.plain(t, "{")
		seen := make(map[string]bool)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				c.plain(t, ",")
			}
			key := n.Content[i]
			switch {
			case key.Kind != yaml.ScalarNode:
				c.wrong(posOf(key), "json: got %s for a key, want a text", what(key))
			case seen[key.Value]:
				c.wrong(posOf(key), "json: %s is there twice", clip(key.Value, 60))
			case templates && strings.Contains(key.Value, "{{"):
				c.wrong(posOf(key), "json: got a template for a key, which only values can be")
			}
			seen[key.Value] = true
			c.plain(t, quote(key.Value)+":")
			c.jsonNode(t, n.Content[i+1], templates)
		}
		c.plain(t, "}")
	case yaml.SequenceNode:
		c.plain(t, "[")
		for i, e := range n.Content {
			if i > 0 {
				c.plain(t, ",")
			}
			c.jsonNode(t, e, templates)
		}
		c.plain(t, "]")
	default:
		c.jsonScalar(t, n, templates)
	}
}

func (c *compiler) jsonScalar(t *Template, n *yaml.Node, templates bool) {
	if n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
		s, ok := jsonLiteral(n)
		if !ok {
			c.wrong(posOf(n), "json: got %s, which JSON cannot say", what(n))
		}
		c.plain(t, s)
		return
	}
	if inner, ok := whole(n.Value); ok && templates {
		c.segment(t, inner, spot{at: posOf(n), token: "{{"}, JSONValue)
		return
	}
	text := &Template{Segments: []Segment{{Kind: SegText, Text: []byte(n.Value)}}}
	if templates {
		text = c.template(n.Value, posOf(n), InString)
	}
	c.plain(t, `"`)
	for _, seg := range text.Segments {
		if seg.Kind == SegText {
			q := quote(string(seg.Text))
			c.plain(t, q[1:len(q)-1])
		} else {
			t.Segments = append(t.Segments, seg)
		}
	}
	c.plain(t, `"`)
}

// jsonLiteral gives null, true, false and numbers as JSON has them.
func jsonLiteral(n *yaml.Node) (string, bool) {
	s := n.Value
	switch n.ShortTag() {
	case "!!null":
		return "null", true
	case "!!bool":
		return strings.ToLower(s), true
	}
	if json.Valid([]byte(s)) {
		return s, true
	}
	s = strings.ReplaceAll(s, "_", "")
	if digits := strings.TrimLeft(s, "+-"); len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return s, false // octal to some, decimal to others
	}
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return strconv.FormatInt(i, 10), true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return s, json.Valid([]byte(s))
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

// valueOf turns what a file says of a variable into a template: a text stays one, unless it is nothing but
// one {{ }}, which keeps its type; all else is JSON.
func (c *compiler) valueOf(n *yaml.Node) *Template {
	if _, ok := whole(n.Value); isText(n) && !ok {
		return c.template(n.Value, posOf(n), Raw)
	}
	return c.json(n)
}

func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp")
}
