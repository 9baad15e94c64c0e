package actors

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestStop: every socket is closed with a close frame, all goroutines and descriptors are gone when it
// returns, and everything is refused.
func TestStop(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 50
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		ids := f.openMany(t, n, nil)
		f.connectAll(t, n, &messages.Connect{URL: srv.URL()})
		if err := f.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for range ids {
			m := await(t, f.ev, "end", func(messages.Closed) bool { return true })
			if m.Cause != messages.CauseShutdown || !m.Clean || m.Code != messages.CloseNormal {
				t.Errorf("got %s, clean %v, %s, want shutdown, clean, 1000", m.Cause, m.Clean, m.Code)
			}
		}
		refuse(t, f.Manager, ids[0])
		if err := f.Stop(t.Context()); err != nil {
			t.Errorf("a second Stop: %v", err)
		}
	})
}

// refuse checks that a Manager that was stopped refuses everything.
func refuse(t *testing.T, m *Manager, id messages.ConnID) {
	t.Helper()
	ctx := t.Context()
	m.Subscribe(newEvents())
	_, open := m.Open(nil)
	_, many := m.OpenMany(10, nil)
	_, snapshot := m.Snapshot(ctx)
	for what, err := range map[string]error{
		"open": open, "open many": many, "snapshot": snapshot,
		"tell":     m.Tell(id, text("x")),
		"tell all": m.TellAll(text("x")),
		"do":       m.Do(ctx, id, text("x")),
		"remove":   m.Remove(ctx, id),
		"each":     m.Each(ctx, func(int) { t.Error("a shard still runs") }),
		"drain":    m.Drain(ctx),
	} {
		if !errors.Is(err, messages.ErrStopped) {
			t.Errorf("%s after Stop: got %v, want ErrStopped", what, err)
		}
	}
}

// TestStopCutsOff: peers that do not answer the close frame do not hold Stop up for longer than its ctx.
// All who call Stop get the same answer.
func TestStopCutsOff(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 20
		o.Transport.CloseTimeout = time.Hour
		srv := stubborn(t)
		f := start(t, o)
		ids := f.openMany(t, n, nil)
		f.connectAll(t, n, &messages.Connect{URL: srv.URL()})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		first := make(chan error, 1)
		wg.Go(func() { first <- f.Stop(ctx) })
		f.untilStopping()
		given, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Stop(given); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one that cannot wait: got %v, want its ctx's error", err)
		}
		for range 4 {
			wg.Go(func() {
				if err := f.Stop(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("one that waits: got %v, want what the first got", err)
				}
			})
		}
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that connections were cut off", err)
		}
		for range n {
			if m := await(t, f.ev, "end", func(messages.Closed) bool { return true }); m.Cause != messages.CauseShutdown || m.Clean {
				t.Errorf("got %s, clean %v, want shutdown, not clean", m.Cause, m.Clean)
			}
		}
		wg.Wait()
		refuse(t, f.Manager, ids[0])
	})
}

func (f *fixture) untilStopping() {
	for !f.stopping.Load() {
		time.Sleep(100 * time.Microsecond) // for the goroutine that stops to get that far
	}
}

// TestStopWhileBusy: Stop comes in the middle of everything else, and everybody gets an answer.
func TestStopWhileBusy(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		srv := wstest.Serve(t, wstest.Echo)
		for range 10 {
			f := start(t, o)
			ids := f.openMany(t, 20, nil)
			var wg sync.WaitGroup
			var done atomic.Int64
			busy := func(do func() error) {
				wg.Go(func() {
					for {
						err := do()
						done.Add(1)
						var refused *messages.RefusedError
						if errors.Is(err, messages.ErrStopped) && !errors.As(err, &refused) {
							return
						}
					}
				})
			}
			bg := context.Background() // each must be answered all the same
			connect := &messages.Connect{URL: srv.URL()}
			busy(func() error { _, err := f.OpenMany(3, nil); return err })
			busy(func() error { return f.Do(bg, ids[0], connect) })
			busy(func() error { return f.Do(bg, ids[1], connect) })
			busy(func() error { return f.Do(bg, ids[0], &messages.Disconnect{}) })
			busy(func() error {
				_ = f.Tell(ids[2], connect)
				_ = f.TellAll(text("x"))
				_, err := f.Snapshot(bg) // so that no more is told than is carried out
				return err
			})
			busy(func() error { return f.Drain(bg) })
			busy(func() error {
				id, err := f.Open(nil)
				if err == nil {
					err = f.Remove(bg, id)
				}
				return err
			})
			f.until(t, "progress", func(Snapshot) bool { return done.Load() > 500 })
			if err := f.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			wg.Wait()
		}
	})
}

// TestDrain: all connections end with a close frame; afterwards they can be connected again.
func TestDrain(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 50
		srv, silent := wstest.Serve(t, wstest.Echo), mute(t)
		f := start(t, o)
		f.openMany(t, n, nil)
		late := f.open(t, nil)
		if err := f.Drain(t.Context()); err != nil {
			t.Errorf("with nothing open: %v", err)
		}
		f.connectAll(t, n+1, &messages.Connect{URL: srv.URL()})
		f.must(t, late, &messages.Disconnect{})
		f.ev.state(t, late, messages.Disconnected)
		for range 3 {
			f.must(t, late, &messages.Connect{URL: silent.URL()}) // a drain ends attempts too
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := f.Drain(t.Context()); err != nil {
						t.Errorf("one of several at once: %v", err)
					}
				})
			}
			wg.Wait()
			s := f.laws(t)
			if s.States != [4]int64{messages.Disconnected: n + 1} {
				t.Errorf("got %v, want all disconnected", s.States)
			}
			for range n + 1 {
				m := await(t, f.ev, "end", func(messages.Closed) bool { return true })
				if m.Cause != messages.CauseShutdown || m.Clean != (m.ID != late) {
					t.Errorf("%s ended by %s, clean %v, want shutdown", m.ID, m.Cause, m.Clean)
				}
			}
			f.must(t, late, &messages.Connect{URL: srv.URL()})
			f.ev.state(t, late, messages.Connected)
			f.must(t, late, &messages.Disconnect{})
			f.ev.state(t, late, messages.Disconnected)
			f.tellAll(t, &messages.Reconnect{})
			for range n + 1 {
				await(t, f.ev, "connection", func(m messages.StateChanged) bool { return m.To == messages.Connected })
			}
			f.must(t, late, &messages.Disconnect{})
			f.ev.state(t, late, messages.Disconnected)
		}
	})
}

