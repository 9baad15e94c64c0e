package chaos

import (
	"fmt"
	"text/tabwriter"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// table prints what the run was.
func (s *storm) table(o *outcomes, sum *metrics.Snapshot, warm, end uint64) {
	w := tabwriter.NewWriter(s.t.Output(), 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	row := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(w, "%v\t", c)
		}
		fmt.Fprintln(w)
	}
	row("command", "given", "told", accepted, refused, gone, dropped, lost)
	for k := range messages.CommandKind(messages.NumCommands) {
		// What is dropped or lost was accepted; of those told it is not known which.
		row(k, o.asked[k], o.told[k], o.accepted[k], o.refused[k], o.known[k][gone], o.known[k][dropped], o.known[k][lost])
	}
	row()
	row("ended by", "count", "of those never opened")
	for _, c := range messages.Causes() {
		var never uint64
		for p := range sum.HandshakeFailures {
			never += sum.HandshakeFailures[p][c]
		}
		if n := sum.Disconnects[c]; n > 0 {
			row(c, n, never)
		}
	}
	row()
	row("fault", "injected")
	for f, n := range s.stage.injected() {
		row(wstest.Fault(f), n)
	}
	row()
	t := &sum.Traffic
	row("attempts", sum.Transitions[messages.Idle][messages.Connecting]+sum.Transitions[messages.Disconnected][messages.Connecting])
	row("sessions", sum.Handshake.Count())
	row("removed", s.removals.Load())
	row("asked for", t.Asked)
	row("sent", messages.Sum(t.Sent))
	row("received", messages.Sum(t.Received))
	row("dropped by the backlog", t.Dropped[messages.DropBacklog])
	row("dropped at the end", t.Dropped[messages.DropClosed])
	row("samples", s.samples.Load())
	row("of each account too", s.accounts.Load())
	row("heap at a quarter, MiB", warm>>20)
	row("heap at the end, MiB", end>>20)
}
