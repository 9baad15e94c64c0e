//go:build unix

package accuracy

import (
	"fmt"
	"math"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/loadrig/loadrig/internal/cli"
	"github.com/loadrig/loadrig/report"
)

// The load of each law: a message is due every millisecond.
const (
	numPlayers = 200
	perPlayer  = 5
)

// bar is how far from the truth a figure may be.
const bar = 0.02

// attempts is how often a law is tried when a run does not count; see busy.
const attempts = 3

// base is the delay of the laws that are about a standstill, so that the figures of the messages that it does
// not concern have a truth too.
const base = 500 * time.Millisecond

// A law is a run whose truth is known. Delays are large beside what loopback and timers take, which is up to
// 1 ms, and shorter than the 2 s that a run waits for the last answers.
type law struct {
	name        string
	flags       []string      // of the server
	short, long time.Duration // how long the load lasts
	standstill  time.Duration // how long one side stands still, at least once
	freeze      time.Duration // that side is the rig, in the middle of the load
}

var laws = []law{
	{"constant 250ms", []string{"--delay", "250ms"}, 4 * time.Second, 30 * time.Second, 0, 0},
	{"uniform 200ms-500ms", []string{"--delay", "uniform:200ms-500ms"}, 4 * time.Second, 30 * time.Second, 0, 0},
	{"bimodal 200ms, 20% 600ms", []string{"--delay", "bimodal:200ms,600ms,20%"}, 4 * time.Second, 30 * time.Second, 0, 0},
	{"pareto 150ms, 2.2, max 1.5s", []string{"--delay", "pareto:150ms,2.2,max=1500ms"}, 4 * time.Second, 30 * time.Second, 0, 0},
	{"server stalls 1s/10s", []string{"--delay", base.String(), "--stall", "1s/10s"}, 11 * time.Second, 42 * time.Second, time.Second, 0},
	{"rig frozen 1s", []string{"--delay", base.String()}, 5 * time.Second, 30 * time.Second, time.Second, time.Second},
}

// points are the percentiles that a summary has.
var points = []struct {
	name string
	q    float64
	of   func(report.Latency) float64
}{
	{"p50", .5, func(l report.Latency) float64 { return l.P50 }},
	{"p90", .9, func(l report.Latency) float64 { return l.P90 }},
	{"p99", .99, func(l report.Latency) float64 { return l.P99 }},
	{"p99.9", .999, func(l report.Latency) float64 { return l.P999 }},
	{"max", 1, func(l report.Latency) float64 { return l.Max }},
}

// stoodStill is how a verdict says that it was the rig that did.
var stoodStill = regexp.MustCompile(`stood still`)

// TestLaws holds each percentile that the rig reports to the truth, law by law. The table is in docs/accuracy.md.
func TestLaws(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "law\tpercentile\tloadrig\ttruth\tratio\tserver's delay\trig's lag\t")
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			for try := 1; ; try++ {
				o, truth, a := l.run(t)
				rows := l.compare(o.summary, truth, a.delays)
				busy := l.busy(o, rows)
				if busy == "" {
					l.judge(t, o, rows, a.stalls)
					print(w, l.name, rows)
					return
				}
				t.Logf("attempt %d: %s", try, busy)
				if try == attempts {
					t.Fatalf("no run out of %d counts: this machine is too busy, or the rig blames itself for its server", attempts)
				}
			}
		})
	}
	_ = w.Flush()
	t.Logf("%d players, %d messages a second of each\n%s", numPlayers, perPlayer, table.String())
}

// busy says why a run does not count: the rig says that it could not keep up, without having been frozen, or, in the
// long version, a figure is off and this machine explains it.
func (l law) busy(o outcome, rows []row) string {
	if l.freeze == 0 && o.summary.Verdict == report.Untrustworthy {
		return fmt.Sprintf("the rig says that it could not keep up: %q", o.summary.Reasons)
	}
	for _, r := range rows {
		if *long && !r.accurate() && r.explained() {
			return r.busy()
		}
	}
	return ""
}

// run gives a run, what its response times truly were, and the server's log.
func (l law) run(t *testing.T) (o outcome, truth []time.Duration, a account) {
	length, flags := l.short, []string(nil)
	switch {
	case *long:
		length = l.long
	case l.standstill == 0:
		// The truth has the lag, and so is known on a busy machine too. Where the verdict is what matters, the
		// bound is the one that users have.
		flags = []string{"--max-lag", "1m"}
	}
	if runtime.GOOS == "linux" {
		flags = append(flags, "--kernel-timestamps")
	}
	s := serve(t, l.flags...)
	o = shoot(t, s.url, length, l.freeze, flags...)
	a = s.stop()
	n := int(o.summary.Response.Count)
	if len(a.delays) != n || o.summary.Messages.Sent != uint64(n) {
		t.Errorf("sent %d messages and got %d answers, the server's log has %d", o.summary.Messages.Sent, n, len(a.delays))
	}
	return o, a.responses(time.Second/perPlayer, o.frozen), a
}

