package ledger

import (
	"strings"
	"testing"

	"github.com/loadrig/loadrig/messages"
)

var id = messages.NewConnID(0, 1, 0)

func to(from, to messages.State) *messages.StateChanged {
	return &messages.StateChanged{ID: id, From: from, To: to, At: 1}
}

func closed(opened bool) *messages.Closed {
	return &messages.Closed{ID: id, Cause: messages.CauseLocal, Code: messages.CloseNormal, Opened: opened}
}

var opened = &messages.Opened{ID: id}

// life is all that may happen to a connection, in its order.
func life() []messages.Event {
	return []messages.Event{
		&messages.Refused{ID: id, Command: messages.KindReconnect, State: messages.Idle, Err: messages.ErrNeverConnected},
		to(messages.Idle, messages.Connecting),
		closed(false), to(messages.Connecting, messages.Disconnected),
		to(messages.Disconnected, messages.Connecting),
		to(messages.Connecting, messages.Connected), opened,
		closed(true), to(messages.Connected, messages.Disconnected),
	}
}

// play gives what an audit finds at the end of some events.
func play(l *Ledger, evs []messages.Event) error {
	l.Added(1)
	var states [messages.NumStates]int
	at := messages.Idle
	for _, ev := range evs {
		l.Observe(ev)
		if m, ok := ev.(*messages.StateChanged); ok {
			at = m.To
		}
	}
	states[at]++
	return l.Audit(states, new(messages.Traffic))
}

func TestLifeIsRight(t *testing.T) {
	for n := range len(life()) + 1 {
		evs := life()[:n]
		if n == 3 || n == 6 || n == 8 {
			continue // the shard is between two events that belong together
		}
		if err := play(New(), evs); err != nil {
			t.Errorf("after %d events: %v", n, err)
		}
	}
}

// TestFindsEvents: each event that is left out or told twice is found.
func TestFindsEvents(t *testing.T) {
	for i, ev := range life() {
		if _, ok := ev.(*messages.Refused); ok {
			continue // may come as often as it likes
		}
		less := append(life()[:i:i], life()[i+1:]...)
		if err := play(New(), less); err == nil {
			t.Errorf("event %d, %T, was left out, and nothing was found", i, ev)
		}
		more := append(life()[:i+1:i+1], life()[i:]...)
		if err := play(New(), more); err == nil {
			t.Errorf("event %d, %T, was told twice, and nothing was found", i, ev)
		}
	}
}

func TestFinds(t *testing.T) {
	one := [messages.NumStates]int{messages.Idle: 1}
	for name, c := range map[string]struct {
		do   func(l *Ledger)
		want string
	}{
		"a state that is another": {func(l *Ledger) {
			l.Observe(&messages.Refused{ID: id, Command: messages.KindPing, State: messages.Connecting, Err: messages.ErrNotConnected})
		}, "was idle"},
		"a refusal over something else": {func(l *Ledger) {
			l.Observe(&messages.Refused{ID: id, Command: messages.KindPing, State: messages.Idle, Err: messages.ErrAlreadyConnected})
		}, "want not connected"},
		"a message":         {func(l *Ledger) { l.Observe(&messages.Message{ID: id}) }, "told of *messages.Message"},
		"a player too many": {func(l *Ledger) { l.Added(1) }, "players: got 1, want 2"},
		"one removed while connected": {func(l *Ledger) {
			l.Added(1)
			l.Removed(messages.Connected)
		}, "removed in connected"},
		"traffic out of balance": {func(l *Ledger) {
			_ = l.Check(one, &messages.Traffic{Asked: 1, Pending: 1})
			l.expect(l.Check(one, &messages.Traffic{Asked: 1}) == nil, "found")
		}, "found"},
		"traffic that shrinks": {func(l *Ledger) { _ = l.Check(one, &messages.Traffic{SentWire: 1}) }, "bytes written: 0, after 1"},
		"counts that shrink": {func(l *Ledger) {
			l.Shard.Observe(&messages.Refused{ID: id})
			_ = l.Audit(one, new(messages.Traffic))
			*l.Shard = *New().Shard
			l.Shard.Added(1)
		}, "refused connect[0]: 0, after 1"},
		"unsent messages that nobody dropped": {func(l *Ledger) { l.Unsent++ }, "1 were told to be unsent"},
		"what the recorder alone counts":      {func(l *Ledger) { l.Shard.Added(1) }, "1 idle, but 2 were recorded"},
	} {
		l := New()
		l.Added(1)
		c.do(l)
		if err := l.Audit(one, new(messages.Traffic)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}
