package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

// span is text in one style. Its text is clean, see clean.
type span struct {
	text  string
	style style
}

// line is what is drawn in one row.
type line []span

// maxMarks bounds the marks on one character: any number of them takes no width, and runs over other rows.
const maxMarks = 2

// clean gives text that comes from elsewhere (URLs, names, reasons that servers gave) as it can be drawn: without
// control characters, of which escape sequences are made, without those that have no width of their own (they reverse
// a row's direction, or have terminals disagree on its width), and without line breaks.
func (p *painter) clean(s string) string {
	ok, marks := true, 0
	for _, r := range s {
		if r < ' ' || r > '~' {
			ok = false
			break
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t', r == '\n', unicode.In(r, unicode.Zl, unicode.Zp):
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Me, unicode.Variation_Selector):
		case p.ascii && r > '~':
			b.WriteString(inASCII(r))
		case unicode.Is(unicode.M, r):
			if marks++; marks <= maxMarks {
				b.WriteRune(r)
			}
			continue
		case r == utf8.RuneError:
			b.WriteByte('?')
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
		marks = 0
	}
	return b.String()
}

// inASCII gives the nearest of one character.
func inASCII(r rune) string {
	switch r {
	case 'µ', 'μ':
		return "u"
	case '…':
		return "~"
	case '·':
		return "|"
	case '–', '—', '−':
		return "-"
	case '≤', '≥':
		return "="
	default:
		return "?"
	}
}

// width is how many columns text takes at most. Terminals disagree on what several characters that are one for a
// reader take together; none gives them more than each alone.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r >= ' ' && r <= '~', r >= 0x2500 && r <= 0x25ff: // also what bars are made of
		return 1
	default:
		return lipgloss.Width(string(r))
	}
}

// clip gives text of at most so many columns.
func (p *painter) clip(s string, columns int) string {
	if len(s) <= columns || width(s) <= columns { // no byte is wider than a column
		return s
	}
	if columns <= 0 {
		return ""
	}
	n := 0
	for i, r := range s {
		w := runeWidth(r)
		if n+w > columns-1 {
			return s[:i] + p.more
		}
		n += w
	}
	return s
}

// pad gives text of exactly so many columns, at the left of them.
func (p *painter) pad(s string, columns int) string {
	s = p.clip(s, columns)
	return s + spaces(columns-width(s))
}

// right is pad at the right.
func (p *painter) right(s string, columns int) string {
	s = p.clip(s, columns)
	return spaces(columns-width(s)) + s
}

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }

func (l line) width() int {
	n := 0
	for _, s := range l {
		n += width(s.text)
	}
	return n
}

// fit gives l in at most so many columns; in exactly so many if it is to be filled.
func (p *painter) fit(l line, columns int, fill bool) line {
	out, left := make(line, 0, len(l)+1), columns
	for _, s := range l {
		w := width(s.text)
		if w > left {
			s.text = p.clip(s.text, left)
			w = width(s.text)
			if s.text != "" {
				out = append(out, s)
			}
			left -= w
			break
		}
		out = append(out, s)
		left -= w
	}
	if fill && left > 0 {
		out = append(out, span{spaces(left), plain})
	}
	return out
}

// wrap joins items by two spaces to lines of at most so many columns.
func (p *painter) wrap(items []line, columns int) []line {
	var lines []line
	var l line
	n := 0
	for _, item := range items {
		item = p.fit(item, columns, false)
		w := item.width()
		switch {
		case n == 0:
		case n+2+w > columns:
			lines = append(lines, l)
			l, n = nil, 0
		default:
			l = append(l, span{"  ", plain})
			n += 2
		}
		l = append(l, item...)
		n += w
	}
	if n > 0 {
		lines = append(lines, l)
	}
	return lines
}
