package messages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestConnID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shard := rapid.IntRange(0, MaxShards-1).Draw(t, "shard")
		slot := rapid.Uint32().Draw(t, "slot")
		generation := rapid.Uint32().Draw(t, "generation")
		id := NewConnID(shard, slot, generation)
		if id == 0 || id.Shard() != shard || id.Slot() != slot || id.Generation() != generation%(1<<22) {
			t.Fatalf("NewConnID(%d, %d, %d) reads as %d, %d, %d", shard, slot, generation, id.Shard(), id.Slot(), id.Generation())
		}
	})
	if got := ConnID(0).Shard(); got != -1 {
		t.Errorf("the zero id is on shard %d, want -1", got)
	}
	for id, want := range map[ConnID]string{
		0:                                   "none",
		NewConnID(0, 0, 0):                  "0.0",
		NewConnID(0, 17, 2):                 "0.17#2",
		NewConnID(MaxShards-1, MaxSlots, 0): "1022.4294967295",
	} {
		if got := id.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestNames: each value has a name, no two share one, and all are safe in a metric label, a file name or a
// column of a table.
func TestNames(t *testing.T) {
	safe := regexp.MustCompile(`^[a-z][a-z_]*[a-z0-9]$`)
	unique := func(kind string, n int, name func(int) string) {
		seen := make(map[string]bool)
		for i := range n {
			s := name(i)
			if s == "unknown" || seen[s] || !safe.MatchString(s) {
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
	unique("initiator", 2, func(i int) string { return Initiator(i).String() })
	unique("phase", NumPhases, func(i int) string { return Phase(i).String() })
	unique("op", NumOps, func(i int) string { return Op(i).String() })
	unique("drop", NumDrops, func(i int) string { return Drop(i).String() })
	unique("order", NumOrders, func(i int) string { return Order(i).String() })
	unique("stray", NumStrays, func(i int) string { return Stray(i).String() })
}

// TestCauses says of every cause who ended it, and whether it tells of the plan, the server or the rig.
func TestCauses(t *testing.T) {
	remote := map[Cause]bool{CauseRemote: true, CauseRefused: true, CauseUpgradeStatus: true, CauseReset: true, CauseEOF: true, CauseProxy: true, CauseRedirect: true}
	expected := map[Cause]bool{CauseLocal: true, CauseShutdown: true}
	ofRig := map[Cause]bool{CauseLocalResource: true, CauseInternal: true}
	causes := Causes()
	if len(causes) != NumCauses-1 || causes[0] != CauseLocal || causes[len(causes)-1] != CauseRedirect {
		t.Errorf("got %v, want all but none", causes)
	}
	for _, c := range causes {
		if got := c.Initiator() == InitiatorRemote; got != remote[c] {
			t.Errorf("%s: by the peer: got %v", c, got)
		}
		if c.Expected() != expected[c] || c.OfRig() != ofRig[c] {
			t.Errorf("%s: expected %v, of the rig %v", c, c.Expected(), c.OfRig())
		}
	}
}

// TestVocabulary: every command has its kind and its row of the table, and every event is one.
func TestVocabulary(t *testing.T) {
	commands := []Command{new(Connect), new(Reconnect), new(Disconnect), new(SendJSON), new(SendText), new(SendBinary), new(Ping)}
	inputs := []Input{InputConnect, InputReconnect, InputDisconnect, InputSend, InputSend, InputSend, InputSend}
	if len(commands) != NumCommands {
		t.Errorf("there are %d commands, and %d kinds", len(commands), NumCommands)
	}
	for i, c := range commands {
		kind := c.Kind()
		typeName := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", c), "*messages."))
		if kind != CommandKind(i) || strings.ReplaceAll(kind.String(), "_", "") != typeName || kind.Input() != inputs[i] {
			t.Errorf("%T has the kind %s and the input %s", c, kind, kind.Input())
		}
	}
	for _, ev := range []Event{new(StateChanged), new(Opened), new(Message), new(Closed), new(Refused), new(TimerFired)} {
		ev.event()
	}
	for op := range Op(NumOps) {
		if op.IsData() != (op == OpText || op == OpBinary) {
			t.Errorf("%s: is data: %v", op, op.IsData())
		}
	}
}

// TestErrors: what each error says, and what it unwraps to.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
		is   []error
		not  []error
	}{
		{
			&RefusedError{Command: KindReconnect, State: Idle, Err: ErrNeverConnected},
			"reconnect refused in idle: never connected: connect first", []error{ErrNeverConnected}, []error{ErrNotConnected, net.ErrClosed},
		}, {
			&HandshakeError{Phase: PhaseConnect, Cause: CauseEOF, Err: io.EOF},
			"opening handshake: connect: eof: EOF", []error{io.EOF}, []error{net.ErrClosed},
		}, {
			&HandshakeError{Phase: PhaseUpgrade, Cause: CauseLocal},
			"opening handshake: upgrade: local", nil, []error{net.ErrClosed},
		}, {
			&CloseError{Cause: CauseReset, Code: CloseAbnormal, Err: io.EOF},
			"closed by remote: reset: 1006 abnormal closure: EOF", []error{net.ErrClosed, io.EOF}, nil,
		}, {
			&CloseError{Cause: CauseRemote, Code: 4000, Reason: "a\nb"},
			`closed by remote: remote: 4000 private use "a\nb"`, []error{net.ErrClosed}, []error{io.EOF},
		}, {
			&FieldError{Field: "Size", Err: io.EOF},
			"Size: EOF", []error{io.EOF}, nil,
		},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		for _, target := range c.is {
			if !errors.Is(c.err, target) {
				t.Errorf("%q is not %q", c.err, target)
			}
		}
		for _, target := range c.not {
			if errors.Is(c.err, target) {
				t.Errorf("%q is %q", c.err, target)
			}
		}
	}
}

// TestFailure: an end as an error says whether it ever opened, and is none where all went to plan.
func TestFailure(t *testing.T) {
	for _, c := range []struct {
		end  Closed
		want string // empty: none
	}{
		{Closed{Opened: true, Clean: true, Cause: CauseLocal, Code: CloseNormal}, ""},
		{Closed{Opened: true, Clean: true, Cause: CauseShutdown, Code: CloseNormal}, ""},
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

func TestIsObject(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, " \t\r\n{\"a\":[1]} \n": true, `{"a":{"b":null}}`: true,
		``: false, ` `: false, `null`: false, `1`: false, `[]`: false, `[{}]`: false, `"{}"`: false,
		`{`: false, `}`: false, `{} {}`: false, `{},`: false, `{a:1}`: false, `{"a":1,}`: false, "\u00a0{}": false, "\ufeff{}": false,
	} {
		if IsObject([]byte(text)) != want {
			t.Errorf("IsObject(%q) = %v", text, !want)
		}
	}
	// It agrees with encoding/json: what is an object becomes a map, and nothing else does.
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.StringOfN(rapid.RuneFrom([]rune("{}[]\":,a1 \\\n")), 0, 20, -1).Draw(t, "json"))
		var m map[string]any
		want := json.Unmarshal(b, &m) == nil && m != nil
		if got := IsObject(b); got != want {
			t.Fatalf("IsObject(%q) = %v, want %v", b, got, want)
		}
	})
}

