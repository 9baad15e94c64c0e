package scenario

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// template cuts a text with {{ expressions }} into segments. mode is how its values are written.
func (c *compiler) template(s string, at Pos, mode Mode) *Template {
	t := &Template{At: at}
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			t.plain(s)
			break
		}
		t.plain(s[:i])
		j := strings.Index(s[i:], "}}")
		if j < 0 {
			c.wrong(at, "template: got {{ without }} in %q", clip(s[i:], 40))
			break
		}
		c.segment(t, strings.TrimSpace(s[i+2:i+j]), at, mode)
		s = s[i+j+2:]
	}
	t.done()
	return t
}

// plain adds text as it is.
func (t *Template) plain(s string) {
	if s == "" {
		return
	}
	if n := len(t.Segments); n > 0 && t.Segments[n-1].Kind == SegText {
		t.Segments[n-1].Text = append(t.Segments[n-1].Text, s...)
		return
	}
	t.Segments = append(t.Segments, Segment{Kind: SegText, Text: []byte(s)})
}

func (t *Template) done() {
	t.Constant = len(t.Segments) == 0 || len(t.Segments) == 1 && t.Segments[0].Kind == SegText
}

// Text gives what a constant template is.
func (t *Template) Text() []byte {
	if len(t.Segments) == 0 {
		return nil
	}
	return t.Segments[0].Text
}

// segment adds a value. What is a plain name needs no expression at run time.
func (c *compiler) segment(t *Template, s string, at Pos, mode Mode) {
	if inner, ok := strings.CutPrefix(s, "raw("); ok && strings.HasSuffix(inner, ")") {
		s, mode = strings.TrimSpace(strings.TrimSuffix(inner, ")")), Raw
	}
	seg := Segment{Mode: mode}
	feed, column, dotted := strings.Cut(s, ".")
	switch {
	case s == "n":
		seg.Kind = SegPlayer
	case s == "iteration":
		seg.Kind = SegIteration
	case s == "seq" || s == "seq()":
		seg.Kind = SegSeq
	case s == "stamp":
		seg.Kind = SegStamp
		c.stamps++
	case s == "uuid" || s == "uuid()":
		seg.Kind = SegUUID
	case slices.Contains(c.scope.vars, s):
		seg.Kind, seg.Slot = SegVar, slices.Index(c.scope.vars, s)
	case dotted && slices.Contains(c.scope.feeds, feed) && isName(column):
		seg.Kind, seg.Slot, seg.Name = SegFeed, slices.Index(c.scope.feeds, feed), column
	case isName(s) && !isReserved(s):
		c.wrong(at, "template: unknown name %q: %s", s, among(s, append(c.scope.names(), "seq", "uuid", "stamp")))
		return
	default:
		e := c.expr(s, at, false)
		if e == nil {
			return
		}
		seg.Kind, seg.Expr = SegExpr, e
	}
	t.Segments = append(t.Segments, seg)
}

// json turns a tree into a template of JSON text. A text in it that is nothing but one {{ }} becomes a value
// of its own type; in others values are escaped.
func (c *compiler) json(n *yaml.Node) *Template {
	t := &Template{At: posOf(n), JSON: true}
	c.jsonNode(t, n)
	t.done()
	return t
}

func (c *compiler) jsonNode(t *Template, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		t.plain("{")
		seen := make(map[string]bool)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				t.plain(",")
			}
			key := n.Content[i]
			if seen[key.Value] {
				c.wrong(posOf(key), "json: %s is there twice", clip(key.Value, 60))
			}
			seen[key.Value] = true
			t.plain(quote(key.Value) + ":")
			c.jsonNode(t, n.Content[i+1])
		}
		t.plain("}")
	case yaml.SequenceNode:
		t.plain("[")
		for i, e := range n.Content {
			if i > 0 {
				t.plain(",")
			}
			c.jsonNode(t, e)
		}
		t.plain("]")
	default:
		c.jsonScalar(t, n)
	}
}

func (c *compiler) jsonScalar(t *Template, n *yaml.Node) {
	s := n.Value
	if inner := strings.TrimSpace(s); strings.HasPrefix(inner, "{{") && strings.Index(inner, "}}") == len(inner)-2 {
		c.segment(t, strings.TrimSpace(inner[2:len(inner)-2]), posOf(n), JSONValue)
		return
	}
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		t.plain("null")
		return
	case tag == "!!bool":
		t.plain(strings.ToLower(s))
		return
	case (tag == "!!int" || tag == "!!float") && json.Valid([]byte(s)):
		t.plain(s)
		return
	case tag == "!!int":
		if i, err := strconv.ParseInt(s, 0, 64); err == nil {
			t.plain(strconv.FormatInt(i, 10))
			return
		}
	case tag == "!!float":
		if f, err := strconv.ParseFloat(s, 64); err == nil && json.Valid([]byte(strconv.FormatFloat(f, 'g', -1, 64))) {
			t.plain(strconv.FormatFloat(f, 'g', -1, 64))
			return
		}
		c.wrong(posOf(n), "json: got %s, which JSON cannot say", what(n))
		return
	}
	// A string, perhaps with values in it.
	t.plain(`"`)
	for _, seg := range c.template(s, posOf(n), InString).Segments {
		if seg.Kind == SegText {
			q := quote(string(seg.Text))
			t.plain(q[1 : len(q)-1])
		} else {
			t.Segments = append(t.Segments, seg)
		}
	}
	t.plain(`"`)
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
	inner := strings.TrimSpace(n.Value)
	whole := strings.HasPrefix(inner, "{{") && strings.Index(inner, "}}") == len(inner)-2
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && !whole {
		return c.template(n.Value, posOf(n), Raw)
	}
	return c.json(n)
}
