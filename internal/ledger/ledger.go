package ledger

import (
	"errors"
	"fmt"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// Ledger is a recorder (actors.Recorder) of one shard. All its methods belong to that shard's goroutine.
type Ledger struct {
	*metrics.Shard
	Accounts map[messages.ConnID]*Account // by connection; those of removed ones stay
	Unsent   uint64                       // messages that were not sent when their connections ended

	added   int
	removed [messages.NumStates]int
	moves   [messages.NumStates][messages.NumStates]int // [from][to]
	ends    int
	opened  int
	wrong   []error

	traffic   messages.Traffic  // at the last Check
	sum, last *metrics.Snapshot // at the last Audit, and at the one before
}

// Account is what happened to one connection.
type Account struct {
	State    messages.State
	Since    messages.Stamp // when it came to be in State; 0 if it always was
	Attempts int            // changes to Connecting
	Sessions int            // changes to Connected
	Opened   int            // Opened
	Refused  [messages.NumCommands]int
	Causes   []messages.Cause // one for each Closed, in their order

	began messages.Stamp // of the last session
}

// maxWrong bounds what is noted: one fault tends to have many consequences.
const maxWrong = 20

// New makes an empty Ledger.
func New() *Ledger {
	return &Ledger{
		Shard:    new(metrics.Shard),
		Accounts: make(map[messages.ConnID]*Account),
		sum:      new(metrics.Snapshot),
		last:     new(metrics.Snapshot),
	}
}

// Observe implements actors.Observer.
func (l *Ledger) Observe(ev messages.Event) {
	l.Shard.Observe(ev)
	switch m := ev.(type) {
	case *messages.StateChanged:
		l.account(m.ID).changed(l, m)
	case *messages.Opened:
		a := l.account(m.ID)
		a.Opened++
		a.began = m.Handshake.End()
		l.opened++
		l.expect(a.State == messages.Connected && a.Opened == a.Sessions, "%s opened in %s", m.ID, a.State)
	case *messages.Closed: // is told before the change of state
		a := l.account(m.ID)
		a.Causes = append(a.Causes, m.Cause)
		l.ends++
		l.Unsent += uint64(m.Unsent)
		l.expect(len(a.Causes) == a.Attempts, "%s ended %d times after %d attempts", m.ID, len(a.Causes), a.Attempts)
		l.expect(m.Opened == (a.State == messages.Connected), "%s ended in %s, opened: %v", m.ID, a.State, m.Opened)
		if m.Opened {
			l.expect(m.At.Add(-m.Lasted) == a.began, "%s lasted %v up to %d, but began at %d", m.ID, m.Lasted, m.At, a.began)
		} else {
			l.expect(m.Lasted == 0, "%s lasted %v, but never opened", m.ID, m.Lasted)
		}
	case *messages.Refused:
		l.account(m.ID).refused(l, m)
	default:
		l.expect(false, "the recorder was told of %T", ev)
	}
}

func (l *Ledger) account(id messages.ConnID) *Account {
	a := l.Accounts[id]
	if a == nil {
		a = new(Account)
		l.Accounts[id] = a
	}
	return a
}

func (a *Account) changed(l *Ledger, m *messages.StateChanged) {
	l.expect(m.From == a.State, "%s left %s, but was %s", m.ID, m.From, a.State)
	l.expect(leads(m.From, m.To), "%s went from %s to %s", m.ID, m.From, m.To)
	a.State, a.Since = m.To, m.At
	l.moves[m.From][m.To]++
	switch m.To {
	case messages.Connecting:
		a.Attempts++
	case messages.Connected:
		a.Sessions++
	case messages.Disconnected:
		l.expect(len(a.Causes) == a.Attempts, "%s is disconnected without an end", m.ID)
	}
}

func (a *Account) refused(l *Ledger, m *messages.Refused) {
	a.Refused[m.Command]++
	l.expect(m.State == a.State, "%s refused %s in %s, but was %s", m.ID, m.Command, m.State, a.State)
	if want := messages.Next(m.State, m.Command.Input()).Err; want != nil && !errors.Is(m.Err, messages.ErrStopped) && !bad(m.Err) {
		l.expect(errors.Is(m.Err, want), "%s refused %s in %s over %w, want %w", m.ID, m.Command, m.State, m.Err, want)
	}
}

// bad tells refusals over a command's parameters alone, whatever the state.
func bad(err error) bool { return errors.Is(err, messages.ErrNotObject) }

// leads tells whether the table has an input that leads from one state to another.
func leads(from, to messages.State) bool {
	for in := range messages.Input(messages.NumInputs) {
		if t := messages.Next(from, in); t.Err == nil && t.To == to && to != from {
			return true
		}
	}
	return false
}

func (l *Ledger) expect(ok bool, format string, args ...any) {
	if !ok && len(l.wrong) < maxWrong {
		l.wrong = append(l.wrong, fmt.Errorf(format, args...))
	}
}

// Added implements actors.Recorder.
func (l *Ledger) Added(n int) {
	l.Shard.Added(n)
	l.added += n
}

// Removed implements actors.Recorder.
func (l *Ledger) Removed(s messages.State) {
	l.Shard.Removed(s)
	l.removed[s]++
	l.expect(s == messages.Idle || s == messages.Disconnected, "removed in %s", s)
}

// Wrong gives the events that the table does not allow, if there were any.
func (l *Ledger) Wrong() error { return errors.Join(l.wrong...) }

// Check gives what is wrong with the counts of the shard, whose own are given, at this instant. It is cheap.
func (l *Ledger) Check(states [messages.NumStates]int, traffic *messages.Traffic) error {
	wrong := append([]error(nil), l.wrong...)
	law := func(got, want int, what string) {
		if got != want {
			wrong = append(wrong, fmt.Errorf("%s: got %d, want %d", what, got, want))
		}
	}
	if !traffic.Balanced() {
		wrong = append(wrong, fmt.Errorf("traffic: %+v", *traffic))
	}
	players, removed := 0, 0
	var in [messages.NumStates]int
	for st, n := range states {
		players += n
		removed += l.removed[st]
		for from := range l.moves {
			in[st] += l.moves[from][st]
		}
		want := in[st] - l.removed[st]
		for _, out := range l.moves[st] {
			want -= out
		}
		if messages.State(st) == messages.Idle {
			want += l.added
		}
		law(n, want, messages.State(st).String())
	}
	law(players, l.added-removed, "players")
	law(l.ends, in[messages.Disconnected], "ends")
	law(l.opened, in[messages.Connected], "sessions")
	law(in[messages.Connecting], l.ends+states[messages.Connecting]+states[messages.Connected], "attempts")
	if lost := traffic.Dropped[messages.DropClosed]; l.Unsent > lost {
		wrong = append(wrong, fmt.Errorf("%d were told to be unsent, of %d dropped at the end", l.Unsent, lost))
	}
	wrong = append(wrong, lessTraffic(&l.traffic, traffic))
	l.traffic = *traffic
	return errors.Join(wrong...)
}

// Audit is Check; then it holds the counts of the recorder used in earnest to its own laws, and looks at each
// account.
func (l *Ledger) Audit(states [messages.NumStates]int, traffic *messages.Traffic) error {
	wrong := []error{l.Check(states, traffic)}
	l.sum, l.last = l.last, l.sum
	l.sum.Reset()
	l.AddTo(l.sum)
	l.sum.Traffic = *traffic
	for st, n := range states {
		if int64(n) != l.sum.States[st] {
			wrong = append(wrong, fmt.Errorf("%d %s, but %d were recorded", n, messages.State(st), l.sum.States[st]))
		}
	}
	wrong = append(wrong, l.sum.Check(), less(l.last, l.sum))
	for id, a := range l.Accounts {
		live := 0
		if a.State == messages.Connecting || a.State == messages.Connected {
			live = 1
		}
		if (a.Attempts != len(a.Causes)+live || a.Sessions != a.Opened) && len(wrong) < maxWrong {
			wrong = append(wrong, fmt.Errorf("%s: %+v", id, *a))
		}
	}
	return errors.Join(wrong...)
}
