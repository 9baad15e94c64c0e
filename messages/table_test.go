package messages

import (
	"fmt"
	"testing"
)

// rows is the contract (DESIGN §2), written out: where each input leads from each state, or why not.
var rows = []struct {
	from State
	in   Input
	to   State
	err  error
}{
	{Idle, InputConnect, Connecting, nil},
	{Idle, InputReconnect, Idle, ErrNeverConnected},
	{Idle, InputSend, Idle, ErrNotConnected},
	{Idle, InputDisconnect, Idle, ErrNotConnected},
	{Idle, InputOpened, Idle, ErrImpossible},
	{Idle, InputEnded, Idle, ErrImpossible},
	{Connecting, InputConnect, Connecting, ErrAlreadyConnecting},
	{Connecting, InputReconnect, Connecting, ErrAlreadyConnecting},
	{Connecting, InputSend, Connecting, ErrNotConnected},
	{Connecting, InputDisconnect, Connecting, nil},
	{Connecting, InputOpened, Connected, nil},
	{Connecting, InputEnded, Disconnected, nil},
	{Connected, InputConnect, Connected, ErrAlreadyConnected},
	{Connected, InputReconnect, Connected, ErrAlreadyConnected},
	{Connected, InputSend, Connected, nil},
	{Connected, InputDisconnect, Connected, nil},
	{Connected, InputOpened, Connected, ErrImpossible},
	{Connected, InputEnded, Disconnected, nil},
	{Disconnected, InputConnect, Connecting, nil},
	{Disconnected, InputReconnect, Connecting, nil},
	{Disconnected, InputSend, Disconnected, ErrNotConnected},
	{Disconnected, InputDisconnect, Disconnected, ErrNotConnected},
	{Disconnected, InputOpened, Disconnected, ErrImpossible},
	{Disconnected, InputEnded, Disconnected, ErrImpossible},
}

func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range rows {
		seen[c.from.String()+" "+c.in.String()] = true
		if got := Next(c.from, c.in); got.To != c.to || got.Err != c.err {
			t.Errorf("%s in %s: got %s, %v, want %s, %v", c.in, c.from, got.To, got.Err, c.to, c.err)
		}
	}
	if len(seen) != NumStates*NumInputs {
		t.Errorf("the contract has %d cells, want 4 × 6 = 24", len(seen))
	}
}

// TestRules reads the sentences of the contract off the table.
func TestRules(t *testing.T) {
	leads := make(map[State]map[Input]bool) // to a state, from others
	for _, from := range States() {
		for in := range Input(NumInputs) {
			next := Next(from, in)
			if next.Err != nil && next.To != from {
				t.Errorf("%s in %s is refused and changes the state", in, from)
			}
			if next.To != from {
				if leads[next.To] == nil {
					leads[next.To] = make(map[Input]bool)
				}
				leads[next.To][in] = true
			}
		}
	}
	for _, c := range []struct {
		rule string
		to   State
		by   []Input
	}{
		{"nothing leads back to idle", Idle, nil},
		{"nothing connects but a command", Connecting, []Input{InputConnect, InputReconnect}},
		{"a connection opens by its handshake", Connected, []Input{InputOpened}},
		{"it is disconnected when the socket is gone, and not before", Disconnected, []Input{InputEnded}},
	} {
		got := fmt.Sprint(leads[c.to])
		want := make(map[Input]bool)
		for _, in := range c.by {
			want[in] = true
		}
		if got != fmt.Sprint(want) {
			t.Errorf("%s: got %s, want %v", c.rule, got, want)
		}
	}
}

func TestNextOutOfRange(t *testing.T) {
	for _, c := range []struct {
		s  State
		in Input
	}{{NumStates, InputConnect}, {Idle, NumInputs}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("state %d, input %d: no panic", c.s, c.in)
				}
			}()
			Next(c.s, c.in)
		}()
	}
}

func ExampleNext() {
	for _, s := range States() {
		next := Next(s, InputReconnect)
		fmt.Printf("reconnect in %s: %s, %v\n", s, next.To, next.Err)
	}
	// Output:
	// reconnect in idle: idle, never connected: connect first
	// reconnect in connecting: connecting, already connecting
	// reconnect in connected: connected, already connected
	// reconnect in disconnected: connecting, <nil>
}
