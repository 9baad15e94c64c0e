package target

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"
)

func TestRoom(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room, Loops: 2})
		a, b := dial(t, s), dial(t, s)
		ask(t, a, `{"op":"ping","id":7}`, `{"op":"pong","id":7}`)
		ask(t, a, `{"op":"ping"}`, `{"op":"pong"}`)
		ask(t, a, `{"op":"join","room":"lobby","id":{"n": [1]}}`, `{"op":"joined","room":"lobby","members":1,"id":{"n": [1]}}`)
		ask(t, b, `{"id":null,"room":"lobby","op":"join"}`, `{"op":"joined","room":"lobby","members":2,"id":null}`)
		ask(t, b, `{"op":"join","room":"lobby"}`, `{"op":"joined","room":"lobby","members":2}`)
		ask(t, b, `{"op":"join","room":"a \"quiet\" one"}`, `{"op":"joined","room":"a \"quiet\" one","members":1}`)
		ask(t, a, `{"op":"list","id":1}`, `{"op":"rooms","total":2,"rooms":[{"room":"a \"quiet\" one","members":1},{"room":"lobby","members":2}],"id":1}`)
		const said = `{ "op":"say", "room":"lobby", "text":"hello\u0021", "more":[1,2,{}] }`
		ask(t, a, said, said)
		wants(t, b, said)
		ask(t, a, `{"op":"leave","room":"lobby","id":"x"}`, `{"op":"left","room":"lobby","members":1,"id":"x"}`)
		ask(t, b, said, said)
		ask(t, a, `{"op":"ping"}`, `{"op":"pong"}`) // and nothing before it
		counts(t, s, func(w *Stats) {
			w.Rooms, w.Members, w.Joins, w.Leaves = 2, 2, 3, 1
			w.Broadcasts, w.Deliveries, w.Dropped = 2, 3, 0
			w.Answers, w.Errors, w.Sent = 9, 0, 12
		})
		_ = a.Close()
		_ = b.Close()
		counts(t, s, func(w *Stats) { w.Rooms, w.Members, w.Leaves, w.Open = 0, 0, 3, 0 })
	})
}

var roomMistakes = []struct{ in, want string }{
	{`{`, "got no JSON, want an object"},
	{`[1]`, "got other JSON, want an object"},
	{`{"room":"x"}`, "got no op, want one as a string"},
	{`{"op":5}`, "got no op, want one as a string"},
	{`{"op":"dance"}`, "got op dance, want join, leave, say, list, ping, seat or play"},
	{`{"op":"` + strings.Repeat("é", 30) + `"}`, "got op " + strings.Repeat("é", 20) + "…, want join, leave, say, list, ping, seat or play"},
	{`{"op":"join"}`, "want a room of 1 to 64 bytes"},
	{`{"op":"join","room":""}`, "want a room of 1 to 64 bytes"},
	{`{"op":"join","room":1}`, "want a room of 1 to 64 bytes"},
	{`{"op":"join","room":"` + strings.Repeat("r", 65) + `"}`, "want a room of 1 to 64 bytes"},
	{`{"op":"leave","room":"x"}`, "not in that room"},
	{`{"op":"leave"}`, "not in that room"},
	{`{"op":"say","room":"x"}`, "not in that room, want join first"},
	{`{"op":"say","text":"x"}`, "not in that room, want join first"},
	{`{"op":"play","game":"g1","cell":0}`, "not in that game"},
	{`{"op":"leave","game":"g1"}`, "not in that game"},
	{`{"a":` + strings.Repeat("[", 70_000), "got a message over 65536 bytes, want a shorter one"},
	{strings.Repeat("[", 65_000), "got no JSON, want an object"},
}

func TestRoomMistakes(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room})
		c := dial(t, s)
		for _, m := range roomMistakes {
			ask(t, c, m.in, `{"op":"error","error":"`+m.want+`"}`)
		}
		ask(t, c, `{"op":"nope","id":[3]}`, `{"op":"error","error":"got op nope, want join, leave, say, list, ping, seat or play","id":[3]}`)
		if err := wsutil.WriteClientBinary(c, []byte(`{"op":"ping"}`)); err != nil {
			t.Fatal(err)
		}
		wants(t, c, `{"op":"error","error":"got a binary message, want text"}`)
		for i := range maxJoined {
			ask(t, c, fmt.Sprintf(`{"op":"join","room":"%d"}`, i), fmt.Sprintf(`{"op":"joined","room":"%d","members":1}`, i))
		}
		ask(t, c, `{"op":"join","room":"one more"}`, `{"op":"error","error":"already in 16 rooms, want leave first"}`)
		n := uint64(len(roomMistakes)) + 3
		counts(t, s, func(w *Stats) { w.Errors, w.Answers, w.Sent = n, n+maxJoined, n+maxJoined })
	})
}

