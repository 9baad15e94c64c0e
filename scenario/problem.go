package scenario

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/internal/nearest"
)

// Pos is a place in a scenario file, both from 1. The zero value is no place in it.
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
	Cut  bool // there may be more than are listed
}

// Error gives each mistake as file:line:column: message, with the line and a caret below.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, m := range p.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.File)
		if m.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", m.Line, m.Column)
		}
		b.WriteString(": " + m.Message)
		if m.Excerpt != "" {
			b.WriteString("\n" + m.Excerpt)
		}
	}
	if p.Cut {
		fmt.Fprintf(&b, "\n%s: there may be more mistakes; these are the first %d", p.File, len(p.List))
	}
	return b.String()
}

// among words what was wanted where got is none of names: all of them if they are few, and the nearest.
func among(got string, names []string) string {
	s := "want " + strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return "there is none"
	case len(names) > 24:
		s = fmt.Sprintf("want one of %d names", len(names))
	}
	if n, ok := nearest.Name(got, names); ok {
		s += fmt.Sprintf("; did you mean %s?", n)
	}
	return s
}

// clip shortens a text for messages.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s[:min(len(s), 4*n+4)]); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
