package threshold

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
)

// literals is an expression whose values with units, which its grammar does not have, were lifted out of it: in
// the place of each there is one letter, and as many blanks as it was long.
type literals struct {
	text   string
	values []*node
	texts  []string
}

const (
	firstLetter = 'ꀀ' // of a script that no name is in, as other letters beyond ASCII are refused
	maxLiterals = maxNodes
)

var (
	literalPattern = regexp.MustCompile(`^(([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+|[0-9]+(\.[0-9]+)?%)`)
	otherPattern   = regexp.MustCompile(`^[0-9A-Za-z_.]+`)
	textPattern    = regexp.MustCompile("^(\"(\\\\.|[^\"\\\\])*\"|'(\\\\.|[^'\\\\])*'|`[^`]*`)")
	namePattern    = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*`)
)

// lift reads the values with units of an expression.
func lift(text string) (*literals, *Error) {
	l := new(literals)
	var b strings.Builder
	for at := 0; at < len(text); {
		rest := text[at:]
		token := literalPattern.FindString(rest)
		switch {
		case token != "" && otherPattern.FindString(rest[len(token):]) == "":
			v, err := literal(token)
			if err == nil && len(l.values) == maxLiterals {
				err = tooMany()
			}
			if err != nil {
				err.Column = utf8.RuneCountInString(text[:at]) + 1
				return nil, err
			}
			b.WriteRune(firstLetter + rune(len(l.values)))
			b.WriteString(strings.Repeat(" ", utf8.RuneCountInString(token)-1))
			l.values, l.texts = append(l.values, v), append(l.texts, token)
			at += len(token)
			continue
		case rest[0] >= '0' && rest[0] <= '9':
			token = otherPattern.FindString(rest)
		case rest[0] >= utf8.RuneSelf:
			r, _ := utf8.DecodeRuneInString(rest)
			err := wrong("got the character %q outside of quotes", r)
			err.Column = utf8.RuneCountInString(text[:at]) + 1
			return nil, err
		default:
			if token = textPattern.FindString(rest); token == "" {
				token = namePattern.FindString(rest)
			}
			if token == "" {
				token = rest[:1]
			}
		}
		if b.WriteString(token); strings.Contains("\"'`", token) {
			b.WriteString(rest[1:]) // a quote that is not closed, which the parser tells
			break
		}
		at += len(token)
	}
	l.text = b.String()
	return l, nil
}

func literal(token string) (*node, *Error) {
	if number, ok := strings.CutSuffix(token, "%"); ok {
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, wrong("got the share %s, want one from 0%% to 100%%", clip(token, 40))
		}
		return constant(f/100, Share), nil
	}
	d, err := time.ParseDuration(token)
	if err != nil || d > maxDuration {
		return nil, wrong("got the time %s, want at most ten years", clip(token, 40))
	}
	return constant(d.Seconds(), Seconds), nil
}

func tooMany() *Error { return wrong("got more than %d parts, want fewer", maxNodes) }

// explain words what the parser found.
func (l *literals) explain(err error) *Error {
	var e *file.Error
	if !errors.As(err, &e) {
		return wrong("%s", clip(err.Error(), 200))
	}
	if strings.HasSuffix(e.Message, "exceeds maximum allowed nodes") {
		return tooMany()
	}
	m := &Error{Message: strings.TrimSpace(e.Message), Column: l.column(e.From)}
	switch m.Message {
	case "unexpected token EOF":
		m.Message = "it ends too early"
	case `unexpected token Operator("=")`:
		m.Message = "got =, want == to compare"
	case "literal not terminated":
		m.Message = "got a text without its closing quote"
	}
	m.Message = clip(l.restore(m.Message), 200)
	return m
}

// restore puts the values back into a message.
func (l *literals) restore(message string) string {
	for i, text := range l.texts {
		message = strings.ReplaceAll(message, string(firstLetter+rune(i)), text)
	}
	return message
}

// column gives the place of what is so many characters into the expression.
func (l *literals) column(from int) int {
	return min(max(from, 0), utf8.RuneCountInString(l.text)) + 1
}
