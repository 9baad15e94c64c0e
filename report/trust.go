package report

import (
	"fmt"

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
	maxGC         = 0.05
	maxWait       = 0.9
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
		return fmt.Sprintf("the garbage collector stopped the rig for %s of the time, want less than %s", share, shareOf(maxGC)) + because()
	})
	return list
}

// trustNames are the words for what the rig keeps to.
var trustNames = map[string]string{
	TrustLag: "lag p99", TrustTurn: "loop turn p99", TrustRead: "read lag p99", TrustStandstill: "standstill", TrustWait: "wait for a core",
	TrustGC: "GC pauses",
}

// trustText lists what the rig kept to, with the bound of each, in lines of at most so many characters.
func (s *Summary) trustText(width int) []string {
	var parts []string
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
		parts = append(parts, one)
	}
	return wrap(parts, width)
}
