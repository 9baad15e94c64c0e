package transport

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// alarms notes which timers fire when.
type alarms struct{ fired []*Timer }

func (a *alarms) Alarm(t *Timer, _ messages.Stamp) { a.fired = append(a.fired, t) }

// TestWheel compares the wheel with a plain list: a timer fires in the first advance that ends at or after
// its instant rounded up to a tick, and never before it.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		now := messages.Stamp(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "start"))
		w.init(now)
		a := new(alarms)
		timers := make([]Timer, 8)
		due := make(map[*Timer]messages.Stamp)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			tm := &timers[rapid.IntRange(0, len(timers)-1).Draw(t, "timer")]
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				in := time.Duration(rapid.Int64Range(-1e6, 1<<rapid.IntRange(10, 45).Draw(t, "scale")).Draw(t, "in"))
				w.set(tm, now.Add(in), a)
				due[tm] = now.Add(in)
			case 2:
				w.unset(tm)
				delete(due, tm)
			case 3:
				if d, ok := w.next(now); ok != (len(due) > 0) {
					t.Fatalf("next: got %v with %d timers", ok, len(due))
				} else {
					for tm, at := range due {
						if late := now.Add(d).Sub(at); late > wheelTick && d > 0 {
							t.Fatalf("next would wait %v, %v past the timer at %d", d, late, tm.When())
						}
					}
				}
				now = now.Add(time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(10, 45).Draw(t, "jump")).Draw(t, "by")))
				a.fired = a.fired[:0]
				w.startTurn()
				for tm := w.due(now); tm != nil; tm = w.due(now) {
					tm.owner.Alarm(tm, now)
				}
				for _, tm := range a.fired {
					if due[tm] > now {
						t.Fatalf("fired %v early", due[tm].Sub(now))
					}
					delete(due, tm)
				}
				for _, at := range due {
					if now.Sub(at) > wheelTick {
						t.Fatalf("a timer is %v overdue", now.Sub(at))
					}
				}
			}
			if w.count != len(due) {
				t.Fatalf("the wheel counts %d timers, want %d", w.count, len(due))
			}
		}
	})
}

func TestTimersDoNotAllocate(t *testing.T) {
	var w wheel
	w.init(0)
	a := &alarms{fired: make([]*Timer, 0, 1)}
	var tm Timer
	now := messages.Stamp(0)
	n := testing.AllocsPerRun(1000, func() {
		w.set(&tm, now.Add(time.Minute), a)
		w.set(&tm, now.Add(3*time.Millisecond), a)
		now = now.Add(5 * time.Millisecond)
		w.startTurn()
		for w.due(now) != nil {
		}
	})
	if n != 0 {
		t.Errorf("got %v allocations a timer, want 0", n)
	}
	if tm.IsSet() || w.count != 0 {
		t.Error("the timer did not fire")
	}
}

func TestSizes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("sizes are of 64-bit systems")
	}
	if got := unsafe.Sizeof(Timer{}); got > 56 {
		t.Errorf("a Timer has %d bytes, want at most 56", got)
	}
	if got := unsafe.Sizeof(Conn{}); got > 160 {
		t.Errorf("a Conn has %d bytes, want at most 160", got)
	}
}

// fixture is a loop that runs in its own goroutine.
type fixture struct{ *Loop }

func startLoop(t testing.TB, o Options) fixture {
	t.Helper()
	n, err := NewNetwork(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoop(n)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run()
	}()
	t.Cleanup(func() {
		l.Stop()
		<-done
		n.Wait()
		if !l.traffic.Balanced() {
			t.Errorf("the counts do not add up: %+v", l.traffic)
		}
	})
	return fixture{l}
}

// on runs f on the loop and waits for it.
func (f fixture) on(fn func()) {
	done := make(chan struct{})
	f.Post(runFunc(func() {
		defer close(done)
		fn()
	}), nil)
	<-done
}

// peer is a Handler that hands on copies of what it is told.
type peer struct {
	opened   chan messages.Opened
	messages chan messages.Message
	closed   chan messages.Closed
	reply    func(m *messages.Message) // on the loop; may be nil
}

func newPeer() *peer {
	return &peer{opened: make(chan messages.Opened, 1), messages: make(chan messages.Message, 1000), closed: make(chan messages.Closed, 2)}
}

func (p *peer) Opened(e *messages.Opened) { p.opened <- *e }
func (p *peer) Closed(e *messages.Closed) { p.closed <- *e }
func (p *peer) Message(e *messages.Message) {
	if p.reply != nil {
		p.reply(e)
		return
	}
	m := *e
	m.Payload = slices.Clone(e.Payload)
	p.messages <- m
}

func (f fixture) dial(c *messages.Connect, p *peer) (conn *Conn) {
	f.on(func() { conn = f.Dial(c, nil, p) })
	return conn
}

func within[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s in time", what)
		panic("unreachable")
	}
}

