package transport

import (
	"context"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// Each poster's items are run in its order, whoever else posts.
func TestOrderPerPoster(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		b := newLab(t, Options{Engine: e})
		const posters, each = 8, 500
		var got [posters]order
		var wg sync.WaitGroup
		for p := range posters {
			wg.Go(func() {
				for i := range each {
					if i%50 == 0 {
						b.loop.PostUrgent(runFunc(func() {}), nil)
					}
					b.loop.Post(&got[p], i)
				}
			})
		}
		wg.Wait()
		b.do(func() {
			for p := range got {
				if len(got[p].got) != each || !slices.IsSorted(got[p].got) {
					t.Errorf("poster %d: ran %d items, sorted %v; want %d in order", p, len(got[p].got), slices.IsSorted(got[p].got), each)
				}
			}
		})
	})
}

// Defer runs in the same turn whatever the loop is doing: behind the present batch, before the loop looks
// at anything else. What something deferred defers waits for the next turn.
func TestDefer(t *testing.T) {
	l := still(t, Options{})
	var o order
	note := func(n int) { l.Defer(&o, n) }
	l.PostUrgent(runFunc(func() { note(2); o.got = append(o.got, 1) }), nil)
	l.Post(runFunc(func() { o.got = append(o.got, 3); note(5) }), nil)
	l.Post(runFunc(func() {
		o.got = append(o.got, 4)
		l.Defer(runFunc(func() { o.got = append(o.got, 6); note(8) }), nil)
	}), nil)
	x := &alarm{f: func() { o.got = append(o.got, 7) }}
	l.SetTimer(&x.Timer, 0, x)
	l.Post(runFunc(func() { l.Stop() }), nil) // so that the turn does not sleep
	l.turn()
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(o.got, want) {
		t.Errorf("ran %v, want %v", o.got, want)
	}
}

// A loop whose only work is what it defers to itself does not sleep on it.
func TestDeferChain(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		b := newLab(t, Options{Engine: e})
		done := make(chan struct{})
		n := 0
		var again runFunc
		again = func() {
			if n++; n == 1000 {
				close(done)
				return
			}
			b.loop.Defer(again, nil)
		}
		b.loop.Post(again, nil)
		await(t, done, "the chain's end")
	})
}

// A post must never be left lying while the loop sleeps. One poster hands the loop one item at a time, at
// all distances from its going to sleep.
func TestNoWakeUpIsLost(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		b := newLab(t, Options{Engine: e})
		ran := make(chan struct{}, 1)
		one := runFunc(func() { ran <- struct{}{} })
		for i := range 3000 {
			for range i % 64 { // some of the way to sleep
				runtime.Gosched()
			}
			b.loop.Post(one, nil)
			await(t, ran, "a post: the loop sleeps")
		}
	})
}

// accused is a Runner that panics, and notes that it is told.
type accused struct {
	told  []any
	again bool // panics in Panicked as well
}

func (a *accused) RunOnLoop(arg any) { panic(arg) }

func (a *accused) Panicked(reason any, stack []byte) {
	a.told = append(a.told, reason)
	if len(stack) == 0 {
		a.told = append(a.told, "no stack")
	}
	if a.again {
		panic("again")
	}
}

func TestPanicInRunner(t *testing.T) {
	l := still(t, Options{})
	a, worse := new(accused), &accused{again: true}
	var o order
	l.Post(a, "first")
	l.Post(&o, 1)
	l.Post(worse, "second")
	l.Post(&o, 2)
	l.Post(runFunc(func() { panic("nobody's") }), nil)
	l.Post(&o, 3)
	l.Post(runFunc(func() { l.Blame(a); panic("third") }), nil)
	l.Post(&o, 4)
	l.drain()
	if want := []int{1, 2, 3, 4}; !slices.Equal(o.got, want) {
		t.Errorf("ran %v, want %v", o.got, want)
	}
	if want := []any{"first", "third"}; !slices.Equal(a.told, want) {
		t.Errorf("told %v, want %v", a.told, want)
	}
	if !slices.Equal(worse.told, []any{"second"}) {
		t.Errorf("told %v, want second", worse.told)
	}
	if l.Panics() != 5 {
		t.Errorf("got %d panics, want 5: four runners and one Panicked", l.Panics())
	}
}

// Run ends what is open, and tells; a handler that dials again is refused, and told so.
func TestStop(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, wstest.Echo)
		b := newLab(t, Options{Engine: e})
		connect := &messages.Connect{URL: srv.URL()}
		again := b.player()
		p := b.player()
		p.onClosed = func(*messages.Closed) { again.conn = b.loop.Dial(connect, nil, again) }
		p.dial(connect)
		p.awaitOpened()
		b.loop.Stop()
		b.loop.Stop()
		await(t, b.stopped, "the loop's end")
		checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseShutdown, Code: messages.CloseAbnormal, Opened: true})
		checkOutcome(t, again.awaitClosed(), outcome{Cause: messages.CauseShutdown, Code: messages.CloseAbnormal})
		b.loop.Stop()
		for range 100 {
			b.loop.Post(runFunc(func() { t.Error("ran after the end") }), nil)
			b.loop.PostUrgent(runFunc(func() { t.Error("ran after the end") }), nil)
		}
		if n := len(b.loop.queue) + len(b.loop.urgent); n != 0 {
			t.Errorf("a loop that has ended keeps %d items", n)
		}
	})
}

// stubborn is a Handler that dials again whatever happens.
type stubborn struct {
	l       *Loop
	connect *messages.Connect
	closed  atomic.Int32
}

func (s *stubborn) Opened(*messages.Opened)   {}
func (s *stubborn) Message(*messages.Message) {}
func (s *stubborn) Closed(*messages.Closed) {
	s.closed.Add(1)
	s.l.Dial(s.connect, nil, s)
}

// A handler that always dials again does not keep a loop from ending.
func TestStopWithStubbornHandler(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		b := newLab(t, Options{Engine: e})
		s := &stubborn{l: b.loop, connect: &messages.Connect{URL: "ws://127.0.0.1:1/"}}
		b.do(func() { b.loop.Dial(s.connect, nil, s) })
		b.stop()
		if s.closed.Load() == 0 {
			t.Error("the handler was told nothing")
		}
	})
}

// What a job makes after its loop has ended is released: here a net.Conn that nobody wants any more.
func TestJobOutlivesLoop(t *testing.T) {
	wstest.NoLeaks(t)
	asked, let := make(chan struct{}), make(chan struct{})
	client, server := net.Pipe()
	b := newLab(t, Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		close(asked)
		<-let
		return client, nil
	}})
	p := b.connect("ws://game.example/")
	await(t, asked, "the dialer")
	b.loop.Stop()
	await(t, b.stopped, "the loop's end")
	checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseShutdown, Code: messages.CloseAbnormal})
	close(let)
	b.net.Wait()
	_ = server.SetReadDeadline(time.Now().Add(patience))
	if _, err := server.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the dialed connection was not closed: read gives %v", err)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}
