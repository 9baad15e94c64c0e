package transport

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// tachometer is a Meter that keeps what it is told. It belongs to the loop until that has ended.
type tachometer struct {
	turns, lags []time.Duration
	onTurn      func()
}

func (m *tachometer) Turn(d time.Duration) {
	m.turns = append(m.turns, d)
	if m.onTurn != nil {
		m.onTurn()
	}
}
func (m *tachometer) ReadLag(d time.Duration) { m.lags = append(m.lags, d) }

// metered runs a loop with a meter; stop ends it and waits for that.
func metered(t *testing.T, m Meter, o Options) (l *Loop, stop func()) {
	t.Helper()
	n, err := NewNetwork(o)
	if err != nil {
		t.Fatal(err)
	}
	if l, err = NewLoop(n); err != nil {
		t.Fatal(err)
	}
	l.SetMeter(m)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run()
	}()
	stop = sync.OnceFunc(func() {
		l.Stop()
		<-done
		n.Wait()
	})
	t.Cleanup(stop)
	return l, stop
}

type alarmFunc func()

func (f alarmFunc) Alarm(*Timer, messages.Stamp) { f() }

// TestTurns: turns take what the queue and the timers take, and nothing of an hour's wait. In the bubble,
// nothing else takes time.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(tachometer)
		l, stop := metered(t, m, Options{Engine: EngineGoroutine})
		time.Sleep(time.Hour)
		l.Post(runFunc(func() { time.Sleep(20 * time.Millisecond) }), nil)
		time.Sleep(time.Hour)
		var timer Timer
		l.Post(runFunc(func() {
			l.SetTimer(&timer, messages.Now().Add(time.Minute), alarmFunc(func() { time.Sleep(7 * time.Millisecond) }))
		}), nil)
		time.Sleep(time.Hour)
		stop()
		worked := slices.DeleteFunc(slices.Clone(m.turns), func(d time.Duration) bool { return d == 0 })
		if want := []time.Duration{20 * time.Millisecond, 7 * time.Millisecond}; !slices.Equal(worked, want) {
			t.Errorf("got turns of %v, want %v", worked, want)
		}
		if len(m.turns) < 5 { // the first, those two, the one that sets the timer, and the last
			t.Errorf("got %d turns, want those without work too", len(m.turns))
		}
		if len(m.lags) != 0 {
			t.Errorf("got read lags %v from a loop without connections", m.lags)
		}
	})
}

// TestMeterPanics: the loop bears a meter that panics, and blames nobody for it.
func TestMeterPanics(t *testing.T) {
	m := new(tachometer)
	m.onTurn = func() { panic("no room for more") }
	l, stop := metered(t, m, Options{})
	accused := make(chan struct{}, 1)
	for range 3 {
		ran := make(chan struct{})
		l.Post(&suspect{run: func() { close(ran) }, accused: accused}, nil)
		await(t, ran, "a turn")
	}
	stop()
	if l.Panics() == 0 || int(l.Panics()) != len(m.turns) {
		t.Errorf("got %d panics, want one a turn, %d", l.Panics(), len(m.turns))
	}
	select {
	case <-accused:
		t.Error("a runner was blamed")
	default:
	}
}

// suspect is a Runner that would be told of a panic of its own.
type suspect struct {
	run     func()
	accused chan struct{}
}

func (s *suspect) RunOnLoop(any)        { s.run() }
func (s *suspect) Panicked(any, []byte) { s.accused <- struct{}{} }