// row is one figure beside its truth.
type row struct {
	name                string
	q                   float64
	got, truth, highest float64 // seconds
	delay               float64 // the server's part of the truth
	lag                 float64 // the rig's
	late                float64 // how late this machine made one side at the next percentile
}

func (r row) ratio() float64 { return r.got / r.truth }

func (r row) accurate() bool { return math.Abs(r.ratio()-1) <= bar }

// explained tells whether a figure is too high by no more than a busy machine explains. There the rig reads late
// what has been sent, and the truth does not have that; the kernel's stamps tell by how much, where there are some.
// It also sends late what is due, and the server answers late. If one in ten of the tail is read later than that is
// at the next percentile, nine are left for the truth: no more than the sum is to be seen. Nothing makes a figure
// too low.
func (r row) explained() bool { return r.got > r.truth && r.got <= (1+bar)*r.highest+r.late }

func (r row) busy() string {
	return fmt.Sprintf("%s: got %s, the truth is %s; this machine was busy, with delays of up to %s", r.name, ms(r.got), ms(r.truth), ms(r.late))
}

func (l law) compare(s report.Summary, truth, delays []time.Duration) (rows []row) {
	for i, p := range points {
		next := points[min(i+1, len(points)-1)]
		late := next.of(s.ScheduleLag)
		// One late read may have many messages, so that more of them are late than reads are.
		if i < 2 {
			late += next.of(s.ReadLag)
		} else {
			late += s.ReadLag.Max
		}
		if l.freeze > 0 { // the lag is that of the freeze
			late = (quantile(delays, next.q) - base).Seconds()
		}
		rows = append(rows, row{
			name: p.name, q: p.q, got: p.of(s.Response), truth: quantile(truth, p.q).Seconds(),
			highest: quantile(truth, 1-.9*(1-p.q)).Seconds(), delay: quantile(delays, p.q).Seconds(),
			lag: p.of(s.ScheduleLag), late: late,
		})
	}
	return rows
}

// judge compares the figures with the bar, and the verdict with what happened.
func (l law) judge(t *testing.T, o outcome, rows []row, stalls []window) {
	for _, r := range rows {
		if r.accurate() {
			continue
		}
		if r.explained() {
			t.Log(r.busy())
			continue
		}
		t.Errorf("%s: got %s, the truth is %s: a ratio of %.3f, want 1 ± %v", r.name, ms(r.got), ms(r.truth), r.ratio(), bar)
	}
	if l.standstill > 0 {
		// More than 1 in 100 messages waited for its end, and one that was due at its beginning waited for all of
		// it; whoever it was that stood still.
		p99, most := rows[2], rows[4]
		if whole := l.standstill.Seconds(); p99.got < whole || most.got < (1-bar)*(whole+base.Seconds()) {
			t.Errorf("got a p99 of %s and a max of %s, want the whole standstill of %v in both", ms(p99.got), ms(most.got), l.standstill)
		}
		if l.freeze == 0 && (len(stalls) == 0 || stalls[0].end-stalls[0].begin != int64(l.standstill)) {
			t.Errorf("the server's log has the stalls %v, want one of %v or more", stalls, l.standstill)
		}
	}
	reasons := strings.Join(o.summary.Reasons, "; ")
	switch {
	case l.freeze > 0:
		if o.exit != cli.ExitUntrustworthy || o.summary.Verdict != report.Untrustworthy || !stoodStill.MatchString(reasons) {
			t.Errorf("got exit code %d, %s: %s; want %d, untrustworthy, as the rig stood still", o.exit, o.summary.Verdict, reasons, cli.ExitUntrustworthy)
		}
	case o.exit != cli.ExitPass || o.summary.Verdict != report.Pass:
		t.Errorf("got exit code %d, %s: %s; want %d, pass", o.exit, o.summary.Verdict, reasons, cli.ExitPass)
	}
}

func print(w *tabwriter.Writer, name string, rows []row) {
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.4f\t%s\t%s\t\n", name, r.name, ms(r.got), ms(r.truth), r.ratio(), ms(r.delay), ms(r.lag))
		name = ""
	}
}

func ms(seconds float64) string { return fmt.Sprintf("%.2f ms", 1000*seconds) }
