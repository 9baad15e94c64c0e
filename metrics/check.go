package metrics

import (
	"errors"
	"fmt"

	"github.com/loadrig/loadrig/messages"
)

// Check tests the laws that the counts of whole shards obey between any two of their turns, and
// reports every one that is broken, got and want; nil if none is:
//
//   - Traffic is balanced: asked = sent + dropped + pending.
//   - Only transitions of the table in messages took place.
//   - For each state, added + entered - left - removed = present, and that is not negative.
//   - Attempts: transitions into Connecting = opened + never opened + still connecting + removed then.
//   - Sessions: opened = transitions into Connected = ended + still connected + removed then; those that
//     compress are among them.
//   - Lifetimes: of those that ended, each is lost or kept; of those that did not, each has a birth.
//   - Answers: no more have an arrival that is known than there are. No more messages are strays than came.
//   - Ends: transitions into Disconnected = disconnects, and each is either a failed handshake or has
//     a close code.
//
// It is for snapshots that count from the start of the run, not for intervals.
func (s *Snapshot) Check() error {
	var broken []error
	law := func(name string, got, want int64) {
		if got != want {
			broken = append(broken, fmt.Errorf("%s: got %d, want %d", name, got, want))
		}
	}
	law("malformed events", int64(s.Malformed), 0)
	law("messages sent, dropped and pending", int64(accounted(&s.Traffic)), int64(s.Traffic.Asked))

	legal := legalTransitions()
	var in, out [messages.NumStates]int64
	for from, row := range s.Transitions {
		for to, n := range row {
			if !legal[from][to] {
				law(fmt.Sprintf("transitions %s to %s", messages.State(from), messages.State(to)), int64(n), 0)
			}
			out[from] += int64(n)
			in[to] += int64(n)
		}
	}
	for _, st := range messages.States() {
		want := in[st] - out[st] - int64(s.Removed[st])
		if st == messages.Idle {
			want += int64(s.Added)
		}
		law("connections "+st.String(), s.States[st], want)
		if s.States[st] < 0 {
			broken = append(broken, fmt.Errorf("connections %s: got %d, want no less than 0", st, s.States[st]))
		}
	}

	var failed, ended int64
	for _, c := range messages.Causes() {
		f, e := int64(s.neverOpened(c)), int64(0)
		for _, n := range s.closes[c] {
			e += int64(n)
		}
		law("disconnects "+c.String(), int64(s.Disconnects[c]), f+e)
		failed += f
		ended += e
	}
	opened := int64(s.Handshake.Count())
	here := func(st messages.State) int64 { return s.States[st] + int64(s.Removed[st]) }
	law("attempts", in[messages.Connecting], opened+failed+here(messages.Connecting))
	law("opening handshakes", opened, in[messages.Connected])
	if s.Compressed > uint64(opened) {
		broken = append(broken, fmt.Errorf("sessions that compress: got %d, want no more than %d", s.Compressed, opened))
	}
	law("sessions", opened, ended+here(messages.Connected))
	lost, kept := s.Lifetimes.Ended()
	law("sessions lost and kept", int64(lost+kept), ended)
	law("sessions open, by when they began", int64(s.Lifetimes.Open()), here(messages.Connected))
	law("disconnects", failed+ended, in[messages.Disconnected])
	if known, all := s.KernelRoundTrip.Count(), s.RoundTrip.Count(); known > all {
		broken = append(broken, fmt.Errorf("answers whose arrival is known: got %d, want no more than %d", known, all))
	}
	came := s.Traffic.Received[messages.OpText] + s.Traffic.Received[messages.OpBinary]
	var strays uint64
	for _, n := range s.Strays {
		strays += n
	}
	if strays > came {
		broken = append(broken, fmt.Errorf("messages that are no answer: got %d, want no more than %d", strays, came))
	}
	if len(broken) == 0 {
		return nil
	}
	return fmt.Errorf("counts do not add up: %w", errors.Join(broken...))
}

func accounted(t *messages.Traffic) uint64 {
	n := t.Pending + messages.Sum(t.Sent)
	for _, d := range t.Dropped {
		n += d
	}
	return n
}

// legalTransitions reads off the table in messages which changes of state there are.
func legalTransitions() (legal [messages.NumStates][messages.NumStates]bool) {
	for _, from := range messages.States() {
		for in := range messages.Input(messages.NumInputs) {
			if t := messages.Next(from, in); t.Err == nil && t.To != from {
				legal[from][t.To] = true
			}
		}
	}
	return legal
}
