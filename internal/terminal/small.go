package terminal

import (
	"math"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/messages"
)

// small is the overview of a screen with little room: the essentials, a row each. Those that matter less go first.
func (p *painter) small() []line {
	n := &p.now
	sign, word, is := p.standing()
	lag := accent
	if n.lag > p.manifest.MaxLag {
		lag = bad
	}
	rows := []struct {
		rank int // 0 stays the longest
		line line
	}{
		{7, line{{"loadrig ", strong}, {p.clean(p.manifest.URL), accent}}},
		{1, p.time(p.width)},
		{0, line{{sign + " " + word, is}}},
		{2, line{{count(n.states[messages.Connected]), accent}, {" of " + count(float64(p.manifest.Players)) + " connected", plain}}},
		{4, p.smallTraffic()},
		{3, p.smallLatency()},
		{6, p.smallThresholds()},
		{5, p.smallErrors()},
		{8, line{{"rig lag ", plain}, {p.seconds(n.lag), lag}, {" cpu ", plain}, {share(n.cpu), accent}}},
		{9, p.smallKeys()},
	}
	if p.asked > 0 || p.paused {
		rows[len(rows)-1].rank = 2
	}
	rows[1].line = p.fit(rows[1].line, p.width, false)
	for len(rows) > p.height {
		last := 0
		for i := range rows {
			if rows[i].rank >= rows[last].rank {
				last = i
			}
		}
		rows = append(rows[:last], rows[last+1:]...)
	}
	lines := make([]line, 0, p.height)
	for _, r := range rows {
		lines = append(lines, r.line)
	}
	for len(lines) < p.height { // the keys are at the bottom
		lines = append(lines[:len(lines)-1], nil, lines[len(lines)-1])
	}
	return lines
}

func (p *painter) smallTraffic() line {
	n := &p.now
	l := line{{"sent ", plain}, {rate(n.sent) + "/s", accent}}
	if !math.IsNaN(n.asked) {
		l = append(l, span{" of " + rate(n.asked), plain})
	}
	return append(l, span{" got ", plain}, span{rate(n.received) + "/s", accent})
}

func (p *painter) smallLatency() line {
	r := p.now.response
	if r.Count == 0 {
		return line{{"no answers", faint}}
	}
	return line{{"p50 ", plain}, {p.seconds(r.P50), accent}, {" p99 ", plain}, {p.seconds(r.P99), accent}, {" max ", plain}, {p.seconds(r.Max), accent}}
}

func (p *painter) smallThresholds() line {
	if p.summary == nil || len(p.summary.Thresholds) == 0 {
		return line{{"no thresholds", faint}}
	}
	number := [3]int{}
	for i := range p.summary.Thresholds {
		number[lightOf(&p.summary.Thresholds[i])]++
	}
	return append(line{{"thresholds ", plain}}, p.lightsInAll(number)...)
}

func (p *painter) smallErrors() line {
	sum := 0.0
	for _, f := range p.faults {
		sum += f.total
	}
	if sum == 0 {
		return line{{"no errors", plain}}
	}
	first := p.faults[0]
	l := line{{count(sum) + " errors", bad}, {": " + p.clean(first.name) + " " + count(first.total), plain}}
	if more := len(p.faults) - 1; more > 0 {
		l = append(l, span{", " + figures.Count(more) + " more", faint})
	}
	return l
}

func (p *painter) smallKeys() line {
	switch {
	case p.asked > 0:
		return line{{"ENDING, q again: at once", alert}}
	case p.paused:
		return line{{"PAUSED view, p: go on", alert}}
	default:
		return line{{"q end d detail p pause ? help", faint}}
	}
}
