package transport

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/messages"
)

// A connection embeds a Timer, and a behaviour another; both sizes are part of what a player costs. On 64
// bits a Timer is 3 pointers or stamps of 8, an interface of 16 and 2, rounded up.
func TestSizePins(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("SKIPPED: sizes are pinned for 64 bits")
	}
	for _, c := range []struct {
		what      string
		got, want uintptr
	}{
		{"Timer", unsafe.Sizeof(Timer{}), 48},
		{"Conn", unsafe.Sizeof(Conn{}), 160},
	} {
		if c.got != c.want {
			t.Errorf("size of %s: got %d, want %d", c.what, c.got, c.want)
		}
	}
}

// modelTimer is a timer with what the model knows of it.
type modelTimer struct {
	Timer
	id      int
	set     bool
	tick    int64 // the first tick that is not before its instant
	overdue bool  // it was set for a tick that the wheel had passed
	order   int   // of setting
}

func (m *modelTimer) Alarm(*Timer, messages.Stamp) {}

// wheelModel keeps a list that is searched beside the wheel.
type wheelModel struct {
	wheel   wheel
	now     messages.Stamp
	timers  []*modelTimer
	ordered int
}

func ceilTick(s messages.Stamp) int64 {
	tick := int64(s) / int64(wheelTick) // towards zero: down for what lies ahead, up for the past
	if int64(s)%int64(wheelTick) > 0 {
		tick++
	}
	return tick
}

func (m *wheelModel) set(x *modelTimer, when messages.Stamp) {
	m.wheel.set(&x.Timer, when, x)
	m.ordered++
	x.set, x.tick, x.order = true, ceilTick(when), m.ordered
	x.overdue = x.tick <= m.wheel.elapsed
}

func (m *wheelModel) unset(x *modelTimer) {
	m.wheel.unset(&x.Timer)
	x.set = false
}

// turn runs one turn as a loop does, and gives the timers in the order in which they fired. on is called
// for each.
func (m *wheelModel) turn(on func(*modelTimer)) (fired []*modelTimer) {
	m.wheel.startTurn()
	for {
		t := m.wheel.due(m.now)
		if t == nil {
			return fired
		}
		x := t.owner.(*modelTimer)
		x.set = false
		fired = append(fired, x)
		on(x)
	}
}

// due gives the set timers whose tick has come, in the order in which they must fire: those set for the
// past first, as they were set; then by tick.
func (m *wheelModel) due() (due []*modelTimer) {
	tick := tickBefore(m.now)
	for _, x := range m.timers {
		if x.set && x.tick <= tick {
			due = append(due, x)
		}
	}
	slices.SortFunc(due, func(a, b *modelTimer) int {
		switch {
		case a.overdue && b.overdue:
			return a.order - b.order
		case a.overdue != b.overdue:
			return map[bool]int{true: -1, false: 1}[a.overdue]
		default:
			return cmp.Compare(a.tick, b.tick)
		}
	})
	return due
}

// drawSpan draws a distance of any magnitude, up to some three years, on and beside the borders of levels.
func drawSpan(t *rapid.T, label string) time.Duration {
	switch rapid.IntRange(0, 3).Draw(t, label+" kind") {
	case 0:
		return time.Duration(rapid.Int64Range(0, int64(3*wheelTick)).Draw(t, label))
	case 1:
		return time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, label))
	case 2: // a border of a level, give or take a tick
		level := rapid.IntRange(0, wheelLevels).Draw(t, label+" level")
		off := rapid.Int64Range(-1, 1).Draw(t, label+" off")
		return time.Duration(max(0, (int64(1)<<(level*wheelBits))+off)) * wheelTick
	default:
		return time.Duration(rapid.Int64Range(0, int64(3*365*24*time.Hour)).Draw(t, label))
	}
}

// TestWheelAgainstModel also checks the order of firing, and far jumps, which TestWheel does not.
func TestWheelAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &wheelModel{now: messages.Stamp(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "start"))}
		m.wheel.init(m.now)
		for i := range rapid.IntRange(1, 12).Draw(t, "timers") {
			m.timers = append(m.timers, &modelTimer{id: i})
		}
		drawTimer := func() *modelTimer { return m.timers[rapid.IntRange(0, len(m.timers)-1).Draw(t, "timer")] }
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) { m.set(drawTimer(), m.now.Add(drawSpan(t, "in"))) },
			"set past": func(t *rapid.T) {
				m.set(drawTimer(), m.now.Add(-time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "ago"))))
			},
			"unset": func(t *rapid.T) { m.unset(drawTimer()) },
			"advance": func(t *rapid.T) {
				m.now = m.now.Add(drawSpan(t, "step"))
				m.checkTurn(t)
			},
			"advance to next": func(t *rapid.T) {
				if d, ok := m.wheel.next(m.now); ok {
					m.now = m.now.Add(d)
					m.checkTurn(t)
				}
			},
			"": m.checkNext,
		})
		// Whatever is left fires in the end, if the loop only ever wakes when next says so.
		for steps := 0; m.wheel.count > 0; steps++ {
			d, ok := m.wheel.next(m.now)
			if !ok || steps > 1000 {
				t.Fatalf("%d timers are set, but after %d wakes next gives %v, %v", m.wheel.count, steps, d, ok)
			}
			m.now = m.now.Add(d)
			m.checkTurn(t)
		}
	})
}

