package terminal

import (
	"slices"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/report"
)

// light is how a threshold stands.
type light uint8

const (
	holds light = iota
	notYet
	fails
)

// lightOf tells how a threshold stands. What only the end shows, as a count that is to be reached, does not fail
// before.
func lightOf(t *report.Threshold) light {
	switch {
	case t.Fault != "":
		return fails
	case t.Held:
		return holds
	case t.FirstFailed != nil:
		return fails
	default:
		return notYet
	}
}

// lights says of each threshold whether it holds.
func (p *painter) lights(columns int) panel {
	if p.summary == nil || len(p.summary.Thresholds) == 0 {
		text := "none; --threshold 'p(95)<200ms' sets one"
		if len(p.manifest.Thresholds) > 0 {
			text = "nothing measured yet"
		}
		return fixed(p.labelled("thresholds", []line{{{text, faint}}}))
	}
	list := make([]*report.Threshold, 0, len(p.summary.Thresholds))
	number := [3]int{}
	for i := range p.summary.Thresholds {
		t := &p.summary.Thresholds[i]
		list = append(list, t)
		number[lightOf(t)]++
	}
	slices.SortStableFunc(list, func(a, b *report.Threshold) int { return int(lightOf(b)) - int(lightOf(a)) })
	return panel{least: 1, want: min(6, len(list)), more: len(list), rows: func(n int) []line {
		var lines []line
		if n == 1 && len(list) > 1 {
			return p.labelled("thresholds", []line{p.lightsInAll(number)})
		}
		for i, t := range list {
			if i == n-1 && len(list) > n {
				lines = append(lines, line{{p.more + " " + figures.Count(len(list)-i) + " more, see d", faint}})
				break
			}
			lines = append(lines, p.light(t, p.boundWidth()))
		}
		return p.labelled("thresholds", lines)
	}}
}

// lightsInAll counts them.
func (p *painter) lightsInAll(number [3]int) (l line) {
	for i, w := range []struct {
		text string
		of   int
		is   style
	}{{p.failed + " " + figures.Count(number[fails]) + " FAIL  ", number[fails], bad}, {p.held + " " + figures.Count(number[holds]) + " hold  ", number[holds], good}, {p.waits + " " + figures.Count(number[notYet]) + " not yet", number[notYet], faint}} {
		if w.of > 0 || i == 1 {
			l = append(l, span{w.text, w.is})
		}
	}
	return l
}

// boundWidth gives how wide the bounds of thresholds are.
func (p *painter) boundWidth() (widest int) {
	for i := range p.summary.Thresholds {
		widest = max(widest, width(p.bound(&p.summary.Thresholds[i])))
	}
	return min(widest, 16)
}

func (p *painter) bound(t *report.Threshold) string {
	_, _, bound, _, _, _ := t.Words()
	if t.Bound != nil {
		bound = t.Op + " " + bound
	}
	return p.clean(bound)
}

// light is one threshold: a sign, a word, the value, the bound, and what it is.
func (p *painter) light(t *report.Threshold, boundWidth int) line {
	sign, word, is := p.held, "holds", good
	switch lightOf(t) {
	case fails:
		sign, word, is = p.failed, "FAILS", bad
	case notYet:
		sign, word, is = p.waits, "not yet", faint
	}
	that, got, _, _, _, _ := t.Words()
	after := ""
	if t.FirstFailed != nil {
		after = "  failed first at " + p.clean(figures.Seconds(*t.FirstFailed))
	}
	return line{
		{p.pad(sign+" "+word, 10), is}, {p.right(p.clean(got), 9), accent}, {"  " + p.pad(p.bound(t), boundWidth) + "  ", plain},
		{p.clean(that), plain}, {after, faint},
	}
}
