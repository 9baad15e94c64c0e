package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxYAMLDepth bounds how deep the parser goes; each nested step takes four levels of it.
const maxYAMLDepth = 4 * maxDepth

// limits stops the parser before what is nested too deep costs anything. It has no say on aliases, as none
// is ever expanded.
type limits struct{}

func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxYAMLDepth {
		return errTooDeep
	}
	return nil
}

func (limits) CheckAlias(int, int) error { return nil }

var errTooDeep = errors.New("nested too deep")

// parse gives the root of the document, or nil after a mistake. Aliases, anchors, merge keys and tags are
// refused: fragments and vars do what they are for, and a file of them can grow without bound.
func (s *source) parse(b []byte) *yaml.Node {
	if !s.plainText(b) {
		return nil
	}
	if len(bytes.TrimSpace(b)) == 0 {
		s.wrong(Pos{1, 1}, "got an empty file, want a scenario; loadrig init writes one to begin with")
		return nil
	}
	l, err := yaml.NewLoader(bytes.NewReader(b), yaml.WithPlugin(limits{}))
	if err != nil {
		panic(err) // the options are constant
	}
	var doc, second yaml.Node
	switch err := l.Load(&doc); {
	case errors.Is(err, io.EOF):
		s.wrong(Pos{1, 1}, "got nothing but comments, want a scenario; loadrig init writes one to begin with")
		return nil
	case err != nil:
		s.syntax(err)
		return nil
	}
	switch err := l.Load(&second); {
	case err == nil:
		s.wrong(posOf(&second), "got a second document, begun with ---, want one")
	case !errors.Is(err, io.EOF):
		s.syntax(err)
	}
	root := doc.Content[0]
	s.plainYAML(root)
	if len(s.list) > 0 {
		return nil
	}
	return root
}

// plainText refuses what is no text, at its first such character. The parser would name no place.
func (s *source) plainText(b []byte) bool {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		s.wrong(Pos{}, "got a file in UTF-16, want UTF-8")
		return false
	}
	for i, line := range s.lines {
		column := 0
		for at, r := range line {
			column++
			if r == utf8.RuneError && !strings.HasPrefix(line[at:], "\uFFFD") {
				s.wrong(Pos{i + 1, column}, "got the byte %#x, which is no UTF-8; want the file in that encoding", line[at])
				return false
			}
			if !printable(r) {
				s.wrong(Pos{i + 1, column}, "got the character %U, want text; in double quotes it can be written as %s", r, escape(r))
				return false
			}
		}
	}
	return true
}

// printable tells the characters that YAML 1.2 §5.1 allows. splitLines has taken the line breaks.
func printable(r rune) bool {
	return r == '\t' || r >= ' ' && r < 0x7f || r >= 0xa0 && r != 0xfeff && r != 0xfffe && r != 0xffff
}

func escape(r rune) string {
	if r <= 0xff {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// syntax words what the parser refused. The parser knows what it was about, and not what was meant.
func (s *source) syntax(err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		s.wrong(Pos{1, 1}, "%v", err)
		return
	}
	at := Pos{max(1, e.Mark.Line), max(1, e.Mark.Column)}
	began := Pos{max(1, e.ContextMark.Line), max(1, e.ContextMark.Column)}
	next := s.runeAt(at)
	switch {
	case e.Message == errTooDeep.Error():
		s.wrong(at, "nested more than %d deep; fragments keep steps flat", maxYAMLDepth)
	case strings.HasPrefix(e.ContextMsg, "while scanning a quoted scalar") && next == 0:
		s.wrong(began, "got a text without its closing quote")
	case strings.HasPrefix(e.ContextMsg, "while parsing a flow") && next == 0 && began != at:
		s.wrong(began, "got %c without its closing %c", s.runeAt(began), closing[s.runeAt(began)])
	case strings.HasPrefix(e.ContextMsg, "while parsing a flow") && began != at:
		s.wrong(at, "got %q, want a comma, or the %c that closes what began in line %d", next, closing[s.runeAt(began)], began.Line)
	case next == '\t':
		s.wrong(at, "got a tab to indent with, want spaces")
	case e.Message == "found character that cannot start any token":
		s.wrong(at, "got %q at the beginning of a value; want the value in quotes", next)
	case e.Message == "mapping values are not allowed in this context":
		s.wrong(at, "got a colon where no key can be; a text with a colon in it needs quotes, and a key the same indentation as its neighbours")
	case e.Message == "block sequence entries are not allowed in this context":
		s.wrong(at, "got the - of a list behind a key, want it in the next line")
	case e.Message == "did not find expected key":
		s.wrong(at, "want a key of the mapping that began in line %d, indented as its other keys are", began.Line)
	case e.Message == "did not find expected '-' indicator":
		s.wrong(at, "want - here, as in the list that began in line %d; or fewer or more spaces before it", began.Line)
	case e.Message == "did not find expected node content" && next == 0:
		s.wrong(at, "got the end of the file, want a value, or the ] or } of what is open")
	case e.Message == "did not find expected node content":
		s.wrong(at, "got %q, want a value", next)
	case e.Message == "found unknown escape character":
		s.wrong(at, `got a backslash that escapes nothing; want \\ for a backslash, or single quotes`)
	case e.Message == "could not find expected ':'":
		s.wrong(began, "got a line without a colon, want a key and its value, or - before an element of a list")
	case strings.HasPrefix(e.Message, "unknown anchor "):
		s.wrong(at, aliasMistake, strings.Trim(strings.TrimSuffix(strings.TrimPrefix(e.Message, "unknown anchor "), " referenced"), "'"))
	default:
		s.wrong(at, "YAML: %s", strings.TrimPrefix(e.ContextMsg+": "+e.Message, ": "))
	}
}

var closing = map[rune]rune{'[': ']', '{': '}'}

// runeAt gives the character at a place; 0 at the end of the file.
func (s *source) runeAt(at Pos) rune {
	if at.Line > len(s.lines) {
		return 0
	}
	column := 0
	for _, r := range s.lines[at.Line-1] {
		if column++; column == at.Column {
			return r
		}
	}
	if at.Line == len(s.lines) {
		return 0
	}
	return '\n'
}

const aliasMistake = "got the alias *%s, which scenario files do not have; fragments and vars are for what is used twice"

// plainYAML refuses what YAML has beyond mappings, lists and scalars.
func (s *source) plainYAML(n *yaml.Node) {
	switch {
	case s.full():
		return
	case n.Kind == yaml.AliasNode:
		s.wrong(posOf(n), aliasMistake, clip(n.Value, 40))
		return
	case n.Anchor != "":
		s.wrong(posOf(n), "got the anchor &%s, which scenario files do not have; fragments and vars are for what is used twice", clip(n.Anchor, 40))
	case n.Style&yaml.TaggedStyle != 0:
		s.wrong(posOf(n), "got the tag %s, which scenario files do not have; a text in quotes is a text, and a number without them a number", clip(n.Tag, 40))
	case n.ShortTag() == "!!merge":
		s.wrong(posOf(n), "got a merge key, <<, which scenario files do not have; fragments and vars are for what is used twice")
	}
	for _, c := range n.Content {
		s.plainYAML(c)
	}
}