func bothEngines(t *testing.T, test func(t *testing.T, e Engine)) {
	engines := []Engine{EngineGoroutine}
	if defaultEngine != EngineGoroutine {
		engines = append(engines, defaultEngine)
	}
	for _, e := range engines {
		t.Run(e.String(), func(t *testing.T) { test(t, e) })
	}
}

// order notes the order in which it is run.
type order struct{ got []int }

func (o *order) RunOnLoop(arg any) { o.got = append(o.got, arg.(int)) }

// TestQueue: what one goroutine posts is run in its order, what is urgent before the rest, and a panic
// takes nothing else with it.
func TestQueue(t *testing.T) {
	f := startLoop(t, Options{})
	o := new(order)
	f.on(func() { // the loop is busy here, so all that is posted waits
		for i := range 3 {
			f.Post(o, i)
		}
		f.Post(runFunc(func() { panic("of no concern to the others") }), nil)
		f.Post(o, 3)
		f.PostUrgent(o, -1)
	})
	f.on(func() {
		if want := []int{-1, 0, 1, 2, 3}; !slices.Equal(o.got, want) {
			t.Errorf("ran %v, want %v", o.got, want)
		}
		if f.Panics() != 1 {
			t.Errorf("counted %d panics, want 1", f.Panics())
		}
	})
}

// TestPostStress: no post is lost, also when the loop is about to sleep.
func TestPostStress(t *testing.T) {
	bothEngines(t, func(t *testing.T, e Engine) {
		f := startLoop(t, Options{Engine: e})
		var wg sync.WaitGroup
		for range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 500 {
					f.on(func() {}) // waits for each, so the loop sleeps often
				}
			}()
		}
		wg.Wait()
	})
}

// TestPostAfterStop: a loop that has ended takes posts and drops them.
func TestPostAfterStop(t *testing.T) {
	n, err := NewNetwork(Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoop(n)
	if err != nil {
		t.Fatal(err)
	}
	l.Stop()
	l.Run()
	l.Stop()
	l.Post(runFunc(func() { t.Error("ran after the end") }), nil)
}

// TestSteadyState: an echo round trip allocates nothing and a connection on epoll has no goroutine.
func TestSteadyState(t *testing.T) {
	if defaultEngine != EngineEpoll {
		t.Skip("SKIPPED: there is no epoll here")
	}
	t.Run("plain", func(t *testing.T) { steadyState(t, Options{}) })
	t.Run("kernel timestamps", func(t *testing.T) { steadyState(t, Options{KernelTimestamps: true}) })
}

func steadyState(t *testing.T, o Options) {
	const conns, windows, window = 20, 6, 5_000 // the first window is for warming up
	srv := wstest.Serve(t, wstest.QuietEcho)
	f := startLoop(t, o)
	f.on(func() { f.SetMeter(&idleMeter{}) })
	before := runtime.NumGoroutine()
	payload := []byte("sixty-four bytes or so of payload, which is what most tests send")
	var count int
	var mallocs []uint64
	done := make(chan struct{})
	var all []*Conn
	for range conns {
		p := newPeer()
		var c *Conn
		p.reply = func(*messages.Message) {
			if count++; count%window == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				if mallocs = append(mallocs, m.Mallocs); len(mallocs) == windows {
					close(done)
				}
			}
			if count < windows*window {
				_ = c.Send(messages.OpText, payload)
			}
		}
		c = f.dial(&messages.Connect{URL: srv.URL()}, p)
		within(t, p.opened, "handshake")
		all = append(all, c)
	}
	f.on(func() { // none speaks while others still shake hands, which allocates
		for _, c := range all {
			_ = c.Send(messages.OpText, payload)
		}
	})
	within(t, done, "end of the round trips")
	// The best window counts: the runtime and what earlier tests left allocate now and then, a round trip
	// that allocates does so in each.
	least := mallocs[1] - mallocs[0]
	for i := 2; i < windows; i++ {
		least = min(least, mallocs[i]-mallocs[i-1])
	}
	if got := float64(least) / window; got > 0.01 {
		t.Errorf("got %.3f allocations a round trip, want 0", got)
	}
	// The server has a goroutine for each.
	if got := runtime.NumGoroutine() - before - conns; got > 5 {
		t.Errorf("%d connections have %d goroutines, want none", conns, got)
	}
}

// idleMeter is a Meter that only counts.
type idleMeter struct{ turns, lags int }

func (m *idleMeter) Turn(time.Duration)    { m.turns++ }
func (m *idleMeter) ReadLag(time.Duration) { m.lags++ }

// TestInvalid: a Connect that is not valid ends in Closed, as everything does.
func TestInvalid(t *testing.T) {
	f := startLoop(t, Options{})
	p := newPeer()
	f.dial(&messages.Connect{URL: "http://x/"}, p)
	if end := within(t, p.closed, "end"); !errors.Is(end.Err, messages.ErrBadURL) || end.Opened {
		t.Errorf("got %v, opened %v, want ErrBadURL", end.Err, end.Opened)
	}
}
