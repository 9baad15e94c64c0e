package actors

import (
	"errors"
	"fmt"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// ledger is a recorder that follows each connection of its shard, beside the one that is used in earnest,
// and notes every event that the table does not allow there.
type ledger struct {
	*metrics.Shard
	added, removed int
	conns          map[messages.ConnID]*account
	wrong          []error
}

// account is what happened to one connection.
type account struct {
	state    messages.State
	attempts int // changes to Connecting
	sessions int // changes to Connected
	opened   int // Opened
	ends     int // Closed
	causes   []messages.Cause
}

func newLedger() *ledger {
	return &ledger{Shard: new(metrics.Shard), conns: make(map[messages.ConnID]*account)}
}

// Observe implements Observer.
func (l *ledger) Observe(ev messages.Event) {
	l.Shard.Observe(ev)
	a := l.conns[idOf(ev)]
	if a == nil {
		a = new(account)
		l.conns[idOf(ev)] = a
	}
	switch m := ev.(type) {
	case *messages.StateChanged:
		l.expect(m.From == a.state, "%s left %s, but was %s", m.ID, m.From, a.state)
		l.expect(leads(m.From, m.To), "%s went from %s to %s", m.ID, m.From, m.To)
		a.state = m.To
		switch m.To {
		case messages.Connecting:
			a.attempts++
		case messages.Connected:
			a.sessions++
		case messages.Disconnected:
			l.expect(a.ends == a.attempts, "%s is disconnected without an end", m.ID)
		}
	case *messages.Opened:
		a.opened++
		l.expect(a.state == messages.Connected && a.opened == a.sessions, "%s opened in %s", m.ID, a.state)
	case *messages.Closed: // is told before the change of state
		a.ends++
		a.causes = append(a.causes, m.Cause)
		l.expect(a.ends == a.attempts, "%s ended %d times after %d attempts", m.ID, a.ends, a.attempts)
		l.expect(m.Opened == (a.state == messages.Connected), "%s ended in %s, opened: %v", m.ID, a.state, m.Opened)
	case *messages.Refused:
		l.expect(m.State == a.state, "%s refused %s in %s, but was %s", m.ID, m.Command, m.State, a.state)
		if want := messages.Next(m.State, m.Command.Input()).Err; want != nil && !errors.Is(m.Err, messages.ErrStopped) {
			l.expect(errors.Is(m.Err, want), "%s refused %s in %s over %w, want %w", m.ID, m.Command, m.State, m.Err, want)
		}
	default:
		l.expect(false, "the recorder was told of %s", place(ev))
	}
}

// leads tells whether the table has an input that leads from one state to another.
func leads(from, to messages.State) bool {
	for in := range messages.Input(messages.NumInputs) {
		if t := messages.Next(from, in); t.Err == nil && t.To == to && to != from {
			return true
		}
	}
	return false
}

func (l *ledger) expect(ok bool, format string, args ...any) {
	if !ok {
		l.wrong = append(l.wrong, fmt.Errorf(format, args...))
	}
}

// Added implements Recorder.
func (l *ledger) Added(n int) {
	l.Shard.Added(n)
	l.added += n
}

// Removed implements Recorder.
func (l *ledger) Removed(s messages.State) {
	l.Shard.Removed(s)
	l.removed++
	l.expect(s == messages.Idle || s == messages.Disconnected, "removed in %s", s)
}

// audit gives what is wrong with a shard's counts. It runs on that shard.
func (l *ledger) audit(s Snapshot) error {
	wrong := l.wrong
	if !s.Traffic.Balanced() {
		wrong = append(wrong, fmt.Errorf("traffic: %+v", s.Traffic))
	}
	if want := l.added - l.removed; s.Players() != want {
		wrong = append(wrong, fmt.Errorf("%d players, want %d - %d", s.Players(), l.added, l.removed))
	}
	for id, a := range l.conns {
		live := 0
		if a.state == messages.Connecting || a.state == messages.Connected {
			live = 1
		}
		if a.attempts != a.ends+live || a.sessions != a.opened {
			wrong = append(wrong, fmt.Errorf("%s: %+v", id, *a))
		}
	}
	sum := new(metrics.Snapshot)
	l.AddTo(sum)
	sum.Traffic = s.Traffic
	for st, n := range s.States {
		if int64(n) != sum.States[st] {
			wrong = append(wrong, fmt.Errorf("%d %s, but %d were recorded", n, messages.State(st), sum.States[st]))
		}
	}
	return errors.Join(append(wrong, sum.Check())...)
}