func TestRoomLimit(t *testing.T) {
	d := newDesk(t, Options{Kind: Room}, newTotals())
	made := 0
	for made < maxRooms {
		s, _ := d.sit()
		for range maxJoined {
			made++
			s.feed(cf(ws.OpText, true, fmt.Sprintf(`{"op":"join","room":"%05d"}`, made)), nil)
		}
	}
	s, _ := d.sit()
	got := texts(t, s.feed(cf(ws.OpText, true, `{"op":"join","room":"x"}`), nil))
	if want := `{"op":"error","error":"the server has 4096 rooms, want another one's name"}`; got[0] != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = texts(t, s.feed(cf(ws.OpText, true, `{"op":"list"}`), nil))
	all := gjson.Get(got[0], "rooms.#.room").Array()
	if len(all) != maxListed || all[0].Str != "00001" || all[99].Str != "00100" || gjson.Get(got[0], "total").Num != maxRooms {
		t.Errorf("got %.200s", got[0])
	}
}

// A thousand members on two loops hear all that several say at once, in one order.
func TestRoomCrowd(t *testing.T) {
	const members, speakers, each = 1000, 5, 20
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room, Loops: 2})
		conns := make([]*net.TCPConn, members)
		for i := range conns {
			conns[i] = dial(t, s)
			_ = conns[i].SetDeadline(time.Now().Add(6 * patience))
			say(t, conns[i], `{"op":"join","room":"crowd"}`)
			wants(t, conns[i], fmt.Sprintf(`{"op":"joined","room":"crowd","members":%d}`, i+1))
		}
		var wg sync.WaitGroup
		heard := make([]string, members)
		for i, c := range conns {
			wg.Go(func() {
				var all strings.Builder
				for range speakers * each {
					b, err := wsutil.ReadServerText(c)
					if err != nil {
						t.Errorf("member %d: %v", i, err)
						return
					}
					all.Write(b)
				}
				heard[i] = all.String()
			})
		}
		for i := range speakers {
			wg.Go(func() {
				for n := range each {
					if err := wsutil.WriteClientText(conns[i], fmt.Appendf(nil, `{"op":"say","room":"crowd","by":%d,"n":%d}`, i, n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for i := range heard {
			if heard[i] != heard[0] {
				t.Fatalf("member %d heard another order than member 0", i)
			}
		}
		for i := range speakers {
			at := 0
			for n := range each {
				k := strings.Index(heard[0][at:], fmt.Sprintf(`"by":%d,"n":%d}`, i, n))
				if k < 0 {
					t.Fatalf("speaker %d was not heard saying %d after %d", i, n, n-1)
				}
				at += k
			}
		}
		counts(t, s, func(w *Stats) {
			w.Rooms, w.Members, w.Joins, w.Leaves = 1, members, members, 0
			w.Broadcasts, w.Deliveries, w.Dropped = speakers*each, speakers*each*members, 0
			w.Answers, w.Sent, w.Slow = members, members+speakers*each*members, 0
		})
		for _, c := range conns {
			_ = c.Close()
		}
		counts(t, s, func(w *Stats) { w.Rooms, w.Members, w.Leaves, w.Open = 0, 0, members, 0 })
	})
}

// A member that does not read is closed with 1008, and holds nobody up.
func TestRoomSlowMember(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room, MaxBacklog: 64 << 10})
		slow, a := dial(t, s), dial(t, s)
		ask(t, slow, `{"op":"join","room":"r"}`, `{"op":"joined","room":"r","members":1}`)
		ask(t, a, `{"op":"join","room":"r"}`, `{"op":"joined","room":"r","members":2}`)
		text := `{"op":"say","room":"r","text":"` + strings.Repeat("x", 20_000) + `"}`
		n := 0
		for s.Stats().Slow == 0 {
			if n++; n > 10_000 {
				t.Fatal("never closed")
			}
			ask(t, a, text, text)
		}
		ask(t, a, text, text)
		code, reason, got := closed(t, slow)
		if code != 1008 || reason != "does not read" {
			t.Errorf("got %d %q", code, reason)
		}
		counts(t, s, func(w *Stats) {
			w.Members, w.Leaves, w.Slow, w.Failed = 1, 1, 1, 0
			w.Deliveries = uint64(n + 1 + got)
		})
	})
}

// Who joins hears nothing of what was said before, even if it is still on its way; who left hears no more.
func TestRoomLateJoin(t *testing.T) {
	all := newTotals()
	here := newDesk(t, Options{Kind: Room}, all)
	there := newDesk(t, Options{Kind: Room}, all)
	join, speak, part := `{"op":"join","room":"r"}`, `{"op":"say","room":"r"}`, `{"op":"leave","room":"r"}`
	a, heardA := here.sit()
	b, heardB := there.sit()
	c, heardC := there.sit()
	do := func(s *session, text string) { s.feed(cf(ws.OpText, true, text), nil) }
	do(a, join)
	do(b, join)
	do(a, speak)
	do(c, join)
	do(a, speak)
	do(b, part)
	here.deliverAll()
	there.deliverAll()
	if len(heardA.frames) != 2 || len(heardB.frames) != 0 || len(heardC.frames) != 1 {
		t.Errorf("got %d, %d, %d messages; want 2, 0, 1", len(heardA.frames), len(heardB.frames), len(heardC.frames))
	}
	if st := all.snapshot(); st.Deliveries != 3 || st.Broadcasts != 2 {
		t.Errorf("got %+v", st)
	}
}

