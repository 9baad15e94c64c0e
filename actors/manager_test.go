package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// events hands copies of what it is told to the test.
type events struct{ ch chan any }

func newEvents() events { return events{make(chan any, 100_000)} }

// Observe implements Observer.
func (e events) Observe(ev messages.Event) {
	switch m := ev.(type) {
	case *messages.StateChanged:
		e.ch <- *m
	case *messages.Closed:
		e.ch <- *m
	case *messages.Refused:
		e.ch <- *m
	case *messages.Message:
		c := *m
		c.Payload = append([]byte(nil), m.Payload...)
		e.ch <- c
	}
}

// await gives the next event of type T for which ok holds.
func await[T any](t *testing.T, e events, what string, ok func(T) bool) T {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case ev := <-e.ch:
			if m, is := ev.(T); is && ok(m) {
				return m
			}
		case <-timeout:
			t.Fatalf("no %s", what)
		}
	}
}

func (e events) state(t *testing.T, id messages.ConnID, st messages.State) {
	t.Helper()
	await(t, e, st.String(), func(m messages.StateChanged) bool { return m.ID == id && m.To == st })
}

// fixture is a Manager with recorders whose laws are checked at the end.
type fixture struct {
	*Manager
	ev   events
	recs []*metrics.Shard
}

func start(t *testing.T, o Options) *fixture {
	t.Helper()
	if o.Shards == 0 {
		o.Shards = 2
	}
	f := &fixture{ev: newEvents(), recs: make([]*metrics.Shard, o.Shards)}
	for i := range f.recs {
		f.recs[i] = new(metrics.Shard)
	}
	o.Recorder = func(i int) Recorder { return f.recs[i] }
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	m, err := NewManager(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Manager = m
	m.Subscribe(f.ev)
	t.Cleanup(func() {
		f.laws(t)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = m.Stop(ctx)
	})
	return f
}

// laws checks that the counts add up.
func (f *fixture) laws(t *testing.T) metrics.Snapshot {
	t.Helper()
	parts := make([]metrics.Snapshot, len(f.recs))
	err := f.Each(context.Background(), func(i int) {
		f.recs[i].AddTo(&parts[i])
		parts[i].Traffic = f.OnShard(i).Traffic
	})
	var sum metrics.Snapshot
	for i := range parts {
		sum.Merge(&parts[i])
	}
	if err == nil {
		err = sum.Check()
	}
	if err != nil && !errors.Is(err, messages.ErrStopped) {
		t.Error(err)
	}
	return sum
}

func (f *fixture) open(t *testing.T, b Behavior) messages.ConnID {
	t.Helper()
	id, err := f.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fixture) do(t *testing.T, id messages.ConnID, cmd messages.Command) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return f.Do(ctx, id, cmd)
}

func (f *fixture) connect(t *testing.T, id messages.ConnID, url string) {
	t.Helper()
	if err := f.do(t, id, &messages.Connect{URL: url}); err != nil {
		t.Fatal(err)
	}
	f.ev.state(t, id, messages.Connected)
}

func bothEngines(t *testing.T, test func(t *testing.T, o Options)) {
	for _, e := range []transport.Engine{transport.EngineAuto, transport.EngineGoroutine} {
		t.Run(e.String(), func(t *testing.T) { test(t, Options{Transport: transport.Options{Engine: e}}) })
	}
}

