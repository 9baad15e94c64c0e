package scenario

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// source is the text that positions refer to, with what was found wrong in it.
type source struct {
	file    string
	lines   []string
	list    []Problem
	secrets []string // texts that are shown nowhere
	found   int      // bytes that find has looked through
}

func newSource(file string, text []byte) *source {
	return &source{file: file, lines: splitLines(string(text)), secrets: tokenPattern.FindAllString(string(text), maxTokens)}
}

// tokenPattern finds what looks like a JWT, wherever it is: also in a file that cannot be parsed.
var tokenPattern = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]+){1,2}`)

const maxTokens = 100

// splitLines splits where the YAML parser begins a new line, so that both count lines alike.
func splitLines(s string) (lines []string) {
	from := 0
	for i, r := range s {
		switch r {
		case '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				continue
			}
			fallthrough
		case '\n', '\u0085', '\u2028', '\u2029':
			lines = append(lines, strings.TrimSuffix(s[from:i], "\r"))
			from = i + utf8.RuneLen(r)
		}
	}
	return append(lines, s[from:])
}

// maxProblems bounds the mistakes that are reported; a file with more is not what it claims to be.
const maxProblems = 100

const maxMessage = 1000 // characters

// full tells that no further mistake would be reported. What reads long lists stops then.
func (s *source) full() bool { return len(s.list) >= maxProblems }

func (s *source) wrong(at Pos, format string, args ...any) {
	if s.full() {
		return
	}
	p := Problem{Pos: at, Message: clip(s.hide(fmt.Sprintf(format, args...)), maxMessage)}
	if !slices.ContainsFunc(s.list, func(q Problem) bool { return q.Pos == p.Pos && q.Message == p.Message }) {
		p.Excerpt = s.excerpt(at)
		s.list = append(s.list, p)
	}
}

const maxExcerpt = 100 // columns of a line

// excerpt gives the line with a caret under the place, without the control characters it may hold.
func (s *source) excerpt(at Pos) string {
	if at.Line < 1 || at.Line > len(s.lines) || strings.TrimSpace(s.lines[at.Line-1]) == "" {
		return ""
	}
	text := s.lines[at.Line-1]
	// A line may be as long as the file, and only what is near the place is shown.
	const widest = 4 * maxExcerpt * utf8.UTFMax
	skipped := 0
	for len(text) > widest && skipped < at.Column-1-maxExcerpt {
		_, n := utf8.DecodeRuneInString(text)
		text, skipped = text[n:], skipped+1
	}
	if len(text) > widest {
		text = strings.ToValidUTF8(text[:widest], "")
	}
	line := []rune(s.hide(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)))
	column := min(max(at.Column-1-skipped, 0), len(line))
	from := max(0, column-maxExcerpt*3/4)
	to := min(len(line), from+maxExcerpt)
	return fmt.Sprintf("  %s\n  %s^", strings.TrimRight(string(line[from:to]), " "), strings.Repeat(" ", column-from))
}

// hide replaces secrets by as many stars, so that places stay right.
func (s *source) hide(text string) string {
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			text = strings.ReplaceAll(text, secret, strings.Repeat("*", utf8.RuneCountInString(secret)))
		}
	}
	return text
}

// maxFound bounds what is looked through for the places of mistakes; beyond it they are less exact.
const maxFound = 256 << 20

// find gives the place of a token in the source: the nth, from 0, at or behind a place. It is at itself if
// the token is not there, as where a text is written with escapes.
func (s *source) find(at Pos, token string, nth int) Pos {
	for line := at.Line; line >= 1 && line <= len(s.lines) && s.found < maxFound; line++ {
		text, from := s.lines[line-1], 0
		s.found += len(text)
		if line == at.Line {
			for c := 1; c < at.Column && from < len(text); c++ {
				_, n := utf8.DecodeRuneInString(text[from:])
				from += n
			}
		}
		for {
			i := strings.Index(text[from:], token)
			if i < 0 {
				break
			}
			if from += i; nth == 0 {
				return Pos{line, 1 + utf8.RuneCountInString(text[:from])}
			}
			nth--
			from += len(token)
		}
	}
	return at
}

// err gives what was found wrong, or nil.
func (s *source) err() error {
	if len(s.list) == 0 {
		return nil
	}
	slices.SortStableFunc(s.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Problems{File: s.file, List: s.list, Cut: s.full()}
}
