package messages

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"pgregory.net/rapid"
)

// TestTable is the contract, written out: where each input leads from each state, or why not.
func TestTable(t *testing.T) {
	for _, c := range []struct {
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
	} {
		if got := Next(c.from, c.in); got.To != c.to || got.Err != c.err {
			t.Errorf("%s in %s: got %s, %v, want %s, %v", c.in, c.from, got.To, got.Err, c.to, c.err)
		}
	}
}

func TestConnID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shard := rapid.IntRange(0, MaxShards-1).Draw(t, "shard")
		slot := rapid.Uint32().Draw(t, "slot")
		generation := rapid.Uint32Range(0, 1<<22-1).Draw(t, "generation")
		id := NewConnID(shard, slot, generation)
		if id == 0 || id.Shard() != shard || id.Slot() != slot || id.Generation() != generation {
			t.Fatalf("NewConnID(%d, %d, %d) reads as %d, %d, %d", shard, slot, generation, id.Shard(), id.Slot(), id.Generation())
		}
	})
	if got := ConnID(0).Shard(); got != -1 {
		t.Errorf("the zero id is on shard %d, want -1", got)
	}
}

func TestCloseCodes(t *testing.T) {
	for _, c := range []struct {
		code             CloseCode
		onWire, sendable bool
		label            string
	}{
		{0, false, false, "invalid"}, {999, false, false, "invalid"},
		{1000, true, true, "1000"}, {1003, true, true, "1003"},
		{1004, false, false, "1004"}, {1005, false, false, "1005"}, {1006, false, false, "1006"},
		{1007, true, true, "1007"}, {1011, true, true, "1011"},
		{1012, true, false, "1012"}, {1014, true, false, "1014"}, {1015, false, false, "1015"},
		{1016, false, false, "invalid"}, {2999, false, false, "invalid"},
		{3000, true, true, "3000-3999"}, {4999, true, true, "4000-4999"}, {5000, false, false, "invalid"}, {65535, false, false, "invalid"},
	} {
		if c.code.OnWire() != c.onWire || c.code.Sendable() != c.sendable || c.code.Label() != c.label {
			t.Errorf("%s: got %v, %v, %s, want %v, %v, %s", c.code, c.code.OnWire(), c.code.Sendable(), c.code.Label(), c.onWire, c.sendable, c.label)
		}
	}
}

// TestNames: each value has a name, and no two share one.
func TestNames(t *testing.T) {
	unique := func(kind string, n int, name func(int) string) {
		seen := make(map[string]bool)
		for i := range n {
			s := name(i)
			if s == "" || s == "unknown" || seen[s] {
				t.Errorf("%s %d has the name %q", kind, i, s)
			}
			seen[s] = true
		}
		if got := name(n); got != "unknown" {
			t.Errorf("%s %d has the name %q, want unknown: is its count right?", kind, n, got)
		}
	}
	unique("state", NumStates, func(i int) string { return State(i).String() })
	unique("input", NumInputs, func(i int) string { return Input(i).String() })
	unique("command", NumCommands, func(i int) string { return CommandKind(i).String() })
	unique("cause", NumCauses, func(i int) string { return Cause(i).String() })
	unique("phase", NumPhases, func(i int) string { return Phase(i).String() })
	unique("op", NumOps, func(i int) string { return Op(i).String() })
	unique("drop", NumDrops, func(i int) string { return Drop(i).String() })
}

func TestErrors(t *testing.T) {
	detail := errors.New("detail")
	closed := &CloseError{Cause: CauseReset, Code: CloseAbnormal, Err: detail}
	if !errors.Is(closed, net.ErrClosed) || !errors.Is(closed, detail) {
		t.Error("a CloseError is not net.ErrClosed and its details")
	}
	refused := &RefusedError{Command: KindReconnect, State: Idle, Err: ErrNeverConnected}
	if got, want := refused.Error(), "reconnect refused in idle: never connected: connect first"; got != want || !errors.Is(refused, ErrNeverConnected) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailure(t *testing.T) {
	for _, c := range []struct {
		end  Closed
		want string // empty: none
	}{
		{Closed{Opened: true, Clean: true, Cause: CauseLocal, Code: CloseNormal}, ""},
		{Closed{Opened: true, Clean: true, Cause: CauseRemote, Code: CloseGoingAway, Reason: "bye"}, `closed by remote: remote: 1001 going away "bye"`},
		{Closed{Opened: true, Cause: CauseLocal, Code: CloseNormal}, "closed by local: local: 1000 normal closure"},
		{Closed{Phase: PhaseUpgrade, Cause: CauseUpgradeStatus, Status: 403, Err: errors.New("got status 403, want 101")},
			"opening handshake: upgrade: upgrade_status: got status 403, want 101"},
	} {
		err := c.end.Failure()
		if (err == nil) != (c.want == "") || (err != nil && err.Error() != c.want) {
			t.Errorf("%+v: got %v, want %s", c.end, err, c.want)
		}
		if errors.Is(err, net.ErrClosed) != (c.end.Opened && c.want != "") {
			t.Errorf("%v: is it net.ErrClosed?", err)
		}
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]bool{`{}`: true, ` {"a":[1]}`: true, `[]`: false, `"x"`: false, `{`: false, `{} {}`: false, ``: false} {
		if IsObject([]byte(text)) != want {
			t.Errorf("IsObject(%q) = %v", text, !want)
		}
	}
	if _, err := NewSendJSON([]int{1}); !errors.Is(err, ErrNotObject) {
		t.Errorf("an array: got %v, want ErrNotObject", err)
	}
	if m, err := NewSendJSON(map[string]int{"a": 1}); err != nil || string(m.Object) != `{"a":1}` {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestTraffic(t *testing.T) {
	a := Traffic{Asked: 6, Pending: 1}
	a.Sent[OpText], a.Sent[OpPong], a.Dropped[DropBacklog] = 3, 1, 1
	if !a.Balanced() {
		t.Error("3 + 1 sent, 1 dropped and 1 pending are the 6 asked")
	}
	a.Add(&a)
	if a.Asked != 12 || !a.Balanced() {
		t.Errorf("twice that: %+v", a)
	}
	a.Pending++
	if a.Balanced() {
		t.Error("one too many is balanced")
	}
}

func ExampleNext() {
	fmt.Println(Next(Idle, InputReconnect).Err)
	fmt.Println(Next(Disconnected, InputReconnect).To)
	// Output:
	// never connected: connect first
	// connecting
}
