package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/internal/nearest"
)

// Pos is a place in a scenario file, both from 1.
type Pos struct{ Line, Column int }

// Problem is one mistake in a scenario file.
type Problem struct {
	Pos
	Message string
	Excerpt string // the line, with a caret under the place; empty if the file has no such line
}

// Problems are all mistakes in one file, in the order of their places.
type Problems struct {
	File string
	List []Problem
}

// Error gives each mistake as file:line:column: message, with the line and a caret below.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, m := range p.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s", p.File, m.Line, m.Column, m.Message)
		if m.Excerpt != "" {
			b.WriteByte('\n')
			b.WriteString(m.Excerpt)
		}
	}
	return b.String()
}

// source is the text that positions refer to, with what was found wrong in it.
type source struct {
	file  string
	lines []string
	list  []Problem
}

func newSource(file string, text []byte) *source {
	return &source{file: file, lines: strings.Split(string(text), "\n")}
}

// maxProblems bounds the mistakes that are reported; a file with more is not what it claims to be.
const maxProblems = 100

func (s *source) wrong(at Pos, format string, args ...any) {
	p := Problem{Pos: at, Message: fmt.Sprintf(format, args...)}
	if len(s.list) < maxProblems && !slices.ContainsFunc(s.list, func(q Problem) bool { return q.Pos == p.Pos && q.Message == p.Message }) {
		p.Excerpt = s.excerpt(at)
		s.list = append(s.list, p)
	}
}

const maxExcerpt = 100 // columns of a line

// excerpt gives the line with a caret under the place, without the control characters it may hold.
func (s *source) excerpt(at Pos) string {
	if at.Line < 1 || at.Line > len(s.lines) {
		return ""
	}
	line := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s.lines[at.Line-1]))
	column := min(max(at.Column, 1), len(line)+1)
	from := max(0, column-maxExcerpt*3/4)
	to := min(len(line), from+maxExcerpt)
	return fmt.Sprintf("  %s\n  %s^", string(line[from:to]), strings.Repeat(" ", column-1-from))
}

// err gives what was found wrong, or nil.
func (s *source) err() error {
	if len(s.list) == 0 {
		return nil
	}
	slices.SortStableFunc(s.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Problems{File: s.file, List: s.list}
}

// among words what was wanted where got is none of names: the nearest of them, and all if they are few.
func among(got string, names []string) string {
	s := "want " + strings.Join(names, ", ")
	if len(names) > 24 {
		s = fmt.Sprintf("want one of %d names", len(names))
	}
	if n, ok := nearest.Name(got, names); ok {
		s += fmt.Sprintf("; did you mean %s?", n)
	}
	return s
}
