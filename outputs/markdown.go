package outputs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/report"
)

// writeMarkdown writes a summary as CI systems show it beside a job, in GitHub's markdown. Below other text it is a
// part of its own.
func writeMarkdown(b *bytes.Buffer, _ *report.Manifest, s *report.Summary) error {
	fmt.Fprintf(b, "\n## loadrig: %s · %s\n\n", s.Title(), plain(title(s)))
	for _, r := range s.Reasons {
		fmt.Fprintf(b, "- %s\n", plain(r))
	}
	if len(s.Reasons) > 0 {
		b.WriteByte('\n')
	}
	c, n := s.Connections, s.Messages
	fmt.Fprintf(b, "%s players to %s for %s: %s opened, %s failed; %s messages sent, %s received, %s dropped.\n",
		figures.Count(s.Players), plain(s.URL), figures.Seconds(s.Duration), figures.Count(c.Opened), figures.Count(c.Failed),
		figures.Count(n.Sent), figures.Count(n.Received), figures.Count(n.Dropped))
	markdownThresholds(b, s)
	markdownLatencies(b, s)
	markdownScenario(b, s.Scenario)
	if len(s.Disconnects) > 0 {
		t := markdownTable(b, "ended by", "side", "close code", "count")
		for _, d := range s.Disconnects {
			t(d.Cause, d.Initiator, closeCode(d), figures.Count(d.Count))
		}
	}
	r := s.Rig
	fmt.Fprintf(b, "\n<sub>loadrig %s, run %s, %s: %.2f s CPU, %s peak memory, schedule lag p99 %s, longest GC pause %s, %d shards, %s engine, counts %s</sub>\n",
		plain(r.Version), plain(s.Run), plain(s.Started), r.CPUSeconds, figures.Size(uint64(r.MaxRSSBytes)), figures.Seconds(s.ScheduleLag.P99),
		figures.Seconds(r.GCPauseMax), r.Shards, plain(r.Engine), plain(r.Conservation))
	return nil
}

func markdownThresholds(b *bytes.Buffer, s *report.Summary) {
	if len(s.Thresholds) == 0 {
		return
	}
	t := markdownTable(b, "threshold", "got", "bound", "margin", "holds", "first failed")
	for i := range s.Thresholds {
		that, got, bound, margin, holds, first := s.Thresholds[i].Words()
		if !s.Thresholds[i].Held {
			holds = "**" + holds + "**"
		}
		t(plain(that), got, bound, margin, holds, first)
	}
}

func markdownLatencies(b *bytes.Buffer, s *report.Summary) {
	if s.Connections.Opened == 0 {
		return
	}
	t := markdownTable(b, append([]string{"latency"}, latencyColumns...)...)
	row := func(name string, l report.Latency) {
		if l.Count > 0 {
			t(append([]string{name}, latencyCells(l)...)...)
		}
	}
	row("response", s.Response)
	row("round trip", s.RoundTrip)
	row("schedule lag", s.ScheduleLag)
	row("ping", s.Ping)
	row("handshake", s.Handshake.Latency)
	for p := range messages.NumPhases {
		name := messages.Phase(p).String()
		row("· "+name, s.Handshake.Phases[name])
	}
	b.WriteString("\nResponse: from when a message was due; round trip: from when it was sent.\n")
}

func markdownScenario(b *bytes.Buffer, c *report.Scenario) {
	if c == nil {
		return
	}
	if len(c.Requests) > 0 {
		t := markdownTable(b, append([]string{"request", "lost"}, latencyColumns...)...)
		for _, r := range c.Requests {
			t(append([]string{plain(r.Name), figures.Count(r.Lost)}, latencyCells(r.Response)...)...)
			if r.RoundTrip.Count > 0 {
				t(append([]string{"· round trip", ""}, latencyCells(r.RoundTrip)...)...)
			}
		}
	}
	if len(c.Checks) > 0 {
		t := markdownTable(b, "check", "held", "failed")
		for _, k := range c.Checks {
			t(plain(k.Name), figures.Count(k.Held), figures.Count(k.Failed))
		}
	}
	if len(c.Deliveries) > 0 {
		t := markdownTable(b, append([]string{"delivery", "in order", "late", "twice", "lost"}, latencyColumns...)...)
		for _, d := range c.Deliveries {
			t(append([]string{plain(d.Name), figures.Count(d.InOrder), figures.Count(d.Late), figures.Count(d.Duplicate), figures.Count(d.Lost)}, latencyCells(d.Latency)...)...)
		}
	}
	if len(c.Ticks) > 0 {
		t := markdownTable(b, append([]string{"tick"}, latencyColumns...)...)
		for _, k := range c.Ticks {
			t(append([]string{plain(k.Name)}, latencyCells(k.Deviation)...)...)
		}
	}
}

var latencyColumns = []string{"count", "mean", "p50", "p90", "p99", "p99.9", "max"}

// latencyCells gives the columns of latencyColumns.
func latencyCells(l report.Latency) []string {
	cells := []string{figures.Count(l.Count)}
	for _, v := range []float64{l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max} {
		if l.Count == 0 {
			cells = append(cells, "–")
		} else {
			cells = append(cells, figures.Seconds(v))
		}
	}
	return cells
}

func closeCode(d report.Disconnect) string {
	switch {
	case d.Codes != "":
		return plain(d.Codes)
	case d.Code == 0:
		return "never opened"
	default:
		return plain(d.Code.String())
	}
}

// markdownTable begins a table, whose first column is names, and gives what adds a row to it.
func markdownTable(b *bytes.Buffer, head ...string) (row func(cells ...string)) {
	row = func(cells ...string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	b.WriteByte('\n')
	row(head...)
	b.WriteString("|---|" + strings.Repeat("---:|", len(head)-1) + "\n")
	return row
}

// plain gives text that markdown shows as it is, in one line: no markup, no HTML, no link, no end of a cell.
func plain(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Bidi_Control, r): // it would turn what comes after it around
		case strings.ContainsRune("\\`*_{}[]<>#|~&@:$!^", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.NewReplacer("www.", `www\.`, "WWW.", `WWW\.`).Replace(b.String())
}
