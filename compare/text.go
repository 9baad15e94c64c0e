package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/metrics"
)

// columns is how wide the text is, as far as names and reasons in sentences allow.
const columns = 80

// WriteJSON writes r as one indented JSON object.
func (r *Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes r for people, without colour. Of what does not differ it shows less than WriteJSON.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString("\n")
	for _, text := range r.Warnings {
		wrapped(&b, "  WARNING: ", text)
	}
	wrapped(&b, "  ", r.Headline)
	b.WriteString("\n")
	for i, one := range []Run{r.A, r.B} {
		verdict := strings.ToUpper(string(one.Verdict))
		if verdict == "" {
			verdict = "CUT OFF"
		}
		name := clip(one.ID, 40)
		if one.Name != "" {
			name += " " + clip(one.Name, 20)
		}
		fmt.Fprintf(&b, "  %c  %s  %s, %s", "AB"[i], name, verdict, figures.Seconds(one.Duration))
		if one.Intervals > 0 {
			fmt.Fprintf(&b, "\n     steady %s to %s, %d interval%s", figures.Seconds(one.SteadyFrom), figures.Seconds(one.SteadyTo), one.Intervals, plural(one.Intervals))
		}
		b.WriteString("\n")
	}
	if len(r.Unlike) > 0 {
		b.WriteString("\n  unlike, which makes the comparison worth less:\n")
		for _, u := range r.Unlike {
			wrapped(&b, "    ", clip(u.What, 20)+": "+orNone(u.A)+", then "+orNone(u.B))
		}
	}
	r.table(&b)
	fmt.Fprintf(&b, "\n  Called different is what differs by more than %s", percent(r.Tolerance))
	if r.Floor > 0 {
		fmt.Fprintf(&b, ", and a time by more than\n  %s,", figures.Seconds(r.Floor))
	}
	fmt.Fprintf(&b, " with %s confidence for the whole table.\n\n", percent(r.Confidence))
	_, err := io.WriteString(w, b.String())
	return err
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// table writes the rows.
func (r *Result) table(b *strings.Builder) {
	rows := [][]string{{"series", "A", "B", "change", "verdict, confidence"}}
	for i := range r.Rows {
		if row := &r.Rows[i]; r.shown(row) {
			rows = append(rows, []string{"", row.value(row.A, "A"), row.value(row.B, "B"), row.change(), row.words()})
			if row.Why == "not in A" || row.Why == "not in B" {
				rows[len(rows)-1][3] = "-"
			}
		}
	}
	if len(rows) == 1 {
		return
	}
	widths := make([]int, 5)
	measure := func(i int) int {
		for _, cells := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]))
		}
		return widths[i]
	}
	left := columns - 2
	for i := 1; i < len(widths); i++ {
		left -= measure(i) + 2
	}
	n := 1
	for i := range r.Rows {
		if row := &r.Rows[i]; r.shown(row) { // the name gives way to the other columns
			rows[n][0] = clip(row.Name, max(left-len(row.Figure)-1, 8)) + " " + string(row.Figure)
			n++
		}
	}
	measure(0)
	b.WriteString("\n")
	for _, cells := range rows {
		b.WriteString("  " + cells[0] + pad(cells[0], widths[0]))
		for i := 1; i < 4; i++ {
			b.WriteString("  " + pad(cells[i], widths[i]) + cells[i])
		}
		b.WriteString("  " + cells[4] + "\n")
	}
}

// pad gives what is missing to a width.
func pad(cell string, width int) string {
	return strings.Repeat(" ", width-utf8.RuneCountInString(cell))
}

// phase tells whether the row is of a part of the handshake, which has rows of its own.
func (r *Row) phase() bool {
	return r.Series != handshake && strings.HasPrefix(r.Series, metrics.HandshakeDuration.Name)
}

var handshake = metrics.HandshakeDuration.Key(metrics.PhaseTotal)

// shown tells whether the text has a row: all that differ, and of the others what says most.
func (r *Result) shown(row *Row) bool {
	switch {
	case row.significant() || row.Why == "all at once":
		return true
	case row.Unit == Seconds:
		return (row.Figure == P50 || row.Figure == P99) && !row.phase()
	default:
		return row.Verdict == Unknown || !row.neutral
	}
}

// value words a figure of one of the runs.
func (r *Row) value(v float64, run string) string {
	switch {
	case r.Why == "not in "+run:
		return "-"
	case r.Unit == Seconds:
		return figures.Seconds(v)
	case r.Unit == Share:
		return percent(v)
	case v >= 100:
		return figures.Count(uint64(min(v, 1e15)+.5)) + "/s"
	case v > 0 && v < .01:
		return strconv.FormatFloat(3600*v, 'g', 3, 64) + "/h"
	default:
		return strconv.FormatFloat(v, 'g', 3, 64) + "/s"
	}
}

// words gives the verdict with its confidence or its reason.
func (r *Row) words() string {
	switch {
	case r.Verdict == Unknown:
		return "cannot tell: " + r.Why
	case !r.significant():
		return string(r.Verdict)
	case *r.P < .001:
		return string(r.Verdict) + ", >99.9%"
	default:
		return string(r.Verdict) + ", " + strconv.FormatFloat(100*(1-*r.P), 'f', 1, 64) + "%"
	}
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'g', 3, 64) + "%" }

func orNone(s string) string {
	if strings.TrimSpace(s) == "" {
		return "none"
	}
	return clip(s, 60)
}

// wrapped writes a text in lines of at most so many columns, the first after what it begins with.
func wrapped(b *strings.Builder, begin, text string) {
	indent := strings.Repeat(" ", len(begin)-len(strings.TrimLeft(begin, " "))+2)
	line := begin
	for i, word := range strings.Fields(text) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			b.WriteString(line + "\n")
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// clip gives a name in one line of at most n characters. A run may come from somebody else, so what would steer a
// terminal is left out.
func clip(name string, n int) string {
	name = strings.Join(strings.Fields(name), " ")
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	if r := []rune(name); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return name
}
