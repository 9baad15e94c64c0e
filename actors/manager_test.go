package actors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

func TestNewManager(t *testing.T) {
	for _, o := range []Options{
		{Shards: -1},
		{Shards: messages.MaxShards + 1},
		{Transport: transport.Options{MaxMessage: -1}},
	} {
		if m, err := NewManager(o); err == nil {
			_ = m.Stop(t.Context())
			t.Errorf("%+v is accepted", o)
		}
	}
	m, err := NewManager(Options{Recorder: func(int) Recorder { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(t.Context())
	if got, want := m.Shards(), runtime.GOMAXPROCS(0); got != want {
		t.Errorf("got %d shards, want one for each of %d processors", got, want)
	}
	if got := m.Network().Options().DialTimeout; got != transport.DefaultDialTimeout {
		t.Errorf("the dial timeout is %v, want the default", got)
	}
	if _, err := m.Open(nil); err != nil {
		t.Error(err)
	}
}

// TestOpenMany: connections are spread evenly, in turn, going on where the last call left off.
func TestOpenMany(t *testing.T) {
	f := start(t, Options{Shards: 3})
	if _, err := f.OpenMany(0, nil); err == nil {
		t.Error("0 connections were opened")
	}
	var mu sync.Mutex
	made := make(map[messages.ConnID]bool)
	next := 0
	for _, n := range []int{1, 2, 3, 4, 10} {
		ids := f.openMany(t, n, func(id messages.ConnID) Behavior {
			mu.Lock()
			defer mu.Unlock()
			made[id] = true
			return nil
		})
		for _, id := range ids {
			if !made[id] || id.Shard() != next%3 || int(id.Slot()) != next/3 || id.Generation() != 0 {
				t.Errorf("connection %d has the id %s, want %d.%d", next, id, next%3, next/3)
			}
			next++
		}
	}
	if len(made) != 20 {
		t.Errorf("%d behaviours were made, want 1+2+3+4+10", len(made))
	}
	if s := f.laws(t); s.States != [4]int64{messages.Idle: 20} || s.Added != 20 {
		t.Errorf("got %v of %d, want 20 idle", s.States, s.Added)
	}
}

// TestOpenManyFor: past 2³² connections the turns go on.
func TestOpenManyForEver(t *testing.T) {
	f := start(t, Options{Shards: 3})
	f.next.Store(math.MaxUint32 - 1)
	for i, id := range f.openMany(t, 6, nil) {
		// 2³² - 2 = 4294967294 = 3 × 1431655764 + 2
		if got, want := id.Shard(), (2+i)%3; got != want {
			t.Errorf("connection %d is on shard %d, want %d", i, got, want)
		}
	}
}

// TestOpenConcurrently: ids are unique, and the spread stays even.
func TestOpenConcurrently(t *testing.T) {
	f := start(t, Options{Shards: 3})
	var mu sync.Mutex
	seen := make(map[messages.ConnID]bool)
	perShard := make([]int, 3)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 30 {
				ids, err := f.OpenMany(n+1, nil)
				mu.Lock()
				for _, id := range ids {
					if seen[id] {
						t.Errorf("%s was given twice", id)
					}
					seen[id] = true
					perShard[id.Shard()]++
				}
				mu.Unlock()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(seen) != 8*30*31/2 || perShard[0] != perShard[1] || perShard[1] != perShard[2] { // 3720 = 3 × 1240
		t.Errorf("got %d ids, %v by shard, want %d, evenly", len(seen), perShard, 8*30*31/2)
	}
}

// TestRemove: a removed connection is forgotten whatever it was doing, its end told, its slot used again
// under another id.
func TestRemove(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		o.Shards = 1
		silent, echo := mute(t), wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		for _, c := range []struct {
			state messages.State
			reach func(id messages.ConnID)
		}{
			{messages.Idle, func(messages.ConnID) {}},
			{messages.Connecting, func(id messages.ConnID) { f.must(t, id, &messages.Connect{URL: silent.URL()}) }},
			{messages.Connected, func(id messages.ConnID) { f.connect(t, id, echo.URL()) }},
			{messages.Disconnected, func(id messages.ConnID) {
				f.connect(t, id, echo.URL())
				f.must(t, id, &messages.Disconnect{})
				f.ev.state(t, id, messages.Disconnected)
			}},
		} {
			var told []string
			var conn *Connection
			id := f.open(t, script(func(c *Connection, ev messages.Event) {
				told, conn = append(told, place(ev)), c
				if place(ev) == "Closed" {
					c.SetTimer(c.Now())
					if err := c.Reconnect(); !errors.Is(err, messages.ErrStopped) {
						_ = c.Disconnect(0, "") // unless it is the end before the removal
					}
				}
			}))
			c.reach(id)
			if err := f.Remove(t.Context(), id); err != nil {
				t.Fatalf("%s: %v", c.state, err)
			}
			if c.state == messages.Connecting || c.state == messages.Connected {
				end := f.ev.end(t, id)
				if end.Cause != messages.CauseLocal || end.Clean || end.Opened != (c.state == messages.Connected) {
					t.Errorf("%s: got %+v, want it cut off", c.state, end)
				}
				f.snapshot(t) // the shard has left the turn
				if conn.timer.IsSet() {
					t.Errorf("%s: its timer is still set", c.state)
				}
				if n := len(told); told[n-1] != "Closed" {
					t.Errorf("%s: the behaviour was told %v, want Closed last", c.state, told)
				}
			}
			if err := f.Remove(t.Context(), id); !errors.Is(err, messages.ErrUnknownID) {
				t.Errorf("%s: removed twice: got %v, want ErrUnknownID", c.state, err)
			}
			if err := f.do(t, id, &messages.Reconnect{}); !errors.Is(err, messages.ErrUnknownID) {
				t.Errorf("%s: a command afterwards: got %v, want ErrUnknownID", c.state, err)
			}
			if s := f.snapshot(t); s.Players() != 0 || s.States != [4]int{} {
				t.Errorf("%s: got %v, want no connection", c.state, s.States)
			}
			next := f.open(t, nil)
			if next.Slot() != id.Slot() || next.Generation() != id.Generation()+1 || next == id {
				t.Errorf("%s: after %s came %s, want the slot again in the next generation", c.state, id, next)
			}
			if err := f.do(t, id, text("x")); !errors.Is(err, messages.ErrUnknownID) {
				t.Errorf("%s: the old id: got %v, want ErrUnknownID", c.state, err)
			}
			if err := f.Remove(t.Context(), next); err != nil {
				t.Error(err)
			}
		}
		if s := f.laws(t); s.Players() != 0 || s.Added != 8 {
			t.Errorf("%d of %d connections are left", s.Players(), s.Added)
		}
		f.until(t, "end of the sockets", func(Snapshot) bool { return silent.Open()+echo.Open() == 0 })
	})
}

// TestSlots: every slot that was freed is used again before there are more.
func TestSlots(t *testing.T) {
	f := start(t, Options{Shards: 1})
	ids := f.openMany(t, 6, nil)
	for _, id := range ids[1:4] {
		if err := f.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	var slots []uint32
	for _, id := range f.openMany(t, 4, nil) {
		slots = append(slots, id.Slot())
	}
	slices.Sort(slots)
	if !slices.Equal(slots, []uint32{1, 2, 3, 6}) {
		t.Errorf("four more are in the slots %d, want 1, 2, 3 and 6", slots)
	}
}

// TestGenerations: a slot that was used 2²² times begins anew, and its ids still find it.
func TestGenerations(t *testing.T) {
	f := start(t, Options{Shards: 1})
	id := f.open(t, nil)
	const last = 1<<22 - 1
	if err := f.Each(t.Context(), func(int) {
		s := f.shards[0].supervisor
		s.slots[0].generation = last
		s.slots[0].conn.id = messages.NewConnID(0, 0, last)
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(t.Context(), messages.NewConnID(0, 0, last)); err != nil {
		t.Fatal(err)
	}
	again := f.open(t, nil)
	if again != id {
		t.Errorf("after generation 2²²-1 came %s, want %s", again, id)
	}
	if err := f.Remove(t.Context(), again); err != nil {
		t.Error(err)
	}
}

// TestOrder: what one goroutine tells a connection, by whatever method, is carried out in its order.
func TestOrder(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 500
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		ids := f.openMany(t, 4, nil)
		f.connectAll(t, len(ids), &messages.Connect{URL: srv.URL()})
		for i := range n {
			for _, id := range ids {
				if err := f.Tell(id, text(fmt.Sprint(2*i))); err != nil {
					t.Fatal(err)
				}
			}
			f.tellAll(t, text(fmt.Sprint(2*i+1)))
		}
		next := make(map[messages.ConnID]int)
		for range 2 * n * len(ids) {
			m := await(t, f.ev, "echo", func(messages.Message) bool { return true })
			if string(m.Payload) != fmt.Sprint(next[m.ID]) {
				t.Fatalf("%s got %s, want %d", m.ID, m.Payload, next[m.ID])
			}
			next[m.ID]++
		}
		// To all and then to one: none of these is refused.
		f.tellAll(t, &messages.Disconnect{})
		for range ids {
			await(t, f.ev, "end", func(messages.Closed) bool { return true })
		}
		f.tellAll(t, &messages.Reconnect{})
		for _, id := range ids {
			if err := f.Tell(id, &messages.Disconnect{}); err != nil {
				t.Fatal(err)
			}
		}
		for range ids {
			await(t, f.ev, "end", func(ev any) bool {
				if m, ok := ev.(messages.Refused); ok {
					t.Errorf("%s %s was refused: %v", m.ID, m.Command, m.Err)
				}
				_, ok := ev.(messages.Closed)
				return ok
			})
		}
	})
}

// TestSubscribe: each observer is told of everything from then on, in the order of their coming.
func TestSubscribe(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{Shards: 1})
	var told []string
	note := func(who string) observer {
		return func(ev messages.Event) { told = append(told, who+" "+place(ev)) }
	}
	f.Subscribe(note("first"))
	f.Subscribe(note("second"))
	id := f.open(t, script(func(c *Connection, ev messages.Event) {
		told = append(told, "behaviour "+place(ev))
		if place(ev) == "Message" {
			_ = c.Disconnect(0, "")
		}
	}))
	f.must(t, id, &messages.Connect{URL: srv.URL()})
	f.ev.state(t, id, messages.Connected)
	f.must(t, id, text("x"))
	f.ev.end(t, id)
	f.snapshot(t)
	want := []string{
		"first to connecting", "second to connecting", "behaviour to connecting",
		"first to connected", "first Opened", "second to connected", "second Opened", "behaviour to connected", "behaviour Opened",
		"first Message", "second Message", "behaviour Message",
		"first Closed", "first to disconnected", "second Closed", "second to disconnected", "behaviour to disconnected", "behaviour Closed",
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}

type observer func(ev messages.Event)

func (o observer) Observe(ev messages.Event) { o(ev) }

// TestContext: who will not wait is not held up.
func TestContext(t *testing.T) {
	f := start(t, Options{Shards: 1})
	id := f.open(t, nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	go f.Each(context.Background(), func(int) {
		close(entered)
		<-leave
	})
	<-entered // the shard is held up
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Snapshot(ctx)
	for what, err := range map[string]error{
		"do":       f.Do(ctx, id, text("x")),
		"remove":   f.Remove(ctx, id),
		"each":     f.Each(ctx, func(int) {}),
		"snapshot": err,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want that it gave up", what, err)
		}
	}
	close(leave)
}

// TestRecorderKnowsItsLoop: each shard's recorder is told of the turns of its loop, and of its reads where the
// kernel stamps what arrives.
func TestRecorderKnowsItsLoop(t *testing.T) {
	for _, stamped := range []bool{false, true} {
		o := transport.Options{KernelTimestamps: stamped}
		if o.Validate() != nil {
			t.Skip("SKIPPED: the kernel does not stamp what arrives here")
		}
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, Options{Transport: o})
		ids := f.openMany(t, 2, nil)
		for _, id := range ids {
			f.connect(t, id, srv.URL())
		}
		for range 10 {
			for _, id := range ids {
				f.must(t, id, &messages.SendText{Payload: []byte("x")})
				f.ev.message(t, id, messages.OpText, "x")
			}
		}
		if s := f.laws(t); s.LoopTurn.Count() < 2*10 || s.ReadLag.Count() > 0 != stamped {
			t.Errorf("kernel timestamps %v: got %d turns and %d stamped reads", stamped, s.LoopTurn.Count(), s.ReadLag.Count())
		}
	}
}