func (m *wheelModel) checkTurn(t *rapid.T) {
	want := m.due()
	fired := m.turn(func(*modelTimer) {})
	if len(fired) != len(want) {
		t.Fatalf("at %d: %d timers fired, want %d", m.now, len(fired), len(want))
	}
	for i, x := range fired {
		if x.When() > m.now {
			t.Fatalf("at %d: timer %d fired early, it was set for %d", m.now, x.id, x.When())
		}
		if x.IsSet() {
			t.Fatalf("timer %d is set while it fires", x.id)
		}
		// Timers of one tick may fire in any order.
		if w := want[i]; x.overdue != w.overdue || (x.overdue && x != w) || (!x.overdue && x.tick != w.tick) {
			t.Fatalf("at %d: place %d went to timer %d of tick %d, want timer %d of tick %d", m.now, i, x.id, x.tick, w.id, w.tick)
		}
	}
}

func (m *wheelModel) checkNext(t *rapid.T) {
	count, earliest := 0, int64(math.MaxInt64)
	for _, x := range m.timers {
		if x.set != x.IsSet() {
			t.Fatalf("timer %d: IsSet gives %v", x.id, x.IsSet())
		}
		if x.set {
			count++
			earliest = min(earliest, x.tick)
		}
	}
	if m.wheel.count != count {
		t.Fatalf("count: got %d, want %d", m.wheel.count, count)
	}
	d, ok := m.wheel.next(m.now)
	if ok != (count > 0) {
		t.Fatalf("next: got %v with %d timers", ok, count)
	}
	if !ok {
		return
	}
	if latest := max(0, messages.Stamp(earliest*int64(wheelTick)).Sub(m.now)); d < 0 || d > latest {
		t.Fatalf("next: got %v, the earliest timer is due in %v", d, latest)
	}
}

// A timer that is set while others fire, for an instant that the wheel has passed, waits for the next
// turn; otherwise a periodic timer that is behind would keep its loop from ever looking at a socket.
func TestWheelOverdueWaitsForNextTurn(t *testing.T) {
	var m wheelModel
	m.wheel.init(0)
	x := &modelTimer{}
	m.set(x, messages.Stamp(5*wheelTick))
	m.now = messages.Stamp(100 * wheelTick)
	turns := 0
	for half := messages.Stamp(6); x.IsSet(); turns++ {
		fired := m.turn(func(*modelTimer) {
			if half <= 8 {
				m.set(x, half*messages.Stamp(wheelTick)/2) // 3, 3.5 and 4 ms: all passed
				half++
			}
		})
		if len(fired) != 1 {
			t.Fatalf("turn %d: %d timers fired, want 1", turns, len(fired))
		}
	}
	if turns != 4 {
		t.Errorf("got %d turns, want 4: the first and one for each overdue timer", turns)
	}
}

// A periodic timer that is behind is run for each period that it missed, in one turn.
func TestWheelCatchesUp(t *testing.T) {
	var m wheelModel
	m.wheel.init(0)
	x := &modelTimer{}
	period := messages.Stamp(2 * wheelTick)
	m.set(x, period)
	m.now = 10 * period
	n := len(m.turn(func(x *modelTimer) {
		if next := x.When() + period; next <= m.now {
			m.set(x, next)
		}
	}))
	if n != 10 {
		t.Errorf("a timer every 2 ms that is 20 ms behind fired %d times in its turn, want 10", n)
	}
}

func TestWheelExtremes(t *testing.T) {
	for _, c := range []struct {
		name  string
		when  messages.Stamp
		fires bool
	}{
		{"the far future", math.MaxInt64, false},
		{"the far past", math.MinInt64 / 2, true},
		{"beyond all levels", messages.Stamp(wheelTick) << (wheelBits*wheelLevels + 2), false},
	} {
		var m wheelModel
		m.wheel.init(0)
		x := &modelTimer{}
		m.wheel.set(&x.Timer, c.when, x)
		m.now = messages.Stamp(time.Hour)
		if fired := len(m.turn(func(*modelTimer) {})) == 1; fired != c.fires {
			t.Errorf("%s: fired within the hour: got %v, want %v", c.name, fired, c.fires)
		}
	}
}

// alarm is an Alarm that runs a function.
type alarm struct {
	Timer
	f func()
}

func (a *alarm) Alarm(*Timer, messages.Stamp) { a.f() }

func TestPanicInAlarm(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		b := newLab(t, Options{Engine: e})
		const n = 10
		rang := make(chan int, n)
		b.do(func() {
			at := messages.Now().Add(5 * time.Millisecond)
			for i := range n {
				a := &alarm{f: func() {
					rang <- i
					if i%3 == 0 {
						panic("alarm")
					}
				}}
				b.loop.SetTimer(&a.Timer, at, a)
			}
		})
		for range n {
			await(t, rang, "an alarm")
		}
		b.do(func() {
			if p := b.loop.Panics(); p != 4 {
				t.Errorf("got %d panics, want 4: alarms 0, 3, 6 and 9", p)
			}
		})
	})
}

// The loop keeps the wheel's promise: never early.
func TestLoopTimers(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		b := newLab(t, Options{Engine: e})
		for _, d := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 7 * time.Millisecond, 70 * time.Millisecond} {
			rang := make(chan messages.Stamp, 1)
			a := &alarm{f: func() { rang <- messages.Now() }}
			var want messages.Stamp
			b.do(func() {
				want = messages.Now().Add(d)
				b.loop.SetTimer(&a.Timer, want, a)
			})
			if at := await(t, rang, "an alarm"); at < want {
				t.Errorf("a timer of %v fired %v early", d, want.Sub(at))
			}
		}
	})
}

func BenchmarkTimer(b *testing.B) {
	var w wheel
	w.init(0)
	a := &alarm{}
	b.ReportAllocs()
	for b.Loop() {
		w.set(&a.Timer, messages.Stamp(time.Second), a)
		w.unset(&a.Timer)
	}
}