// TestDrainCutsOff: when ctx ends, so do the connections, and Drain returns when their ends were told.
func TestDrainCutsOff(t *testing.T) {
	o := Options{}
	o.Transport.CloseTimeout = time.Hour
	srv := stubborn(t)
	f := start(t, o)
	ids := f.openMany(t, 10, nil)
	f.connectAll(t, 10, &messages.Connect{URL: srv.URL()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that connections were cut off", err)
	}
	for range ids {
		for ev := f.ev.pop(); ; ev = f.ev.pop() {
			if _, ok := ev.(messages.Closed); ok {
				break
			}
			if ev == nil {
				t.Fatal("Drain returned before all ends were told")
			}
		}
	}
	f.must(t, ids[0], &messages.Reconnect{})
	f.ev.state(t, ids[0], messages.Connected)
	cancelled, cancel2 := context.WithCancel(t.Context())
	cancel2()
	_ = f.Stop(cancelled)
}

// TestDrainRefuses: players that connect again whenever they are disconnected do not hold a drain, or the
// end, up: nothing is opened meanwhile.
func TestDrainRefuses(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 20
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		f.openMany(t, n, func(messages.ConnID) Behavior {
			return script(func(c *Connection, ev messages.Event) {
				if _, ok := ev.(*messages.Closed); ok {
					_ = c.Reconnect()
				}
			})
		})
		f.connectAll(t, n, &messages.Connect{URL: srv.URL()})
		if err := f.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if s := f.laws(t); s.States != [4]int64{messages.Disconnected: n} || s.Refused[messages.KindReconnect][messages.Disconnected] != n {
			t.Errorf("got %v, %d refused, want all disconnected and refused", s.States, s.Refused[messages.KindReconnect])
		}
		f.connectAll(t, n, &messages.Reconnect{})
		if err := f.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if got := srv.Total(); got != 2*n {
			t.Errorf("%d were dialed, want %d", got, 2*n)
		}
	})
}

// TestActorStops: a connection whose actor the system stops is at its end too, and says so.
func TestActorStops(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		o.Shards = 1
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		id := f.open(t, nil)
		f.connect(t, id, srv.URL())
		if err := f.Each(t.Context(), func(int) { f.system.Root.Stop(f.shards[0].supervisor.slots[0].conn.pid) }); err != nil {
			t.Fatal(err)
		}
		if end := f.ev.end(t, id); end.Cause != messages.CauseShutdown || end.Clean {
			t.Errorf("got %+v, want it cut off", end)
		}
		for _, cmd := range commands(srv.URL()) {
			if err := f.do(t, id, cmd); !errors.Is(err, messages.ErrStopped) {
				t.Errorf("%s: got %v, want ErrStopped", cmd.Kind(), err)
			}
		}
	})
}

// TestStopIsFinal: nothing is opened once Stop has begun, and what was told to a supervisor that is
// stopping already is answered, or answered for.
func TestStopIsFinal(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{Shards: 1})
	id := f.open(t, nil)
	f.openMany(t, 10, nil)
	s := f.shards[0]
	<-s.drain(true)
	if err := f.do(t, id, &messages.Connect{URL: srv.URL()}); !errors.Is(err, messages.ErrStopped) {
		t.Errorf("connect: got %v, want ErrStopped", err)
	}
	m := &openMany{n: 1, reply: make(chan opened, 1)}
	s.call(func() { // so that it is told both in one turn
		f.system.Root.Stop(s.pid)
		f.system.Root.Send(s.pid, m)
	})
	if got := <-m.reply; got.ids != nil || !errors.Is(got.err, messages.ErrStopped) {
		t.Errorf("open: got %v, want ErrStopped", got)
	}
	if err := f.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := f.actors(); n != 0 {
		t.Errorf("%d actors are left", n)
	}
}

// slow is an Authorizer that takes its time to notice that nobody waits for it any more.
type slow struct{ asked, returned atomic.Bool }

func (s *slow) HandshakeHeaders(ctx context.Context) (http.Header, error) {
	s.asked.Store(true)
	<-ctx.Done()
	time.Sleep(20 * time.Millisecond)
	s.returned.Store(true)
	return nil, ctx.Err()
}

// TestStopWaits: when Stop returns, nobody's code is running any more.
func TestStopWaits(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		f := start(t, o)
		id := f.open(t, nil)
		auth := new(slow)
		f.must(t, id, &messages.Connect{URL: "ws://127.0.0.1:9/", Auth: auth})
		f.until(t, "question for the auth", func(Snapshot) bool { return auth.asked.Load() })
		if err := f.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !auth.returned.Load() {
			t.Error("Stop returned while the Authorizer had not")
		}
	})
}
