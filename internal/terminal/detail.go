package terminal

import (
	"math"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/report"
)

// detail is all that is known, in one long page.
func (p *painter) detail() []line {
	if p.manifest == nil || p.summary == nil {
		return []line{{{" nothing measured yet", faint}}}
	}
	columns := p.width
	var all []line
	section := func(lines []line) {
		if len(lines) == 0 {
			return
		}
		if len(all) > 0 {
			all = append(all, nil)
		}
		all = append(all, lines...)
	}
	panelOf := func(one panel) { section(one.rows(one.more)) }
	section(p.head())
	section(p.about())
	if len(p.summary.Reasons) > 0 {
		panelOf(p.reasons(columns))
	}
	panelOf(p.players(columns))
	panelOf(p.traffic(columns))
	section(p.volume(columns))
	section(p.latencies(columns))
	section(p.thresholds(columns))
	panelOf(p.errors(columns))
	section(p.ends(columns))
	for _, t := range p.scenarioTables(columns) {
		section(t)
	}
	panelOf(p.rig(columns))
	section(p.trust())
	section(p.cost(columns))
	panelOf(p.latest(columns))
	return all
}

// about says what the run is.
func (p *painter) about() []line {
	m := p.manifest
	by := "  loadrig " + m.Version + ", " + figures.Count(m.Shards) + " shards, " + m.Engine + " engine"
	lines := []line{{{p.clean(m.ID), plain}, {p.clean(by), faint}}}
	what := ""
	if m.Scenario == nil {
		what = m.Traffic + " traffic"
		if m.Rate > 0 {
			what += ", " + rate(m.Rate) + "/s each"
		}
	} else {
		what = "scenario " + m.Scenario.Name
	}
	lines = append(lines, line{{p.clean(what), plain}, {"  intervals of " + spanOf(m.Interval), faint}})
	if len(m.Tags) > 0 {
		var tags []string
		for k, v := range m.Tags {
			tags = append(tags, p.clean(k+"="+v))
		}
		slices.Sort(tags)
		lines = append(lines, line{{strings.Join(tags, "  "), plain}})
	}
	return p.labelled("run", lines)
}

func (p *painter) volume(columns int) []line {
	m := p.summary.Messages
	n := func(v uint64, what string) string { return figures.Count(v) + " " + what }
	return p.labelled("in all", slices.Concat(
		p.list(columns, n(m.Sent, "sent"), n(m.Received, "received"), n(m.Dropped, "dropped"), n(m.Corrupted, "corrupted"),
			n(m.Duplicated, "duplicated"), n(m.Foreign, "foreign")),
		p.list(columns, "payload", figures.Size(m.SentBytes)+" out", figures.Size(m.ReceivedBytes)+" in"),
		p.list(columns, "on the wire", figures.Size(m.SentWireBytes)+" out", figures.Size(m.ReceivedWireBytes)+" in"),
	))
}

// list joins texts to lines that go behind labels.
func (p *painter) list(columns int, texts ...string) []line {
	var items []line
	for _, t := range texts {
		items = append(items, line{{t, plain}})
	}
	return p.wrap(items, columns-label-1)
}

// leastName is what is left of the names in a table, however wide its other columns are.
const leastName = 10

// table is rows of cells under a head; the first cell is a name, at the left, which gives way to the others.
func (p *painter) table(columns int, head []string, rows [][]string) []line {
	if len(rows) == 0 {
		return nil
	}
	widths := make([]int, len(head))
	all := append([][]string{head}, rows...)
	for _, cells := range all {
		for i := range cells {
			cells[i] = p.clean(cells[i])
			widths[i] = max(widths[i], width(cells[i]))
		}
	}
	room := columns - 2
	for _, w := range widths[1:] {
		room -= 2 + w
	}
	name := max(leastName, min(widths[0], room))
	lines := make([]line, 0, len(all))
	for i, cells := range all {
		is := plain
		if i == 0 {
			is = faint
		}
		text := ""
		for k, c := range cells[1:] {
			text += "  " + p.right(c, widths[k+1])
		}
		lines = append(lines, line{{" " + p.pad(cells[0], name), faint}, {text, is}})
	}
	return lines
}

func (p *painter) spread(name string, l report.Latency) []string {
	cells := []string{name, figures.Count(l.Count)}
	for _, v := range []float64{l.P50, l.P90, l.P99, l.P999, l.Max} {
		if l.Count == 0 {
			v = math.NaN()
		}
		cells = append(cells, p.seconds(v))
	}
	return cells
}

var spreadHead = []string{"count", "p50", "p90", "p99", "p99.9", "max"}

func headOf(name string, more ...string) []string { return append([]string{name}, more...) }

