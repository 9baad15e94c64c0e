package terminal

import (
	"math"
	"strings"
	"time"

	"github.com/loadrig/loadrig/internal/figures"
)

// painter makes lines of a state, for a screen of a size. It changes nothing.
type painter struct {
	*glyphs
	*state
	ascii         bool
	width, height int
	elapsed       float64
	paused        bool
	asked         int // how often somebody wanted the end
}

func newPainter(s *state, ascii bool, width, height int) *painter {
	p := &painter{glyphs: &unicodeGlyphs, state: s, ascii: ascii, width: width, height: height}
	if ascii {
		p.glyphs = &asciiGlyphs
	}
	return p
}

// The sizes from which there is room for more.
const (
	leastWidth  = 60 // for labels and tables; 10 rows of essentials below
	leastHeight = 14
	wideWidth   = 140 // for two columns
	wideHeight  = 20
	roomyHeight = 36 // for a blank row below the head
)

// frame gives the rows of a page; none is wider than the screen, or fit has to see to it. scroll is where a page that
// is longer than the screen begins, and is set to where it can.
func (p *painter) frame(on page, scroll *int) []line {
	if p.width <= 0 || p.height <= 0 {
		return nil
	}
	return p.cleaned(p.page(on, scroll))
}

// cleaned has nothing be forgotten: what comes from elsewhere is clean where it is measured, or is not drawn.
func (p *painter) cleaned(lines []line) []line {
	for _, l := range lines {
		for i := range l {
			l[i].text = p.clean(l[i].text)
		}
	}
	return lines
}

func (p *painter) page(on page, scroll *int) []line {
	switch on {
	case detail:
		return p.scrolled(p.detail(), scroll, "d back")
	case help:
		return p.scrolled(p.help(), scroll, "? back")
	}
	if p.manifest == nil {
		return []line{{{"the run begins", plain}}}
	}
	if p.width < leastWidth || p.height < leastHeight {
		return p.small()
	}
	head, foot := p.head(), p.keys()
	if p.height >= roomyHeight {
		head = append(head, nil)
	}
	rows := p.height - len(head) - 1
	body := make([]line, 0, rows)
	if p.summary == nil {
		body = p.stack([]panel{p.awaited()}, rows, p.width)
	} else if p.width >= wideWidth && p.height >= wideHeight {
		const gap = 4
		left := (p.width - gap) / 2
		right := p.width - gap - left
		a, b := p.stack(p.leftColumn(left), rows, left), p.stack(p.rightColumn(right), rows, right)
		for i := range max(len(a), len(b)) {
			var l line
			if i < len(a) {
				l = a[i]
			}
			l = p.fit(l, left, true)
			l = append(l, span{spaces(gap), plain})
			if i < len(b) {
				l = append(l, b[i]...)
			}
			body = append(body, l)
		}
	} else {
		body = p.stack(p.column(p.width), rows, p.width)
	}
	for len(body) < rows {
		body = append(body, nil)
	}
	return append(append(head, body[:rows]...), foot)
}

// scrolled gives the part of a long page that fits.
func (p *painter) scrolled(all []line, scroll *int, back string) []line {
	rows := max(0, p.height-1)
	*scroll = max(0, min(*scroll, len(all)-rows))
	end := min(len(all), *scroll+rows)
	lines := append([]line(nil), all[*scroll:end]...)
	for len(lines) < rows {
		lines = append(lines, nil)
	}
	foot := p.status()
	if len(all) > rows {
		foot = append(foot, span{"lines " + figures.Count(*scroll+1) + " to " + figures.Count(end) + " of " + figures.Count(len(all)) + ", up/down/pgup/pgdn  ", faint})
	}
	return append(lines, append(foot, span{back + "  q end", faint}))
}

// panel is a part of a page.
type panel struct {
	least int  // rows without which it is of no use
	want  int  // rows that it needs for all that matters
	more  int  // rows that it can fill
	space int  // its rank among those that there is to be a blank row before; 0 for none
	extra bool // it is there where there is room that nothing else needs
	rows  func(n int) []line
}

// fixed is a panel of some lines.
func fixed(lines []line) panel {
	n := len(lines)
	return panel{least: n, want: n, more: n, rows: func(n int) []line { return lines[:min(n, len(lines))] }}
}

func (one panel) spaced(rank int) panel {
	one.space = rank
	return one
}

