package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/rig"
)

// talker says on stderr how a run goes.
type talker struct {
	w              io.Writer
	quiet, verbose bool
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

// progress prints one line of key=value pairs.
func (t *talker) progress(p rig.Progress) {
	if t.quiet {
		return
	}
	perSecond := func(n uint64) float64 { return float64(n) / p.Interval.Seconds() }
	line := fmt.Sprintf("%4.0fs  connected=%d/%d", p.Elapsed.Seconds(), p.States[messages.Connected], p.Players)
	if n := p.States[messages.Connecting]; n > 0 {
		line += fmt.Sprintf(" connecting=%d", n)
	}
	if n := p.States[messages.Disconnected]; n > 0 {
		line += fmt.Sprintf(" disconnected=%d", n)
	}
	line += fmt.Sprintf(" sent=%.0f/s received=%.0f/s", perSecond(p.Sent), perSecond(p.Received))
	if p.Answers > 0 {
		line += fmt.Sprintf(" p50=%s p99=%s", brief(p.P50), brief(p.P99))
	}
	if p.Failed > 0 {
		line += fmt.Sprintf(" failed=%d", p.Failed)
	}
	fmt.Fprintln(t.w, line)
}

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
