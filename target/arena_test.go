package target

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"
	"pgregory.net/rapid"
)

// A tick is due neither before nor after its instant, at any rate and for years.
func TestArenaSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &arena{start: 12345, rate: rapid.Int64Range(1, MaxTickRate).Draw(t, "rate")}
		n := rapid.Uint64Range(1, uint64(a.rate)*86400*3650).Draw(t, "n")
		at := a.due(n)
		if got := a.latest(at); got != n {
			t.Fatalf("at due(%d): got tick %d", n, got)
		}
		if got := a.latest(at - 1); got != n-1 {
			t.Fatalf("just before due(%d): got tick %d", n, got)
		}
	})
	a := newArena(3)
	if got := a.due(3 * 3600).Sub(a.start); got != time.Hour {
		t.Errorf("3 a second for an hour: got %v", got)
	}
}

// On a clock that nothing disturbs, ticks come exactly when they are due, to all who entered, and numbered
// from the server's start.
func TestTickSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Options{Kind: Tick}, newTotals())
		begin := time.Now()
		m := newMailroom(d.host)
		quit := make(chan struct{})
		go m.run(quit)
		time.Sleep(1010 * time.Millisecond) // ticks 1 to 20 went by with nobody there
		d.mu.Lock()
		a, heardA := d.sit()
		b, heardB := d.sit()
		for _, s := range []*session{a, b, a} {
			s.feed(cf(ws.OpText, true, `{"op":"enter"}`), nil)
		}
		d.mu.Unlock()
		for n := 21; n <= 40; n++ {
			time.Sleep(time.Until(begin.Add(time.Duration(n) * 50 * time.Millisecond)))
			synctest.Wait()
			d.mu.Lock()
			want := fmt.Sprintf(`{"op":"tick","n":%d,"t":%d,"players":2}`, n, 50*n)
			for _, heard := range []*mute{heardA, heardB} {
				if got := texts(t, heard.frames[len(heard.frames)-1]); got[0] != want || len(heard.frames) != n-20 {
					t.Fatalf("after tick %d: got %d, the last %s; want %s", n, len(heard.frames), got[0], want)
				}
			}
			if &heardA.frames[n-21][0] != &heardB.frames[n-21][0] {
				t.Fatal("a tick was built twice")
			}
			d.mu.Unlock()
		}
		close(quit)
		synctest.Wait()
		if st := d.totals.snapshot(); st.Beats != 20 || st.Ticks != 40 || st.Skipped != 0 || st.Players != 2 || st.Answers != 3 || st.Sent != 43 {
			t.Errorf("got %+v", st)
		}
	})
}

// A host that comes late makes the last tick only.
func TestTickSkips(t *testing.T) {
	d := newDesk(t, Options{Kind: Tick, TickRate: 10}, newTotals())
	s, heard := d.sit()
	s.feed(cf(ws.OpText, true, `{"op":"enter"}`), nil)
	first := d.beat
	for _, n := range []uint64{first, first + 1, first + 1, first + 5, first + 6} {
		d.tick(d.shared.arena.due(n))
	}
	var got []uint64
	for _, frame := range heard.frames {
		got = append(got, gjson.Get(texts(t, frame)[0], "n").Uint()-first)
	}
	if fmt.Sprint(got) != "[1 5 6]" {
		t.Errorf("got ticks %v", got)
	}
	if st := d.totals.snapshot(); st.Beats != 3 || st.Skipped != 3 || st.Ticks != 3 {
		t.Errorf("got %+v", st)
	}
}

func TestTick(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Tick, TickRate: 100, Loops: 2})
		a, b, idle := dial(t, s), dial(t, s), dial(t, s)
		ask(t, idle, `{"op":"move","x":1,"y":2}`, `{"op":"error","error":"not there, want enter first"}`)
		ask(t, idle, `{"op":"fly","id":1}`, `{"op":"error","error":"got op fly, want enter or move","id":1}`)
		ask(t, a, `{"op":"enter","id":"in"}`, `{"op":"entered","rate":100,"id":"in"}`)
		ask(t, b, `{"op":"enter"}`, `{"op":"entered","rate":100}`)
		say(t, a, `{"op":"move","x":1,"y":2}`) // no answer
		say(t, a, `{"op":"move","x":"1","y":2,"id":8}`)
		say(t, a, `{"op":"move","x":1.5,"y":-2e3,"id":9}`)
		ticks, moved, wrong := 0, 0, 0
		last := gjson.Result{}
		for ticks < 50 {
			m := hear(t, a)
			switch gjson.Get(m, "op").Str {
			case "tick":
				ticks++
				n, at := gjson.Get(m, "n"), gjson.Get(m, "t").Int()
				if n.Int() <= last.Int() || at < n.Int()*10 {
					t.Fatalf("got %s after tick %d", m, last.Int())
				}
				last = n
			case "moved":
				moved++
				if m != `{"op":"moved","id":9}` {
					t.Errorf("got %s", m)
				}
			case "error":
				wrong++
				if m != `{"op":"error","error":"want x and y as numbers","id":8}` {
					t.Errorf("got %s", m)
				}
			default:
				t.Fatalf("got %s", m)
			}
		}
		if moved != 1 || wrong != 1 {
			t.Errorf("got %d moved, %d errors; want one each", moved, wrong)
		}
		_ = a.Close()
		_ = b.Close()
		ask(t, idle, `{"op":"fly"}`, `{"op":"error","error":"got op fly, want enter or move"}`) // and no tick
		counts(t, s, func(w *Stats) {
			w.Players, w.Answers, w.Errors, w.Open = 0, 7, 4, 1
			w.Sent = w.Answers + w.Ticks
		})
		if st := s.Stats(); st.Ticks < 50 || st.Beats > st.Ticks {
			t.Errorf("got %d ticks in %d beats", st.Ticks, st.Beats)
		}
	})
}

// FuzzTick: whatever a client says, what it gets is JSON, and counted.
func FuzzTick(f *testing.F) {
	for _, in := range []string{
		`{"op":"enter","id":1}`, `{"op":"move","x":1,"y":2,"id":{"a":[]}}`, `{"op":"move","x":"","y":2}`, `{"op":"tick"}`, `{"op":null}`, `7`, ``,
		"{\"op\":\"enter\"}\n{\"op\":\"move\",\"x\":1,\"y\":2,\"id\":\"\\u0000\"}",
	} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		d := newDesk(t, Options{Kind: Tick, MaxMessage: 100_000}, newTotals())
		s, heard := d.sit()
		out := s.feed(cf(ws.OpText, true, in), nil)
		if s.phase == open {
			d.tick(d.shared.arena.due(d.beat + 1))
			all := append(texts(t, out), texts(t, join(heard.frames...))...)
			if st := d.totals.snapshot(); st.Sent != uint64(len(all)) || st.Sent != st.Answers+st.Ticks || int(st.Ticks) != st.Players {
				t.Fatalf("%q: got %q, counted %+v", in, all, st)
			}
		}
		s.end(done)
		if st := d.totals.snapshot(); st.Players != 0 || len(d.entered) != 0 {
			t.Fatalf("left behind: %+v", st)
		}
	})
}
