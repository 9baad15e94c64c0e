package report

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/threshold"
)

// Trust is one thing that the rig must have kept to for the figures to be the server's and not its own. What does
// not hold makes a run untrustworthy.
type Trust struct {
	Name  string         `json:"name"`  // one of the Trust names
	Unit  threshold.Unit `json:"unit"`  // of Value and Bound
	Value *float64       `json:"value"` // nil where nothing was measured, or the system does not tell; it holds then
	Bound float64        `json:"bound"` // the most that is trusted
	Held  bool           `json:"held"`
	// Reason says what did not hold and what can be done; empty if it held.
	Reason string `json:"reason,omitempty"`
}

// What the rig keeps to. The bounds of those in seconds are the maximum lag of the run (--max-lag), or a part of it.
const (
	TrustLag        = "schedule_lag"  // 99th percentile of how late what was scheduled took place
	TrustTurn       = "loop_turn"     // 99th percentile of the turns of the event loops, of which each delays what comes meanwhile
	TrustRead       = "read_lag"      // 99th percentile of how long what had come waited to be read, where the kernel's stamps tell
	TrustStandstill = "standstill"    // share of the time in which the whole rig stood still, for more than the maximum lag each time
	TrustWait       = "wait_for_core" // share of the time in which its threads could have run, and had no core
	TrustGC         = "gc_pause"      // share of the time in which the garbage collector stopped everything
)

// The bounds that are shares. They hold where the maximum lag is patient or less: who allows more than that does not
// mind how the rig fares.
const (
	patient       = 1 // seconds
	maxStandstill = 0.01
	maxGC         = 0.01
	maxWait       = 0.8
	// A rig that wants little waits little, and is not judged by how it gets that.
	leastWaiting = 0.05 // threads waiting, on average
	// The first collections of a short run are no share of anything.
	leastGC = 10 // seconds
)

// trust holds the rig to its bounds.
func (b *Builder) trust() []Trust {
	w, maxLag := &b.whole, b.manifest.MaxLag
	var list []Trust
	told := false
	because := func() string { // once is enough
		if told {
			return ""
		}
		told = true
		return b.because()
	}
	add := func(name string, unit threshold.Unit, value, bound float64, known bool, reason func() string) {
		t := Trust{Name: name, Unit: unit, Bound: bound, Held: true}
		if known {
			t.Value = &value
			if t.Held = value <= bound || unit == threshold.Share && maxLag > patient; !t.Held {
				t.Reason = reason()
			}
		}
		list = append(list, t)
	}
	p99 := func(name string, f *metrics.Family, reason string) {
		h := w.Times(f)
		v := h.Quantile(.99).Seconds()
		add(name, threshold.Seconds, v, maxLag, h.Count() > 0, func() string {
			return fmt.Sprintf(reason, seconds(v), seconds(maxLag)) + because()
		})
	}
	count := func(f *metrics.Family, labels ...string) float64 { return w.Counters[f.Key(labels...)] }
	part := func(name string, part, of, bound float64, reason func(share string) string) {
		v := 0.0
		if of > 0 {
			v = part / of
		}
		add(name, threshold.Share, v, bound, of > 0, func() string { return reason(shareOf(v)) })
	}
	p99(TrustLag, metrics.ScheduleLag, "messages went out late: 1 in 100 by %s or more, want less than %s")
	p99(TrustTurn, metrics.LoopTurn, "event loops were too slow: 1 turn in 100 took %s or more, want less than %s")
	p99(TrustRead, metrics.ReadLag, "answers waited to be read: 1 in 100 for %s or more, want less than %s")

	wall := count(metrics.RigWallClock)
	part(TrustStandstill, count(metrics.RigStalled), wall, maxStandstill, func(share string) string {
		return fmt.Sprintf("the rig itself stood still for %s in all, %s of the time%s: what was late then is its own; was it stopped, or the machine suspended or overloaded?",
			seconds(count(metrics.RigStalled)), share, b.longestStall())
	})
	wait, used := count(metrics.RigRunQueue), count(metrics.RigCPU)
	if wait < leastWaiting*wall {
		wait = 0
	}
	part(TrustWait, wait, wait+used, maxWait, func(share string) string {
		return fmt.Sprintf("the rig did not get the cores that it wanted: its threads waited for one in %s of the time in which they could have run, want less than %s", share, shareOf(maxWait)) + because()
	})
	part(TrustGC, count(metrics.RigGCPaused), max(wall, leastGC), maxGC, func(share string) string {
		return fmt.Sprintf("the garbage collector stopped the rig for %s of the time, which is a bug in loadrig", share)
	})
	return list
}

// because says what made the rig late, as far as its figures show, and what can be done.
func (b *Builder) because() string {
	w := &b.whole
	count := func(f *metrics.Family, labels ...string) float64 { return w.Counters[f.Key(labels...)] }
	used, usable, waited := count(metrics.RigCPU), count(metrics.RigCPUUsable), count(metrics.RigRunQueue)
	wall := count(metrics.RigWallClock)
	switch {
	case count(metrics.RigStalled) > maxStandstill*wall && waited < used && wall > 0:
		return "; it stood still" + b.longestStall()
	case b.throttled() > 0.05:
		return fmt.Sprintf("; its CPU quota stopped it in %s of the periods: raise the quota, or use fewer --shards", shareOf(b.throttled()))
	case b.steal() > 0.1:
		return fmt.Sprintf("; the hypervisor gave %s of this machine's CPU time to others: use a machine that has its cores for itself", shareOf(b.steal()))
	case waited > 3*used && used > 0:
		return fmt.Sprintf("; others had the cores: it waited %s for each second of CPU time that it got; move what else runs here, also the server, to another machine", seconds(waited/used))
	case usable > 0 && used > 0.85*usable:
		return fmt.Sprintf("; its CPU was used up, %s of %s cores: this host tops out near %s messages/s, sent and received; use fewer players, a lower rate, or more machines",
			shareOf(used/usable), cores(usable/wall), round(b.best))
	default:
		return "; use fewer players, a lower rate or a faster machine"
	}
}

