package cli

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/rig"
)

// talker says on stderr how a run goes.
type talker struct {
	w              io.Writer
	quiet, verbose bool
	maxLag         time.Duration
}

// note says something unless it was asked to be quiet.
func (t *talker) note(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.w, "loadrig: "+format+"\n", args...)
	}
}

// detail says something if it was asked to say more.
func (t *talker) detail(format string, args ...any) {
	if t.verbose {
		fmt.Fprintf(t.w, "loadrig: "+format+"\n", args...)
	}
}

func (t *talker) serving(addr string) {
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().IsUnspecified() { // all there are, which browsers go to none of
		addr = net.JoinHostPort("localhost", strconv.Itoa(int(at.Port())))
	}
	t.note("look at it at http://%s/; metrics at http://%s/metrics", addr, addr)
}

// room says which limit is nearest, and warns of an estimate that the run goes beyond.
func (t *talker) room(r rig.Room) {
	b := r.Bounds[0]
	if r.Need.Connections > b.Fits {
		t.note("%s may allow only %s players (%s); trying all the same", b.Name, fits(b), b.Here)
		return
	}
	t.detail("the nearest limit is %s, for %s players: %s", b.Name, fits(b), b.Here)
}

// progress prints one line of key=value pairs, which the help of loadrig run names. What is 0 and mostly is, is left
// out.
func (t *talker) progress(p rig.Progress) {
	if t.quiet {
		return
	}
	perSecond := func(n float64) float64 { return n / p.Interval.Seconds() }
	line := fmt.Sprintf("%4.0fs  connected=%d/%d", p.Elapsed.Seconds(), p.States[messages.Connected], p.Players)
	some := func(name string, n uint64) {
		if n > 0 {
			line += fmt.Sprintf(" %s=%d", name, n)
		}
	}
	some("connecting", uint64(p.States[messages.Connecting]))
	some("disconnected", uint64(p.States[messages.Disconnected]))
	if p.Asked > 0 {
		line += fmt.Sprintf(" asked=%.0f/s", perSecond(p.Asked))
	}
	line += fmt.Sprintf(" sent=%.0f/s received=%.0f/s", perSecond(float64(p.Sent)), perSecond(float64(p.Received)))
	if p.Answers > 0 {
		line += fmt.Sprintf(" p50=%s p99=%s", brief(p.P50), brief(p.P99))
	}
	if p.Lag > t.maxLag/notableLag {
		line += fmt.Sprintf(" lag=%s", brief(p.Lag))
	}
	some("failed", p.Failed)
	some("dropped", p.Dropped)
	some("corrupted", p.Corrupted)
	some("duplicated", p.Duplicated)
	some("lost", p.Lost)
	some("failed_checks", p.FailedChecks)
	fmt.Fprintln(t.w, line)
}

// notableLag is the part of the greatest lag that is trusted from which on lines tell of it.
const notableLag = 4

// brief rounds a duration to three significant digits or so.
func brief(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	default:
		return d.Round(time.Microsecond)
	}
}