// A loop that is too far behind gets no more, and that is counted.
func TestRoomDropped(t *testing.T) {
	all := newTotals()
	here := newDesk(t, Options{Kind: Room}, all)
	there := newDesk(t, Options{Kind: Room}, all)
	there.post = func(delivery) bool { return false }
	a, heard := here.sit()
	a.feed(cf(ws.OpText, true, `{"op":"join","room":"r"}`), nil)
	for range 3 {
		s, _ := there.sit()
		s.feed(cf(ws.OpText, true, `{"op":"join","room":"r"}`), nil)
	}
	a.feed(cf(ws.OpText, true, `{"op":"say","room":"r"}`), nil)
	here.deliverAll()
	if st := all.snapshot(); st.Dropped != 3 || st.Deliveries != 1 || len(heard.frames) != 1 {
		t.Errorf("got %+v", st)
	}
}

// FuzzRoom: whatever three clients on two loops say, all they get is JSON, in the same order as counted, and
// once they are gone nothing is left of them.
func FuzzRoom(f *testing.F) {
	for _, m := range roomMistakes {
		f.Add([]byte(m.in))
	}
	f.Add([]byte("0{\"op\":\"join\",\"room\":\"a\"}\n1{\"op\":\"join\",\"room\":\"a\",\"id\":1}\n2{\"op\":\"join\",\"room\":\"a\"}\n" +
		"0{\"op\":\"say\",\"room\":\"a\"}\n1{\"op\":\"leave\",\"room\":\"a\"}\n3\n0{\"op\":\"list\"}"))
	f.Add([]byte("0{\"op\":\"seat\",\"id\":1}\n1{\"op\":\"seat\"}\n0{\"op\":\"play\",\"game\":\"g1\",\"cell\":4}\n1{\"op\":\"play\",\"game\":\"g1\",\"cell\":4.5}\n" +
		"1{\"op\":\"play\",\"game\":\"g1\",\"cell\":1e300}\n1{\"op\":\"leave\",\"game\":\"g1\"}\n2{\"op\":\"seat\"}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		all := newTotals()
		desks := []*desk{newDesk(t, Options{Kind: Room, MaxMessage: 100_000}, all), newDesk(t, Options{Kind: Room, MaxMessage: 100_000}, all)}
		var sessions [3]*session
		var lines [3]*mute
		for i := range sessions {
			sessions[i], lines[i] = desks[i%2].sit()
		}
		sent := uint64(0)
		for line := range strings.SplitSeq(string(in), "\n") {
			if line == "" {
				continue
			}
			who := sessions[line[0]%3]
			if who.phase == open {
				answers := texts(t, who.feed(cf(ws.OpText, true, line[1:]), nil))
				if who.phase == open {
					sent += uint64(len(answers))
				}
			}
			if line[0]%4 == 3 {
				for _, d := range desks {
					d.deliverAll()
				}
			}
		}
		for _, d := range desks {
			d.deliverAll()
		}
		for _, l := range lines {
			for _, frame := range l.frames {
				sent += uint64(len(texts(t, frame)))
			}
		}
		st := all.snapshot()
		if st.Sent != sent || st.Sent != st.Answers+st.Deliveries || uint64(st.Members) != st.Joins-st.Leaves {
			t.Fatalf("%d messages came out of %q: %+v", sent, in, st)
		}
		for _, s := range sessions {
			s.end(done)
		}
		st = all.snapshot()
		if st.Rooms != 0 || st.Members != 0 || st.Games != 0 || st.Open != 0 || st.Joins != st.Leaves {
			t.Fatalf("left behind by %q: %+v", in, st)
		}
		if h := all.shared.hall; h.games.waiting != nil {
			t.Fatalf("somebody who has gone waits for a game after %q", in)
		}
	})
}

// Shutdown says goodbye to members too, after what was said; the rooms are empty by then. A peer that neither
// reads nor answers holds it up for CloseTimeout at most.
func TestRoomShutdown(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room, Loops: 2, CloseTimeout: 100 * time.Millisecond, MaxBacklog: 32 << 20})
		a, deaf := dial(t, s), dial(t, s)
		join, said := `{"op":"join","room":"r"}`, `{"op":"say","room":"r","text":"`+strings.Repeat("x", 50_000)+`"}`
		ask(t, a, join, `{"op":"joined","room":"r","members":1}`)
		ask(t, deaf, join, `{"op":"joined","room":"r","members":2}`)
		for range 200 { // 10 MB: more than the sockets hold
			ask(t, a, said, said)
		}
		ended := make(chan error, 1)
		go func() { ended <- s.Shutdown(t.Context()) }()
		if code, _, n := closed(t, a); code != 1001 || n != 0 {
			t.Errorf("got %d after %d messages", code, n)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		counts(t, s, func(w *Stats) {
			w.Rooms, w.Members, w.Leaves, w.Open = 0, 0, 2, 0
			w.Deliveries, w.Slow = 400, 0
		})
	})
}
