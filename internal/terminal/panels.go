package terminal

import (
	"math"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

// column is the overview in one column, by importance. On a screen that is tall, there is more before the last events.
func (p *painter) column(columns int) []panel {
	list := []panel{
		p.players(columns), p.traffic(columns).spaced(5), p.latency(columns).spaced(1), p.lights(columns).spaced(2),
		p.errors(columns).spaced(6), p.rig(columns).spaced(3),
	}
	if s := p.summary; s != nil {
		if len(s.Reasons) > 0 {
			list = append(list, p.reasons(columns).ifRoom())
		}
		for _, table := range p.scenarioTables(columns) {
			list = append(list, fixed(table).ifRoom())
		}
		list = append(list, p.graph(columns, "response", "p99", ofResponse, p.seconds).ifRoom(),
			p.graph(columns, "messages", "sent/s", ofSent, rate).ifRoom(), fixed(p.trust()).ifRoom())
	}
	return append(list, p.latest(columns).spaced(4))
}

// leftColumn and rightColumn are the overview of a wide screen.
func (p *painter) leftColumn(columns int) []panel {
	return []panel{
		p.players(columns), p.traffic(columns).spaced(1), p.latency(columns).spaced(1),
		p.graph(columns, "response", "p99", ofResponse, p.seconds).spaced(1),
		p.graph(columns, "messages", "sent/s", ofSent, rate).spaced(1),
		p.graph(columns, "players", "connected", ofConnected, count).spaced(1),
		p.graph(columns, "lag", "p99", ofLag, p.seconds).spaced(1),
		p.graph(columns, "rig's cpu", "share", ofCPU, share).spaced(1),
	}
}

func (p *painter) rightColumn(columns int) []panel {
	list := []panel{p.lights(columns), p.errors(columns).spaced(1), p.rig(columns).spaced(1)}
	if s := p.summary; s != nil {
		if len(s.Reasons) > 0 {
			list = append(list, p.reasons(columns).spaced(1))
		}
		for _, table := range p.scenarioTables(columns) {
			n := len(table)
			list = append(list, panel{least: min(2, n), want: min(8, n), more: n, space: 2, rows: func(n int) []line { return p.cut(table, n) }})
		}
		for _, lines := range [][]line{p.trust(), p.latencies(columns), p.ends(columns), p.cost(columns)} {
			list = append(list, fixed(lines).ifRoom())
		}
	}
	return append(list, p.latest(columns).spaced(1))
}

// cut gives so many lines, and says in the last one what was left out.
func (p *painter) cut(lines []line, n int) []line {
	if len(lines) <= n || n <= 0 {
		return lines[:min(max(n, 0), len(lines))]
	}
	left := figures.Count(len(lines) - n + 1)
	return append(slices.Clone(lines[:n-1]), line{{spaces(label) + p.more + " " + left + " more, see d", faint}})
}

// head says which run it is, how far it is, and how it stands.
func (p *painter) head() []line {
	sign, word, is := p.standing()
	at := " " + sign + " " + word + " "
	name := line{{" loadrig ", strong}}
	if n := p.clean(p.manifest.Name); n != "" {
		name = append(name, span{n + "  ", strong})
	}
	if s := p.manifest.Scenario; s != nil && s.Name != "" {
		name = append(name, span{p.clean(s.Name) + "  ", strong})
	}
	name = append(name, span{p.clean(p.manifest.URL), accent})
	first := append(p.fit(name, max(0, p.width-width(at)), true), span{at, is})
	return []line{first, append(line{{" ", plain}}, p.time(p.width-2)...)}
}

// time says how far the run is.
func (p *painter) time(columns int) line {
	planned := p.manifest.Planned
	text := clock(p.elapsed)
	switch {
	case p.over:
		text += "  the load is over, connections are closed"
	case p.asked > 0:
		text += "  the load is ended"
	case planned > 0:
		text += " of " + clock(planned) + ", " + clock(math.Ceil(planned-p.elapsed)) + " left"
	default:
		text += " elapsed"
	}
	if planned <= 0 {
		return line{{text, strong}}
	}
	part := min(1, p.elapsed/planned)
	if p.over {
		part = 1
	}
	percent := p.right(count(math.Floor(100*part))+"%", 5)
	room := columns - width(text) - 3 - len(percent)
	if room < 4 {
		return line{{text, strong}}
	}
	done := min(room, int(part*float64(room)))
	return line{{text + "  ", strong}, {strings.Repeat(p.done, done), accent}, {strings.Repeat(p.todo, room-done), faint}, {percent, plain}}
}

// status says what is not as usual of the view.
func (p *painter) status() (l line) {
	if p.asked > 0 {
		l = append(l, span{" ENDING: q again ends the program at once ", alert}, span{" ", plain})
	}
	if p.paused {
		l = append(l, span{" PAUSED, the run goes on ", alert}, span{" ", plain})
	}
	if l == nil {
		l = line{{" ", plain}}
	}
	return l
}

// keys is the last row.
func (p *painter) keys() line {
	pause := "p pause the view"
	if p.paused {
		pause = "p go on"
	}
	text := pause + "   d detail   ? help   q end and report"
	if p.asked > 0 {
		text = pause + "   d detail   ? help"
	}
	return append(p.status(), span{text, faint})
}

// players says how many are in which state.
func (p *painter) players(columns int) panel {
	n := &p.now
	asked := float64(p.manifest.Players)
	what := " asked"
	if !math.IsNaN(n.wanted) {
		what = " asked now"
		if n.wanted == asked {
			what = " asked"
		}
		asked = n.wanted
	} else if p.manifest.Scenario != nil {
		what = " at most"
	}
	parts := p.states()
	first := line{{count(n.states[messages.Connected]), accent}, {" connected of " + count(asked) + what, plain}}
	if s := p.summary; s != nil {
		first = append(first, span{"  peak " + count(float64(s.Connections.Peak)), faint})
	}
	var legend line
	for i, st := range []messages.State{messages.Connected, messages.Connecting, messages.Disconnected, messages.Idle} {
		legend = append(legend, span{parts[i].glyph, parts[i].style}, span{" " + count(parts[i].value) + " " + st.String() + "  ", plain})
	}
	lines := []line{first, p.bar(parts, float64(p.manifest.Players), columns-label-1), legend, p.opening()}
	all := p.labelled("players", lines[:3])
	return fixed(append(all, p.labelled("opening", lines[3:])...))
}

// awaited stands for all panels as long as there is no interval: a 0 would be one that nobody counted.
func (p *painter) awaited() panel {
	asked := line{{count(float64(p.manifest.Players)), accent}, {" asked; the first figures come " + spanOf(p.manifest.Interval) + " after the begin", plain}}
	return fixed(p.labelled("players", []line{asked}))
}

// states are the parts of the bar of players.
func (p *painter) states() []part {
	n := &p.now.states
	return []part{
		{n[messages.Connected], p.full, good}, {n[messages.Connecting], p.part, accent},
		{n[messages.Disconnected], p.shade, bad}, {n[messages.Idle], p.dot, faint},
	}
}

func (p *painter) opening() line {
	n := &p.now
	l := line{{"attempted ", plain}, {rate(n.attempted) + "/s", accent}, {"  opened ", plain}, {rate(n.opened) + "/s", accent}, {"  failed ", plain}}
	is := accent
	if n.failed > 0 {
		is = bad
	}
	l = append(l, span{rate(n.failed) + "/s", is})
	if s := p.summary; s != nil {
		l = append(l, span{"  in all " + count(float64(s.Connections.Opened)) + ", " + count(float64(s.Connections.Failed)) + " failed", faint})
	}
	return l
}

// traffic says what was asked for, and what there was of it.
func (p *painter) traffic(columns int) panel {
	n := &p.now
	l := line{}
	if !math.IsNaN(n.asked) {
		l = append(l, span{"asked ", plain}, span{rate(n.asked) + "/s", accent}, span{"  ", plain})
	}
	l = append(l, span{"sent ", plain}, span{rate(n.sent) + "/s", accent}, span{"  received ", plain}, span{rate(n.received) + "/s", accent})
	if room := columns - label - l.width() - 3; room >= 6 {
		values, _ := p.series[ofSent].last(min(room, 60), false)
		l = append(l, span{"  " + p.spark(values), accent})
	}
	return fixed(p.labelled("messages", []line{l}))
}

// Columns of the latencies.
const (
	rowName = 7
	cell    = 9
)

// latency says how long answers took: of the last interval, and of the whole run.
func (p *painter) latency(columns int) panel {
	head := line{{p.pad("", rowName) + p.right("p50", cell) + p.right("p90", cell) + p.right("p99", cell) + p.right("max", cell), faint}}
	room := min(60, columns-label-rowName-4*cell-3)
	of := func(which int) string {
		if room < 6 {
			return ""
		}
		values, size := p.series[which].last(room, true)
		if which == ofResponse && len(values) > 0 {
			head = append(head, span{"   p99, " + p.lasted(which, len(values), size), faint})
		}
		return "   " + p.spark(values)
	}
	row := func(name string, l report.Latency, is style, spark string) line {
		cells := p.pad(name, rowName)
		if l.Count == 0 {
			return line{{cells, faint}, {p.right("-", cell), plain}}
		}
		figures := ""
		for _, v := range []float64{l.P50, l.P90, l.P99, l.Max} {
			figures += p.right(p.seconds(v), cell)
		}
		return line{{cells, faint}, {figures, is}, {spark, accent}}
	}
	var whole [2]report.Latency
	if s := p.summary; s != nil {
		whole = [2]report.Latency{s.Response, s.RoundTrip}
	}
	response, roundTrip := of(ofResponse), of(ofRoundTrip)
	lines := p.labelled("latency", []line{head})
	lines = append(lines, p.labelled("response", []line{row("now", p.now.response, accent, response), row("so far", whole[0], plain, "")})...)
	lines = append(lines, p.labelled("round trip", []line{row("now", p.now.roundTrip, accent, roundTrip), row("so far", whole[1], plain, "")})...)
	return fixed(lines)
}

// graph is a chart of the last minutes.
func (p *painter) graph(columns int, of, what string, which int, words func(float64) string) panel {
	return panel{least: 3, want: 5, more: 7, rows: func(n int) []line {
		room := columns - label - 1
		values, size := p.series[which].last(room-axis, which == ofResponse || which == ofLag)
		lines := p.labelled(of, p.chart(values, room, n, words))
		for i, text := range []string{what, p.lasted(which, len(values), size)} {
			if i+1 < len(lines) {
				lines[i+1][0].text = " " + p.pad(text, label-1)
			}
		}
		return lines
	}}
}

// lasted words which time some groups of a series are of.
func (p *painter) lasted(which, groups, size int) string {
	return "last " + spanOf(float64(min(groups*size, p.series[which].count))*p.manifest.Interval)
}

// errors lists what went wrong.
func (p *painter) errors(columns int) panel {
	if len(p.faults) == 0 {
		return fixed(p.labelled("errors", []line{{{p.held + " none", good}}}))
	}
	var items []line
	for _, f := range p.faults {
		item := line{{p.clean(f.name) + " ", plain}, {count(f.total), bad}}
		if f.perSecond > 0 {
			item = append(item, span{" +" + rate(f.perSecond) + "/s", bad})
		}
		items = append(items, item)
	}
	items[0] = append(line{{p.failed + " ", bad}}, items[0]...)
	lines := p.wrap(items, columns-label-1)
	lines = p.labelled("errors", lines)
	return panel{least: 1, want: min(3, len(lines)), more: len(lines), rows: func(n int) []line { return p.cut(lines, n) }}
}

// reasons lists what speaks against a pass.
func (p *painter) reasons(columns int) panel {
	var lines []line
	for _, r := range p.summary.Reasons {
		for i, l := range p.paragraph(r, columns-label-3) {
			lines = append(lines, append(line{{[]string{"- ", "  "}[min(i, 1)], faint}}, l...))
		}
	}
	lines = p.labelled("against it", lines)
	return panel{least: 1, want: min(4, len(lines)), more: len(lines), rows: func(n int) []line { return p.cut(lines, n) }}
}

// paragraph breaks a text into lines at its spaces.
func (p *painter) paragraph(text string, columns int) (lines []line) {
	row := ""
	for _, w := range strings.Fields(p.clean(text)) {
		if row != "" && width(row)+1+width(w) > columns {
			lines = append(lines, line{{row, plain}})
			row = ""
		}
		if row != "" {
			row += " "
		}
		row += w
	}
	return append(lines, line{{row, plain}})
}

// rig says how the rig itself fares.
func (p *painter) rig(columns int) panel {
	n := &p.now
	at := func(name, value string, is style) line { return line{{name + " ", plain}, {value, is}} }
	// over tells what is near the most that is trusted, or beyond.
	over := func(v, most float64) style {
		switch {
		case v > most:
			return bad
		case v > most/2:
			return warn
		default:
			return accent
		}
	}
	trust := line{{p.waits + " not measured yet", faint}}
	var broken []line
	if s := p.summary; s != nil {
		trust = line{{p.held + " keeps up", good}}
		for i := range s.Trust {
			if t := &s.Trust[i]; !t.Held {
				trust = line{{p.failed + " DID NOT KEEP UP", bad}}
				broken = append(broken, line{{p.failed + " " + p.clean(strings.ReplaceAll(t.Name, "_", " ")) + " " + p.trustValue(t), bad}})
			}
		}
	}
	items := []line{
		trust, at("cpu", share(n.cpu), over(n.cpu, 0.9)), at("lag p99", p.seconds(n.lag)+" of "+p.seconds(p.manifest.MaxLag), over(n.lag, p.manifest.MaxLag)),
		at("turn p99", p.seconds(n.turn), over(n.turn, p.manifest.MaxLag)), at("memory", size(n.memory), accent),
	}
	files := count(n.files)
	if n.limit > 0 {
		files += " of " + count(n.limit)
	}
	stalls := over(float64(p.stalls), 0.5)
	items = append(items, at("files", files, over(n.files, 0.97*n.limit)), at("gc", share(n.gc)+" of cpu", over(n.gc, 0.5)), at("longest pause", p.seconds(n.gcWorst), accent),
		at("stalls", count(float64(p.stalls)), stalls))
	lines := append(p.wrap(items, columns-label-1), broken...)
	lines = p.labelled("rig", lines)
	return panel{least: min(2, len(lines)), want: len(lines), more: len(lines), rows: func(n int) []line { return p.cut(lines, n) }}
}

// trustValue words what the rig did not keep to.
func (p *painter) trustValue(t *report.Trust) string {
	if t.Value == nil {
		return ""
	}
	if t.Unit == threshold.Seconds {
		return p.seconds(*t.Value) + " of " + p.seconds(t.Bound)
	}
	return share(*t.Value) + " of " + share(t.Bound)
}

func size(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return figures.Size(uint64(max(0, v)))
}

// latest lists the last events and notes.
func (p *painter) latest(columns int) panel {
	if len(p.news) == 0 {
		return fixed(p.labelled("events", []line{{{"none", faint}}}))
	}
	return panel{least: 1, want: min(2, len(p.news)), more: len(p.news), rows: func(n int) []line {
		var lines []line
		for _, e := range p.news[len(p.news)-min(n, len(p.news)):] {
			is := plain
			if e.bad {
				is = warn
			}
			lines = append(lines, line{{p.pad(clock(e.at), 6), faint}, {p.clean(e.text), is}})
		}
		return p.labelled("events", lines)
	}}
}