// latencies are of the whole run.
func (p *painter) latencies(columns int) []line {
	s := p.summary
	var rows [][]string
	add := func(name string, l report.Latency) {
		if l.Count > 0 {
			rows = append(rows, p.spread(name, l))
		}
	}
	add("response", s.Response)
	add("round trip", s.RoundTrip)
	add("round trip, by kernel", s.KernelRoundTrip)
	add("schedule lag", s.ScheduleLag)
	add("read lag", s.ReadLag)
	add("loop turn", s.LoopTurn)
	add("ping", s.Ping)
	add("handshake", s.Handshake.Latency)
	for ph := range messages.NumPhases {
		name := messages.Phase(ph).String()
		add("handshake: "+name, s.Handshake.Phases[name])
	}
	return p.table(columns, headOf("latency so far", spreadHead...), rows)
}

func (p *painter) thresholds(columns int) []line {
	var lines []line
	for i := range p.summary.Thresholds {
		lines = append(lines, p.light(&p.summary.Thresholds[i], p.boundWidth()))
		if f := p.summary.Thresholds[i].Fault; f != "" {
			lines = append(lines, p.paragraph("  "+f, columns-label-1)...)
		}
	}
	return p.labelled("thresholds", lines)
}

// ends lists how attempts and sessions ended, those by plan too.
func (p *painter) ends(columns int) []line {
	var rows [][]string
	for _, d := range p.summary.Disconnects {
		code := d.Codes
		switch {
		case code != "":
		case d.Code == 0:
			code = "unopened"
		default:
			code = figures.Count(int(d.Code))
		}
		rows = append(rows, []string{d.Cause, figures.Count(d.Count), strings.ReplaceAll(code, ",", ""), d.Initiator})
	}
	return p.table(columns, []string{"ended by", "count", "code", "side"}, rows)
}

// scenarioTables are of a scenario; none without one. Each begins with its head.
func (p *painter) scenarioTables(columns int) (tables [][]line) {
	s := p.summary.Scenario
	if s == nil {
		return nil
	}
	n := func(v uint64) string { return figures.Count(v) }
	add := func(head []string, rows [][]string) {
		if t := p.table(columns, head, rows); t != nil {
			tables = append(tables, t)
		}
	}
	var rows [][]string
	for _, o := range s.Populations {
		p99 := math.NaN()
		if o.Response.Count > 0 {
			p99 = o.Response.P99
		}
		rows = append(rows, []string{o.Name, n(o.Started), n(o.Ended), n(o.Iterations), n(o.Lost), p.seconds(p99)})
	}
	add([]string{"population", "started", "ended", "rounds", "lost", "p99"}, rows)
	rows = nil
	for _, r := range s.Requests {
		cells := p.spread(r.Name, r.Response)
		rows = append(rows, []string{cells[0], cells[1], n(r.Lost), cells[2], cells[4], cells[6]})
	}
	add([]string{"request", "answered", "lost", "p50", "p99", "max"}, rows)
	rows = nil
	for _, k := range s.Checks {
		rows = append(rows, []string{k.Name, n(k.Held), n(k.Failed)})
	}
	add([]string{"check", "held", "failed"}, rows)
	rows = nil
	for _, d := range s.Deliveries {
		cells := p.spread(d.Name, d.Latency)
		rows = append(rows, []string{d.Name, n(d.InOrder), n(d.Late), n(d.Duplicate), n(d.Corrupt), cells[4]})
	}
	add([]string{"delivery", "in order", "late", "twice", "corrupt", "p99"}, rows)
	rows = nil
	for _, k := range s.Ticks {
		cells := p.spread(k.Name, k.Deviation)
		rows = append(rows, []string{k.Name, cells[1], cells[2], cells[4], cells[6]})
	}
	add([]string{"tick", "count", "p50", "p99", "max"}, rows)
	return tables
}

// trust lists what the rig keeps to.
func (p *painter) trust() []line {
	var lines []line
	for i := range p.summary.Trust {
		t := &p.summary.Trust[i]
		sign, is := p.held+" kept    ", good
		if !t.Held {
			sign, is = p.failed+" NOT KEPT", bad
		}
		value := p.trustValue(t)
		if t.Value == nil {
			sign, is, value = p.waits+"         ", faint, "not measured"
		}
		lines = append(lines, line{{sign, is}, {"  " + p.pad(p.clean(strings.ReplaceAll(t.Name, "_", " ")), 15) + value, plain}})
	}
	return p.labelled("trust", lines)
}

// cost says what the rig takes of the machine.
func (p *painter) cost(columns int) []line {
	n, r := &p.now, &p.summary.Rig
	return p.labelled("cost", p.list(columns,
		"cpu "+p.seconds(r.CPUSeconds)+", "+share(r.CPUShare)+" of its cores", "waited for one "+share(n.wait)+" of the time",
		"memory peak "+figures.Size(uint64(max(0, r.MaxRSSBytes))), "goroutines "+count(n.procs),
		"longest GC pause "+p.seconds(r.GCPauseMax), "paused "+share(n.paused)+" of the time",
		"stood still "+p.seconds(n.stalled), "steal "+share(r.StealShare), "throttled "+share(r.ThrottledShare),
		"counts "+p.clean(r.Conservation),
	))
}