// TestCommands gives every command in every state; what is accepted and what is refused is the table's.
func TestCommands(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		release := make(chan struct{})
		slow := wstest.Serve(t, func(c net.Conn) { <-release })
		defer close(release)
		echo := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		reach := map[messages.State]func(id messages.ConnID){
			messages.Idle: func(messages.ConnID) {},
			messages.Connecting: func(id messages.ConnID) {
				if err := f.do(t, id, &messages.Connect{URL: slow.URL()}); err != nil {
					t.Fatal(err)
				}
			},
			messages.Connected: func(id messages.ConnID) { f.connect(t, id, echo.URL()) },
			messages.Disconnected: func(id messages.ConnID) {
				f.connect(t, id, echo.URL())
				if err := f.do(t, id, &messages.Disconnect{}); err != nil {
					t.Fatal(err)
				}
				f.ev.state(t, id, messages.Disconnected)
			},
		}
		for st, to := range reach {
			for _, cmd := range []messages.Command{
				&messages.Connect{URL: echo.URL()}, &messages.Reconnect{}, &messages.Disconnect{},
				&messages.SendText{Payload: []byte("x")}, &messages.SendBinary{}, &messages.SendJSON{Object: []byte("{}")}, &messages.Ping{},
			} {
				id := f.open(t, nil)
				to(id)
				want := messages.Next(st, cmd.Kind().Input()).Err
				if err := f.do(t, id, cmd); !errors.Is(err, want) || (want == nil && err != nil) {
					t.Errorf("%s in %s: got %v, want %v", cmd.Kind(), st, err, want)
				}
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	echo := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{})
	id := f.open(t, nil)
	for _, url := range []string{"http://x/", "ws://", "ws://u:p@x/", "ws://x/#f", "ws://x:0/"} {
		if err := f.do(t, id, &messages.Connect{URL: url}); !errors.Is(err, messages.ErrBadURL) {
			t.Errorf("connect to %q: got %v, want ErrBadURL", url, err)
		}
	}
	f.connect(t, id, echo.URL())
	for _, c := range []struct {
		cmd  messages.Command
		want error
	}{
		{&messages.SendJSON{Object: []byte(`[1]`)}, messages.ErrNotObject},
		{&messages.SendText{Payload: []byte{0xff}}, messages.ErrNotUTF8},
		{&messages.Ping{Payload: make([]byte, 126)}, messages.ErrTooLong},
		{&messages.Disconnect{Code: 1006}, messages.ErrCloseCode},
		{&messages.Disconnect{Reason: string(make([]byte, 124))}, messages.ErrTooLong},
	} {
		var refused *messages.RefusedError
		if err := f.do(t, id, c.cmd); !errors.Is(err, c.want) || !errors.As(err, &refused) {
			t.Errorf("%+v: got %v, want %v", c.cmd, err, c.want)
		}
	}
	if err := f.Tell(messages.NewConnID(99, 0, 0), &messages.Reconnect{}); !errors.Is(err, messages.ErrUnknownID) {
		t.Errorf("another manager's id: got %v, want ErrUnknownID", err)
	}
	if err := f.do(t, messages.NewConnID(0, 4711, 0), &messages.Reconnect{}); !errors.Is(err, messages.ErrUnknownID) {
		t.Errorf("an id that was never given: got %v, want ErrUnknownID", err)
	}
}

// TestClosing: while the closing handshake is under way the state is Connected, and nothing may be sent.
func TestClosing(t *testing.T) {
	release := make(chan struct{})
	srv := wstest.Serve(t, func(c net.Conn) {
		_, _ = wstest.Accept(c)
		<-release
	})
	f := start(t, Options{})
	id := f.open(t, nil)
	f.connect(t, id, srv.URL())
	if err := f.do(t, id, &messages.Disconnect{Code: 4000, Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []messages.Command{&messages.SendText{}, &messages.Disconnect{}} {
		if err := f.do(t, id, cmd); !errors.Is(err, messages.ErrClosing) {
			t.Errorf("%s: got %v, want ErrClosing", cmd.Kind(), err)
		}
	}
	close(release)
	end := await(t, f.ev, "end", func(m messages.Closed) bool { return m.ID == id })
	if end.Cause != messages.CauseLocal || end.Clean || end.Code != 4000 {
		t.Errorf("got %s, clean %v, %s, want local, not clean, 4000", end.Cause, end.Clean, end.Code)
	}
}

// counting is an Authorizer that counts how often it is asked.
type counting struct{ asked atomic.Int64 }

func (c *counting) HandshakeHeaders(context.Context) (http.Header, error) {
	c.asked.Add(1)
	return http.Header{"Authorization": {"Bearer x"}}, nil
}

// TestNoReconnection: 200 connections whose server is killed end with a cause, and stay so until they are
// told to reconnect, which asks for the auth afresh.
func TestNoReconnection(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 200
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		auth := new(counting)
		ids, err := f.OpenMany(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.TellAll(&messages.Connect{URL: srv.URL(), Auth: auth}); err != nil {
			t.Fatal(err)
		}
		for range ids {
			await(t, f.ev, "connection", func(m messages.StateChanged) bool { return m.To == messages.Connected })
		}
		addr := srv.Addr()
		srv.Kill()
		for range ids {
			await(t, f.ev, "end", func(m messages.Closed) bool {
				if m.Cause != messages.CauseReset && m.Cause != messages.CauseEOF {
					t.Errorf("got the cause %s, want reset or eof", m.Cause)
				}
				return true
			})
		}
		again := wstest.ServeAt(t, addr, wstest.Echo)
		if s := f.laws(t); s.States[messages.Disconnected] != n || again.Total() != 0 || auth.asked.Load() != n {
			t.Errorf("before a Reconnect: %v, %d dialed, asked %d times", s.States, again.Total(), auth.asked.Load())
		}
		if err := f.TellAll(&messages.Reconnect{}); err != nil {
			t.Fatal(err)
		}
		for range ids {
			await(t, f.ev, "reconnection", func(m messages.StateChanged) bool { return m.To == messages.Connected })
		}
		if again.Total() != n || auth.asked.Load() != 2*n {
			t.Errorf("after it: %d dialed, asked %d times, want %d and %d", again.Total(), auth.asked.Load(), n, 2*n)
		}
	})
}

// bomb panics at the first event of a kind.
type bomb struct{ at string }

func (b bomb) On(c *Connection, ev messages.Event) {
	if fmt.Sprintf("%T", ev) == b.at {
		panic("boom at " + b.at)
	}
	if _, ok := ev.(*messages.Opened); ok {
		_ = c.SendText([]byte("x"))
		c.SetTimer(c.Now())
	}
}

// TestPanic: a player that panics, in whatever event, is stopped; its neighbours on the same shard go on.
func TestPanic(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	for _, at := range []string{"*messages.StateChanged", "*messages.Opened", "*messages.Message", "*messages.TimerFired"} {
		t.Run(at, func(t *testing.T) {
			f := start(t, Options{Shards: 1})
			neighbour := f.open(t, nil)
			f.connect(t, neighbour, srv.URL())
			id := f.open(t, bomb{at})
			if err := f.Tell(id, &messages.Connect{URL: srv.URL()}); err != nil {
				t.Fatal(err)
			}
			end := await(t, f.ev, "end", func(m messages.Closed) bool { return m.ID == id })
			var p *PanicError
			if end.Cause != messages.CauseInternal || !errors.As(end.Err, &p) || p.Reason != "boom at "+at {
				t.Errorf("got %s, %v, want internal and the panic", end.Cause, end.Err)
			}
			if err := f.do(t, id, &messages.Reconnect{}); !errors.Is(err, messages.ErrStopped) {
				t.Errorf("a command afterwards: got %v, want ErrStopped", err)
			}
			if err := f.do(t, neighbour, &messages.SendText{Payload: []byte("still here")}); err != nil {
				t.Fatal(err)
			}
			await(t, f.ev, "echo to the neighbour", func(m messages.Message) bool { return m.ID == neighbour && string(m.Payload) == "still here" })
			s, err := f.Snapshot(t.Context())
			if err != nil || s.Panics != 1 || s.Players() != 2 {
				t.Errorf("got %d panics of %d players, %v, want 1 of 2", s.Panics, s.Players(), err)
			}
			if sum := f.laws(t); sum.Disconnects[messages.CauseInternal] != 1 {
				t.Errorf("counted %d ends by internal, want 1", sum.Disconnects[messages.CauseInternal])
			}
		})
	}
}

func TestRemove(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{Shards: 1})
	idle, connected := f.open(t, nil), f.open(t, nil)
	f.connect(t, connected, srv.URL())
	for _, id := range []messages.ConnID{idle, connected} {
		if err := f.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := f.Remove(t.Context(), id); !errors.Is(err, messages.ErrUnknownID) {
			t.Errorf("removed twice: got %v, want ErrUnknownID", err)
		}
	}
	next := f.open(t, nil)
	if next.Slot() > connected.Slot() || next.Generation() == 0 {
		t.Errorf("the next id is %s, want a slot used again, in another generation", next)
	}
	if s, err := f.Snapshot(t.Context()); err != nil || s.Players() != 1 {
		t.Errorf("got %d players, %v, want 1", s.Players(), err)
	}
}

// TestStop: every socket is closed with a close frame, all goroutines end, and commands are refused.
func TestStop(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		ids, err := f.OpenMany(50, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			f.connect(t, id, srv.URL())
		}
		if err := f.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for range ids {
			m := await(t, f.ev, "end", func(messages.Closed) bool { return true })
			if m.Cause != messages.CauseShutdown || !m.Clean || m.Code != messages.CloseNormal {
				t.Errorf("got %s, clean %v, %s, want shutdown, clean, 1000", m.Cause, m.Clean, m.Code)
			}
		}
		if err := f.Tell(ids[0], &messages.Reconnect{}); !errors.Is(err, messages.ErrStopped) {
			t.Errorf("afterwards: got %v, want ErrStopped", err)
		}
		if err := f.Stop(t.Context()); err != nil {
			t.Errorf("a second Stop: %v", err)
		}
	})
}

// TestStopCutsOff: a peer that does not answer the close frame does not hold Stop up for longer than ctx.
func TestStopCutsOff(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	srv := wstest.Serve(t, func(c net.Conn) {
		_, _ = wstest.Accept(c)
		<-release
	})
	f := start(t, Options{Transport: transport.Options{CloseTimeout: time.Hour}})
	id := f.open(t, nil)
	f.connect(t, id, srv.URL())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that connections were cut off", err)
	}
}

// TestSize pins what each connection costs here; heap beside it is the actor system's.
func TestSize(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("sizes are of 64-bit systems")
	}
	if got := unsafe.Sizeof(Connection{}); got > 224 {
		t.Errorf("a Connection has %d bytes, want at most 224", got)
	}
}