func TestNewSendJSON(t *testing.T) {
	m, err := NewSendJSON(struct {
		A int `json:"a"`
	}{1})
	if err != nil || string(m.Object) != `{"a":1}` {
		t.Errorf("got %v, %v", m, err)
	}
	for _, v := range []any{[]int{1}, "text", 1, nil, map[string]int(nil), json.RawMessage(`[]`)} {
		if m, err := NewSendJSON(v); !errors.Is(err, ErrNotObject) || m != nil {
			t.Errorf("%T: got %v, %v, want ErrNotObject", v, m, err)
		}
	}
	if _, err := NewSendJSON(make(chan int)); err == nil || errors.Is(err, ErrNotObject) {
		t.Errorf("what cannot be marshaled: got %v, want why not", err)
	}
}

// TestTraffic follows messages from their being asked for to their end: the law holds at every instant, and
// of sums.
func TestTraffic(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var parts [2]Traffic
		for i := range rapid.IntRange(0, 50).Draw(rt, "steps") {
			p := &parts[i%2]
			op := Op(rapid.IntRange(0, NumOps-1).Draw(rt, "op"))
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0: // asked, and taken at once
				p.Asked++
				p.Sent[op]++
			case 1: // asked, and no room
				p.Asked++
				p.Dropped[DropBacklog]++
			case 2: // asked, and waiting
				p.Asked++
				p.Pending++
			case 3:
				if p.Pending > 0 {
					p.Pending--
					p.Sent[op]++
				}
			case 4: // the connection ends
				p.Dropped[DropClosed] += p.Pending
				p.Pending = 0
			}
			if !p.Balanced() {
				rt.Fatalf("step %d: %+v", i, *p)
			}
		}
		sum := parts[0]
		sum.Add(&parts[1])
		if !sum.Balanced() || sum.Asked != parts[0].Asked+parts[1].Asked || Sum(sum.Sent) != Sum(parts[0].Sent)+Sum(parts[1].Sent) {
			rt.Fatalf("%+v + %+v = %+v", parts[0], parts[1], sum)
		}
		sum.Pending++
		if sum.Balanced() {
			rt.Fatal("one too many is balanced")
		}
	})
	// 3 + 1 sent, 1 dropped and 1 pending are the 6 asked; twice that are 12.
	a := Traffic{Asked: 6, Pending: 1, SentBytes: 10, ReceivedBytes: 20, SentWire: 30, ReceivedWire: 40}
	a.Sent[OpText], a.Sent[OpPong], a.Dropped[DropBacklog], a.Received[OpPing] = 3, 1, 1, 7
	b := a
	b.Add(&a)
	want := Traffic{Asked: 12, Pending: 2, SentBytes: 20, ReceivedBytes: 40, SentWire: 60, ReceivedWire: 80}
	want.Sent[OpText], want.Sent[OpPong], want.Dropped[DropBacklog], want.Received[OpPing] = 6, 2, 2, 14
	if b != want || !b.Balanced() {
		t.Errorf("got %+v, want %+v", b, want)
	}
}

func TestStamp(t *testing.T) {
	a := Now()
	b := a.Add(1500 * time.Millisecond)
	if got := b.Sub(a); got != 1500*time.Millisecond {
		t.Errorf("got %v, want 1.5s", got)
	}
	if got := b.Time().Sub(a.Time()); got != 1500*time.Millisecond {
		t.Errorf("on the wall clock: got %v, want 1.5s", got)
	}
	if d := time.Since(a.Time()); d < 0 || d > time.Minute {
		t.Errorf("a stamp made just now is %v old", d)
	}
	if c := Now(); c < a {
		t.Errorf("the clock went back by %v", a.Sub(c))
	}
}

func TestStampDoesNotAllocate(t *testing.T) {
	object := bytes.Repeat([]byte(" "), 8)
	object = append(object, `{"a":1}`...)
	if n := testing.AllocsPerRun(100, func() { _ = Now(); _ = IsObject(object); Next(Idle, InputConnect) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
