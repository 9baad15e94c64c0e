package players

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/loadrig/loadrig/scenario"
)

// FirstFault tells of the first expression of the run that could not be evaluated, with its place in the
// scenario file; empty if there was none. Any goroutine may call it.
func (c *Cast) FirstFault() string {
	if s := c.fault.Load(); s != nil {
		return *s
	}
	return ""
}

// fault counts an expression that could not be evaluated, or a request without an id: what it was, and why. A
// fault may come with each message, so only the first one is put in words.
func (s *stage) fault(at scenario.Pos, what string, why error) {
	s.series.Fault()
	if s.cast.fault.Load() != nil {
		return
	}
	text := fmt.Sprintf("line %d: %s: %s", at.Line, plain(what), plain(why.Error()))
	s.cast.fault.CompareAndSwap(nil, &text)
}

// maxPlain bounds what is told of an expression, and of what is wrong with it, in characters.
const maxPlain = 120

// plain gives the first line of a text, in characters that a terminal shows as they are: what an expression
// fails on may be a server's words.
func plain(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	r := []rune(text)
	if len(r) > maxPlain {
		r = append(r[:maxPlain], '…')
	}
	for i, c := range r {
		if !unicode.IsPrint(c) {
			r[i] = unicode.ReplacementChar
		}
	}
	return string(r)
}