func (one panel) ifRoom() panel {
	one.extra, one.least = true, one.want
	return one
}

// stack puts panels below each other, in so many rows: first what each needs at least, in their order; then what they
// want; then blank rows between them; then those that are extra; and what is left to those who can fill it.
func (p *painter) stack(panels []panel, rows, columns int) []line {
	given, left := make([]int, len(panels)), rows
	for i, one := range panels {
		if !one.extra && one.least <= left {
			given[i] = one.least
			left -= one.least
		}
	}
	grow := func(to func(panel) int) {
		for again := true; again && left > 0; {
			again = false
			for i, one := range panels {
				if left > 0 && given[i] > 0 && given[i] < to(one) {
					given[i]++
					left--
					again = true
				}
			}
		}
	}
	grow(func(one panel) int { return one.want })
	blank := make([]bool, len(panels))
	for rank := 1; rank <= len(panels) && left > 0; rank++ {
		for i, one := range panels {
			if one.space == rank && given[i] > 0 && left > 0 {
				blank[i] = true
				left--
			}
		}
	}
	for i, one := range panels {
		if one.extra && one.least+1 <= left {
			given[i], blank[i] = one.least, true
			left -= one.least + 1
		}
	}
	grow(func(one panel) int { return one.more })
	var lines []line
	for i, one := range panels {
		if given[i] == 0 {
			continue
		}
		if blank[i] && len(lines) > 0 {
			lines = append(lines, nil)
		}
		for _, l := range one.rows(given[i]) {
			lines = append(lines, p.fit(l, columns, false))
		}
	}
	return lines
}

// label is how wide the first column is.
const label = 12

// labelled puts a label before the first of some lines, and room before the others.
func (p *painter) labelled(name string, lines []line) []line {
	out := make([]line, 0, len(lines))
	for i, l := range lines {
		text := ""
		if i == 0 {
			text = name
		}
		out = append(out, append(line{{" " + p.pad(text, label-1), faint}}, l...))
	}
	return out
}

// seconds writes a duration; a dash for none.
func (p *painter) seconds(s float64) string {
	if math.IsNaN(s) {
		return "-"
	}
	return p.clean(figures.Seconds(s))
}

// rate writes a number a second; a dash for none.
func rate(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case v > 0 && v < 9.95:
		return strings.TrimSuffix(tenths(v), ".0")
	default:
		return count(v)
	}
}

// tenths writes a small number that is more than 0.
func tenths(v float64) string {
	if v < 0.05 {
		return "<0.1"
	}
	n := int(v*10 + 0.5)
	return figures.Count(n/10) + "." + string(rune('0'+n%10))
}

func count(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return figures.Count(uint64(max(0, v) + 0.5))
}

// share writes a part of a whole; a dash for none.
func share(v float64) string {
	switch p := 100 * v; {
	case math.IsNaN(v):
		return "-"
	case p > 0 && p < 9.95:
		return strings.TrimSuffix(tenths(p), ".0") + "%"
	default:
		return count(p) + "%"
	}
}

// clock writes a time: 0:12, 12:34, 1:02:03.
func clock(s float64) string {
	n := int(max(0, s))
	two := func(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }
	if n < 3600 {
		return figures.Count(n/60) + ":" + two(n%60)
	}
	return figures.Count(n/3600) + ":" + two(n/60%60) + ":" + two(n%60)
}

// span words how long some intervals took.
func spanOf(s float64) string {
	d := time.Duration(s * 1e9)
	switch {
	case d >= 2*time.Minute:
		return figures.Count(int(d.Minutes()+0.5)) + " min"
	case d >= time.Second:
		return figures.Count(int(d.Seconds()+0.5)) + " s"
	default:
		return d.Round(100 * time.Millisecond).String()
	}
}

// standing tells what speaks for and against a pass so far.
func (p *painter) standing() (sign, word string, is style) {
	if p.summary == nil {
		return p.waits, "nothing measured yet", faint
	}
	for i := range p.summary.Trust {
		if !p.summary.Trust[i].Held {
			return p.failed, "UNTRUSTWORTHY so far", bad
		}
	}
	failing := len(p.summary.Reasons) > 0
	for i := range p.summary.Thresholds {
		if lightOf(&p.summary.Thresholds[i]) == fails {
			failing = true
		}
	}
	if failing {
		return p.failed, "FAIL so far", bad
	}
	return p.held, "pass so far", good
}