// throttled gives in which share of the periods of its CPU quota the rig was stopped, and steal which share of the
// machine's CPU time the hypervisor gave to others.
func (b *Builder) throttled() float64 {
	return b.ratio(metrics.RigThrottled.Key(), metrics.RigPeriods.Key())
}

// steal is described at throttled.
func (b *Builder) steal() float64 {
	steal := metrics.HostCPU.Key(metrics.HostSteal)
	return b.ratio(steal, steal, metrics.HostCPU.Key(metrics.HostBusy), metrics.HostCPU.Key(metrics.HostIOWait), metrics.HostCPU.Key(metrics.HostIdle))
}

// ratio gives a counter as a share of the sum of others; 0 if there are none.
func (b *Builder) ratio(part string, of ...string) float64 {
	sum := 0.0
	for _, key := range of {
		sum += b.whole.Counters[key]
	}
	if sum <= 0 {
		return 0
	}
	return b.whole.Counters[part] / sum
}

// longestStall says when the rig stood still the longest.
func (b *Builder) longestStall() string {
	if b.stall.Seconds == 0 {
		return ""
	}
	return fmt.Sprintf(", the longest for %s at %s", seconds(b.stall.Seconds), seconds(b.stall.At))
}

// throughput keeps the most messages a second that an interval had.
func (b *Builder) throughput(r *metrics.Record) {
	n := 0.0
	for _, op := range []messages.Op{messages.OpText, messages.OpBinary} {
		n += r.Counters[metrics.Sent.Key(op.String())] + r.Counters[metrics.Received.Key(op.String())]
	}
	if d := r.Seconds(); d > 0 {
		b.best = max(b.best, (n-b.data)/d)
	}
	b.data = n
}

// shareOf writes a share.
func shareOf(share float64) string {
	switch v := 100 * share; {
	case v >= 10 || v == 0:
		return fmt.Sprintf("%.0f %%", v)
	case v >= 0.1:
		return fmt.Sprintf("%.1f %%", v)
	default:
		return fmt.Sprintf("%.2g %%", v)
	}
}

// cores writes a number of cores without more digits than it needs.
func cores(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

// round writes a rate with two digits that mean something.
func round(v float64) string {
	unit := 1.0
	for v/unit >= 100 {
		unit *= 10
	}
	return count(uint64(v/unit+0.5) * uint64(unit))
}

// Load is what was asked for, and what there was of it.
type Load struct {
	// Players is the most at a time, delivered those that were connected; nil where the load does not say how many
	// there are to be, as in the open model.
	Players *Asked `json:"players,omitempty"`
	// Messages is of paced traffic, in messages a second over the whole load, asked of all players from when they are
	// to come; nil for what has no rate.
	Messages *Asked `json:"messages_per_second,omitempty"`
	// Starts is of a scenario: delivered are those that took place, late ones too; nil for none.
	Starts *Asked `json:"starts,omitempty"`
}

// Asked is a figure of a load.
type Asked struct {
	Asked     float64 `json:"asked"`
	Delivered float64 `json:"delivered"`
}

// load puts what was asked for beside what there was.
func (b *Builder) load(s *Summary) Load {
	w := &b.whole
	var l Load
	if _, planned := w.Peaks[metrics.LoadPlayers.Key()]; planned {
		l.Players = &Asked{float64(s.Players), float64(s.Connections.Peak)}
	}
	if asked := w.Counters[metrics.LoadMessages.Key()]; asked > 0 && s.Duration > 0 {
		l.Messages = &Asked{asked / s.Duration, float64(s.Messages.Sent) / s.Duration}
	}
	if b.manifest.Scenario != nil {
		took := w.Count(metrics.LoadStarts, metrics.StartOnTime) + w.Count(metrics.LoadStarts, metrics.StartLate)
		l.Starts = &Asked{float64(took + w.Count(metrics.LoadStarts, metrics.StartMissed)), float64(took)}
	}
	return l
}

// text says it in a line.
func (l *Load) text() string {
	var parts []string
	for _, p := range []struct {
		what string
		of   *Asked
	}{{"players", l.Players}, {"messages/s", l.Messages}, {"starts", l.Starts}} {
		if p.of != nil {
			parts = append(parts, fmt.Sprintf("%s of %s %s", count(uint64(p.of.Delivered+0.5)), count(uint64(p.of.Asked+0.5)), p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// trustNames are the words for what the rig keeps to.
var trustNames = map[string]string{
	TrustLag: "lag p99", TrustTurn: "loop turn p99", TrustRead: "read lag p99", TrustStandstill: "standstill", TrustWait: "wait for a core",
	TrustGC: "GC pauses",
}

// trustText lists what the rig kept to, with the bound of each, in lines of at most so many characters.
func (s *Summary) trustText(width int) (lines []string) {
	line := ""
	for i := range s.Trust {
		t := &s.Trust[i]
		if t.Value == nil {
			continue
		}
		one := trustNames[t.Name] + " "
		if t.Unit == threshold.Seconds {
			one += seconds(*t.Value) + " of " + seconds(t.Bound)
		} else {
			one += shareOf(*t.Value) + " of " + shareOf(t.Bound)
		}
		if !t.Held {
			one += " (NOT KEPT)"
		}
		switch {
		case line == "":
			line = one
		case len([]rune(line))+len([]rune(one))+3 > width:
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
