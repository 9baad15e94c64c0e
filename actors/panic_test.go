package actors

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// place names an event as the tests of panics and reentrancy do.
func place(ev messages.Event) string {
	if m, ok := ev.(*messages.StateChanged); ok {
		return "to " + m.To.String()
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", ev), "*messages.")
}

// bomb is a player that goes through every kind of event but Refused, and panics at one of them.
type bomb struct {
	at    string
	gone  bool // off
	after []string
}

func (b *bomb) On(c *Connection, ev messages.Event) {
	if b.gone {
		b.after = append(b.after, place(ev))
	}
	if place(ev) == b.at {
		b.gone = true
		panic("boom at " + b.at)
	}
	switch ev.(type) {
	case *messages.Opened:
		_ = c.SendText([]byte("x"))
	case *messages.Message:
		c.SetTimer(c.Now())
	case *messages.TimerFired:
		_ = c.Disconnect(0, "")
	}
}

// mine is an observer that panics at an event of one connection, once. As a recorder it counts first.
type mine struct {
	*metrics.Shard
	at string
	id *messages.ConnID // 0 once it has gone off
}

func (m mine) Observe(ev messages.Event) {
	if m.Shard != nil {
		m.Shard.Observe(ev)
	}
	if place(ev) == m.at && idOf(ev) == *m.id {
		*m.id = 0
		panic("boom at " + m.at)
	}
}

func idOf(ev messages.Event) messages.ConnID {
	switch m := ev.(type) {
	case *messages.StateChanged:
		return m.ID
	case *messages.Opened:
		return m.ID
	case *messages.Message:
		return m.ID
	case *messages.Closed:
		return m.ID
	case *messages.Refused:
		return m.ID
	default:
		return ev.(*messages.TimerFired).ID
	}
}

// TestPanic: a player that panics, or whose observers do, in whatever event, is stopped; its connection
// ends with the cause internal unless it had ended already; its neighbours on the same shard go on.
func TestPanic(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	for _, who := range []string{"behaviour", "subscriber", "recorder"} {
		for _, at := range []string{"to connecting", "to connected", "Opened", "Message", "TimerFired", "to disconnected", "Closed", "Refused"} {
			if (who != "behaviour" && at == "TimerFired") || (who == "recorder" && at == "Message") {
				continue // which they are not told of
			}
			t.Run(who+" at "+at, func(t *testing.T) {
				bothEngines(t, func(t *testing.T, o Options) { testPanic(t, o, srv.URL(), who, at) })
			})
		}
	}
}

func testPanic(t *testing.T, o Options, url, who, at string) {
	o.Shards = 1
	victim := new(messages.ConnID)
	rec := new(metrics.Shard)
	if who == "recorder" {
		o.Recorder = func(int) Recorder { return mine{Shard: rec, at: at, id: victim} }
	}
	f := start(t, o)
	if who == "subscriber" {
		f.Subscribe(mine{at: at, id: victim})
	}
	neighbour := f.open(t, nil)
	f.connect(t, neighbour, url)
	player := new(bomb)
	if who == "behaviour" {
		player.at = at
	}
	id := f.open(t, player)
	if err := f.Each(t.Context(), func(int) { *victim = id }); err != nil {
		t.Fatal(err)
	}
	ended := at == "to disconnected" || at == "Closed" // before the panic
	want := [messages.NumStates]int{messages.Connected: 1, messages.Disconnected: 1}
	internal := uint64(1)
	switch {
	case at == "Refused":
		if err := f.do(t, id, text("x")); !errors.Is(err, messages.ErrStopped) {
			t.Errorf("the command that it panicked over: got %v, want ErrStopped", err)
		}
		want = [messages.NumStates]int{messages.Connected: 1, messages.Idle: 1}
		internal = 0
	case who == "recorder" && ended: // f.ev may not be told of it
		f.must(t, id, &messages.Connect{URL: url})
		f.until(t, "panic", func(s Snapshot) bool { return s.Panics > 0 })
		internal = 0
	default:
		if err := f.Tell(id, &messages.Connect{URL: url}); err != nil {
			t.Fatal(err)
		}
		end := f.ev.end(t, id)
		if opened := at != "to connecting"; end.Opened != opened {
			t.Errorf("opened: got %v, want %v", end.Opened, opened)
		}
		var p *PanicError
		if ended {
			internal = 0
			if end.Cause != messages.CauseLocal || !end.Clean {
				t.Errorf("got %+v, want the end that it had before the panic", end)
			}
		} else if end.Cause != messages.CauseInternal || !errors.As(end.Err, &p) || p.Reason != "boom at "+at {
			t.Errorf("got %s, %v, want internal and the panic", end.Cause, end.Err)
		}
	}
	for _, cmd := range commands(url) {
		if err := f.do(t, id, cmd); !errors.Is(err, messages.ErrStopped) {
			t.Errorf("%s afterwards: got %v, want ErrStopped", cmd.Kind(), err)
		}
	}
	f.must(t, neighbour, text("still here"))
	f.ev.message(t, neighbour, messages.OpText, "still here")

	if player.after != nil {
		t.Errorf("the behaviour was still told of %v", player.after)
	}
	if s := f.snapshot(t); s.Panics != 1 || s.States != want {
		t.Errorf("got %d panics, %v, want 1, %v", s.Panics, s.States, want)
	}
	sum := f.laws(t)
	if who == "recorder" {
		if err := f.Each(t.Context(), func(int) { rec.AddTo(sum) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := sum.Disconnects[messages.CauseInternal]; got != internal {
		t.Errorf("counted %d ends by internal, want %d", got, internal)
	}
	logs := f.log.all()
	if len(logs) != 1 || logs[0]["connection"] != id.String() || logs[0]["reason"] != "panic: boom at "+at || !strings.Contains(logs[0]["stack"], "panic_test.go") {
		t.Errorf("logged %v", logs)
	}
	f.until(t, "end of the actor", func(Snapshot) bool { return f.actors() == 2 }) // supervisor and neighbour
	if err := f.Remove(t.Context(), id); err != nil {
		t.Errorf("remove: %v", err)
	}
	if n := f.snapshot(t); n.Players() != 1 {
		t.Errorf("%d players are left, want 1", n.Players())
	}
}

// TestManyPanics: a third of the players panics over a command that all are told, and a third over what
// the peer says. The rest go on, on the same shards.
func TestManyPanics(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const third = 100
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		f.openMany(t, third, func(messages.ConnID) Behavior { return &bomb{at: "to connecting"} })
		f.openMany(t, third, func(messages.ConnID) Behavior { return &bomb{at: "Message"} })
		healthy := f.openMany(t, third, nil)
		f.tellAll(t, &messages.Connect{URL: srv.URL()})
		stopped := make(map[messages.ConnID]bool)
		for connected := 0; len(stopped) < 2*third || connected < 2*third; { // "Message" does both
			await(t, f.ev, "all to connect or panic", func(ev any) bool {
				switch m := ev.(type) {
				case messages.Closed:
					if m.Cause != messages.CauseInternal || stopped[m.ID] {
						t.Errorf("%s ended by %s", m.ID, m.Cause)
					}
					stopped[m.ID] = true
				case messages.StateChanged:
					if m.To == messages.Connected {
						connected++
					}
				}
				return true
			})
		}
		for _, id := range healthy {
			if err := f.Tell(id, text("still here")); err != nil {
				t.Fatal(err)
			}
		}
		for range healthy {
			await(t, f.ev, "echo", func(m messages.Message) bool { return string(m.Payload) == "still here" && !stopped[m.ID] })
		}
		s := f.snapshot(t)
		if s.Panics != 2*third || s.States != [4]int{messages.Connected: third, messages.Disconnected: 2 * third} {
			t.Errorf("got %d panics, %v, want %d", s.Panics, s.States, 2*third)
		}
		if got := f.laws(t).Disconnects[messages.CauseInternal]; got != 2*third {
			t.Errorf("counted %d ends by internal, want %d", got, 2*third)
		}
		if logs := f.log.all(); len(logs) != maxLogged*f.Shards() || logs[len(logs)-1]["note"] == "" {
			t.Errorf("logged %d panics, want %d, the last with a note", len(logs), maxLogged*f.Shards())
		}
	})
}

// TestPanicInFactory: what makes the behaviours panics; nothing is left of the attempt, and nobody waits.
func TestPanicInFactory(t *testing.T) {
	f := start(t, Options{Shards: 3})
	ids, err := f.OpenMany(100, func(id messages.ConnID) Behavior {
		if id.Shard() == 1 && id.Slot() == 7 {
			panic(errNoToken)
		}
		return nil
	})
	var p *PanicError
	if ids != nil || !errors.As(err, &p) || !errors.Is(err, errNoToken) || len(p.Stack) == 0 {
		t.Errorf("got %d ids, %v, want the panic", len(ids), err)
	}
	if s := f.snapshot(t); s.Players() != 0 || s.Panics != 1 {
		t.Errorf("got %d players, %d panics, want 0 and 1", s.Players(), s.Panics)
	}
	f.openMany(t, 100, nil)
	if s := f.snapshot(t); s.Players() != 100 {
		t.Errorf("got %d players, want 100", s.Players())
	}
}

// moody is a recorder that panics when connections come and go, while it is armed.
type moody struct {
	*metrics.Shard
	armed *bool
}

func (m moody) Added(n int) {
	if *m.armed {
		panic("added")
	}
	m.Shard.Added(n)
}

func (m moody) Removed(s messages.State) {
	if *m.armed {
		panic("removed")
	}
	m.Shard.Removed(s)
}

// TestPanicInRecorder: a recorder that panics in Added lets nothing be opened, in Removed nothing stay.
func TestPanicInRecorder(t *testing.T) {
	armed := false
	f := start(t, Options{Shards: 1, Recorder: func(int) Recorder { return moody{new(metrics.Shard), &armed} }})
	arm := func(on bool) {
		if err := f.Each(t.Context(), func(int) { armed = on }); err != nil {
			t.Fatal(err)
		}
	}
	arm(true)
	var p *PanicError
	if _, err := f.Open(nil); !errors.As(err, &p) || p.Reason != "added" {
		t.Errorf("got %v, want the panic", err)
	}
	arm(false)
	id := f.open(t, nil)
	arm(true)
	if err := f.Remove(t.Context(), id); err != nil {
		t.Errorf("remove: %v", err)
	}
	arm(false)
	if s := f.snapshot(t); s.Players() != 0 || s.Panics != 2 {
		t.Errorf("got %d players, %d panics, want 0 and 2", s.Players(), s.Panics)
	}
	if next := f.open(t, nil); next.Slot() != id.Slot() || next.Generation() != 1 {
		t.Errorf("the next id is %s, want 0.0#1", next)
	}
}

// rude is an error that cannot be printed.
type rude struct{}

func (rude) Error() string { panic("not even that") }

func TestPanicError(t *testing.T) {
	for _, c := range []struct {
		reason any
		want   string
	}{
		{"boom", "panic: boom"},
		{errNoToken, "panic: no token today"},
		{42, "panic: 42"},
		{rude{}, "panic: actors.rude, which cannot be printed"},
	} {
		if got := (&PanicError{Reason: c.reason}).Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if !errors.Is(&PanicError{Reason: errNoToken}, errNoToken) {
		t.Error("a panic over an error is not that error")
	}
}
