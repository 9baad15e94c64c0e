package report

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// columns is how wide the text is, as far as counts allow.
const columns = 80

// writeText writes the part of the scenario, if there is one.
func (c *Scenario) writeText(b *strings.Builder) {
	if c == nil {
		return
	}
	b.WriteString("\n")
	label := func(name, text string) { fmt.Fprintf(b, "  %-11s  %s\n", name, text) }
	if c.Name != "" {
		label("scenario", clip(c.Name, columns-15))
	}
	for i, line := range c.populations(columns - 15) {
		label([]string{"populations", ""}[min(i, 1)], line)
	}
	if n := c.Starts; n != (Starts{}) {
		label("starts", fmt.Sprintf("%s on time, %s late%s, %s missed", count(n.OnTime), count(n.Late), upTo(n), count(n.Missed)))
	}
	label("iterations", fmt.Sprintf("%s, %s lost, %s", count(c.Iterations), many(c.PlayersLost, "player"), many(c.Faults, "fault")))

	c.requests().write(b)
	c.checks().write(b)
	c.deliveries().write(b)
	c.ticks().write(b)
}

func upTo(n Starts) string {
	if n.Late == 0 {
		return ""
	}
	return " by up to " + seconds(n.Latest)
}

// populations lists them in lines of at most so many characters.
func (c *Scenario) populations(width int) []string {
	var parts []string
	for _, p := range c.Populations {
		parts = append(parts, count(uint64(p.Players))+" "+clip(p.Name, 30))
	}
	return wrap(parts, width)
}

// wrap joins parts by commas to lines of at most so many characters.
func wrap(parts []string, width int) (lines []string) {
	line := ""
	for _, one := range parts {
		switch {
		case line == "":
			line = one
		case utf8.RuneCountInString(line)+len(", ,")+utf8.RuneCountInString(one) > width:
			lines = append(lines, line+",")
			line = one
		default:
			line += ", " + one
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func (c *Scenario) requests() table {
	t := table{head: "request\tanswered\tlost" + spreadHead,
		foot: "request: from when it was due to its answer; round trip: from when it was sent"}
	for _, r := range c.Requests {
		t.row(spread(r.Response), r.Name, count(r.Response.Count), count(r.Lost))
		if r.RoundTrip.Count > 0 {
			t.row(spread(r.RoundTrip), "· round trip", "", "")
		}
	}
	return t
}

func (c *Scenario) checks() table {
	t := table{head: "check\theld\tfailed"}
	for _, k := range c.Checks {
		t.row(nil, k.Name, count(k.Held), count(k.Failed))
	}
	return t
}

func (c *Scenario) deliveries() table {
	corrupt := slices.ContainsFunc(c.Deliveries, func(d Delivery) bool { return d.Corrupt > 0 })
	t := table{head: "delivery\tin order\tlate\ttwice\tlost\tp50\tp99\tmax",
		foot: "delivery: how old it was when a member of the audience got it"}
	if corrupt { // there is no room for p50 besides
		t.head = "delivery\tin order\tlate\ttwice\tcorrupt\tlost\tp99\tmax"
	}
	for _, d := range c.Deliveries {
		l, cells := d.Latency, []string{d.Name, count(d.InOrder), count(d.Late), count(d.Duplicate)}
		if corrupt {
			t.row(times(l, l.P99, l.Max), append(cells, count(d.Corrupt), count(d.Lost))...)
		} else {
			t.row(times(l, l.P50, l.P99, l.Max), append(cells, count(d.Lost))...)
		}
	}
	return t
}

// deliveries gives a number of them.
func deliveries(n uint64) string {
	if n == 1 {
		return "1 delivery"
	}
	return count(n) + " deliveries"
}

func (c *Scenario) ticks() table {
	t := table{head: "tick\tcount\tdrift" + spreadHead,
		foot: "tick: how far from its interval it came; drift: the mean, too early below 0"}
	for _, k := range c.Ticks {
		t.row(spread(k.Deviation), k.Name, count(k.Deviation.Count), signed(k.Drift))
	}
	return t
}

const spreadHead = "\tp50\tp90\tp99\tp99.9\tmax"

// spread gives the columns of spreadHead.
func spread(l Latency) []string { return times(l, l.P50, l.P90, l.P99, l.P999, l.Max) }

// times gives columns of a latency, which are dashes if there was none.
func times(l Latency, values ...float64) (cells []string) {
	for _, v := range values {
		if l.Count == 0 {
			cells = append(cells, "-")
		} else {
			cells = append(cells, seconds(v))
		}
	}
	return cells
}

// table is rows under a head, the first cell of each a name.
type table struct {
	head string // cells apart by tabs
	rows [][]string
	foot string
}

// row adds a row of some cells, the last ones those of a latency.
func (t *table) row(latency []string, cells ...string) {
	t.rows = append(t.rows, append(cells, latency...))
}

// leastName is what is left of a name, however wide the other columns are.
const leastName = 12

// write writes the table, if it has rows. Names give way to the other columns.
func (t table) write(b *strings.Builder) {
	if len(t.rows) == 0 {
		return
	}
	rows := append([][]string{strings.Split(t.head, "\t")}, t.rows...)
	room := columns - 4
	for i := 1; i < len(rows[0]); i++ {
		widest := 0
		for _, r := range rows {
			widest = max(widest, utf8.RuneCountInString(r[i]))
		}
		room -= widest + 2
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range rows {
		r[0] = clip(r[0], max(room, leastName))
		fmt.Fprintf(w, "  %s\t\n", strings.Join(r, "\t"))
	}
	_ = w.Flush()
	if t.foot != "" {
		fmt.Fprintf(b, "  %s\n", t.foot)
	}
}

// clip gives a name in one line of at most n characters.
func clip(name string, n int) string {
	name = strings.Join(strings.Fields(name), " ")
	if r := []rune(name); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return name
}

// signed writes a duration with its sign.
func signed(s float64) string {
	switch text := seconds(max(s, -s)); {
	case text == "0s":
		return text
	case s < 0:
		return "-" + text
	default:
		return "+" + text
	}
}
