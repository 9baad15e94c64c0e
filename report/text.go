package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/messages"
)

// WriteJSON writes s as one indented JSON object.
func (s *Summary) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// WriteText writes s for people: at most 80 columns as far as URLs and reasons allow, without colour.
func (s *Summary) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s   %s\n", s.Title(), s.URL)
	for _, r := range s.Reasons {
		fmt.Fprintf(&b, "    - %s\n", r)
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	c, m := s.Connections, s.Messages
	fmt.Fprintf(t, "  players\t%s asked, %s opened, %s failed, %s connected at the peak\n",
		count(uint64(s.Players)), count(c.Opened), count(c.Failed), count(uint64(c.Peak)))
	states := make([]string, 0, messages.NumStates)
	for _, st := range messages.States() {
		states = append(states, fmt.Sprintf("%s %s", count(uint64(c.ByState[st.String()])), st))
	}
	if load := s.Load.text(); load != "" {
		fmt.Fprintf(t, "  delivered\t%s\n", load)
	}
	fmt.Fprintf(t, "  at the end\t%s\n", strings.Join(states, ", "))
	fmt.Fprintf(t, "  messages\t%s sent, %s received, %s dropped, %s unanswered\n",
		count(m.Sent), count(m.Received), count(m.Dropped), count(s.Rig.Unanswered))
	if m.Corrupted+m.Duplicated+m.Foreign > 0 {
		fmt.Fprintf(t, "  no answers\t%s corrupted, %s duplicated, %s foreign\n", count(m.Corrupted), count(m.Duplicated), count(m.Foreign))
	}
	if s.Duration > 0 {
		fmt.Fprintf(t, "  rate\t%s sent/s, %s received/s, %s out, %s in\n",
			count(uint64(float64(m.Sent)/s.Duration)), count(uint64(float64(m.Received)/s.Duration)), size(m.SentBytes), size(m.ReceivedBytes))
	}
	if m.SentWireBytes != m.SentBytes || m.ReceivedWireBytes != m.ReceivedBytes {
		fmt.Fprintf(t, "  wire\t%s out, %s in, with headers and handshakes\n", size(m.SentWireBytes), size(m.ReceivedWireBytes))
	}
	if c.Compressed > 0 {
		fmt.Fprintf(t, "  compressed\t%s of %s connections\n", count(c.Compressed), count(c.Opened))
	}
	fmt.Fprintf(t, "  took\t%s, of that %s to close all connections\n", seconds(s.Duration+s.Rig.DrainSeconds), seconds(s.Rig.DrainSeconds))
	_ = t.Flush()

	s.writeLatencies(&b)
	s.Scenario.writeText(&b)
	s.thresholds().write(&b)

	if len(s.Disconnects) > 0 {
		b.WriteString("\n")
		t = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "  ended by\tside\tclose code\tcount")
		for _, d := range s.Disconnects {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", d.Cause, d.Initiator, closeCode(d), count(d.Count))
		}
		_ = t.Flush()
	}
	s.events().write(&b)
	b.WriteString("\n")
	labelled(&b, "kept", s.trustText(columns-8))
	r := s.Rig
	labelled(&b, "rig", wrap([]string{
		fmt.Sprintf("%.2f s CPU", r.CPUSeconds), size(uint64(r.MaxRSSBytes)) + " peak memory", "longest GC pause " + seconds(r.GCPauseMax),
		fmt.Sprintf("%d shards", r.Shards), r.Engine + " engine", "counts " + r.Conservation,
	}, columns-8))
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// labelled writes lines under a label.
func labelled(b *strings.Builder, label string, lines []string) {
	for i, line := range lines {
		fmt.Fprintf(b, "  %-4s  %s\n", []string{label, ""}[min(i, 1)], line)
	}
}

// Title is the verdict in capitals, with the word that the run was ended before its time where it was: a pass of a part
// of the load is no pass of all of it.
func (s *Summary) Title() string {
	title := strings.ToUpper(string(s.Verdict))
	if s.Interrupted {
		title += ", interrupted"
	}
	return title
}

// maxShown bounds the events that the text tells of; the JSON has more of them.
const maxShown = 10

// events lists what happened besides the load.
func (s *Summary) events() table {
	t := table{head: "event\tat"}
	for _, e := range s.Events {
		if e.Kind == Crossed || e.Kind == Aborted || e.Text == "" { // thresholds have a table, and a reason of the verdict
			continue
		}
		if len(t.rows) == maxShown {
			t.foot = "more events are in the JSON"
			break
		}
		t.row(nil, e.Text, moment(e.At))
	}
	return t
}

func (s *Summary) writeLatencies(b *strings.Builder) {
	if s.Connections.Opened == 0 {
		return
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  latency\tcount\tmean\tp50\tp90\tp99\tp99.9\tmax\t")
	latency(t, "response", s.Response)
	latency(t, "round trip", s.RoundTrip)
	latency(t, "· by the kernel", s.KernelRoundTrip)
	latency(t, "schedule lag", s.ScheduleLag)
	latency(t, "read lag", s.ReadLag)
	latency(t, "ping", s.Ping)
	latency(t, "handshake", s.Handshake.Latency)
	for p := range messages.NumPhases {
		name := messages.Phase(p).String()
		latency(t, "· "+name, s.Handshake.Phases[name])
	}
	_ = t.Flush()
	if s.Response.Count > 0 {
		b.WriteString("  response: from when a message was due; round trip: from when it was sent\n")
	}
}

func closeCode(d Disconnect) string {
	switch {
	case d.Codes != "":
		return d.Codes
	case d.Code == 0:
		return "never opened"
	default:
		return d.Code.String()
	}
}

func latency(w io.Writer, name string, l Latency) {
	if l.Count == 0 {
		return
	}
	fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, count(l.Count), seconds(l.Mean),
		seconds(l.P50), seconds(l.P90), seconds(l.P99), seconds(l.P999), seconds(l.Max))
}

func seconds(s float64) string { return figures.Seconds(s) }

func count(n uint64) string { return figures.Count(n) }

func size(n uint64) string { return figures.Size(n) }
