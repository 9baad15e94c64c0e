package report

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

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
	case usable > 0 && used+waited > 0.85*usable:
		return fmt.Sprintf("; the CPUs were used up, %s of %s cores by the rig and the rest by others: with them, this host tops out near %s messages/s, sent and received; use fewer players, a lower rate, or another machine for the server",
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
	if d := r.Seconds(); d > 0 && d >= b.manifest.Interval/2 { // a short one may have the backlog of one before
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
	case v >= 0.01:
		return fmt.Sprintf("%.2f %%", v)
	default:
		return "<0.01 %"
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
