package target

import (
	"fmt"
	"net"
	"testing"
)

// table seats two players and gives X, O and the name of their game.
func table(t *testing.T, s *Server, n int) (x, o net.Conn, game string) {
	t.Helper()
	x, o = dial(t, s), dial(t, s)
	game = fmt.Sprintf("g%d", n)
	say(t, x, `{"op":"seat","id":"first"}`)
	ask(t, x, `{"op":"ping"}`, `{"op":"pong"}`) // so it has its seat
	ask(t, o, `{"op":"seat"}`, `{"op":"start","game":"`+game+`","you":"O","turn":"X"}`)
	wants(t, x, `{"op":"start","game":"`+game+`","you":"X","turn":"X","id":"first"}`)
	return x, o, game
}

func TestGame(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells []int
		by    string // the last mark
		win   string
	}{
		{"X wins a row", []int{0, 3, 1, 4, 2}, "X", "X"},
		{"O wins the diagonal", []int{0, 2, 1, 4, 8, 6}, "O", "O"},
		{"draw", []int{0, 1, 2, 4, 3, 5, 7, 6, 8}, "X", ""},
		{"X wins with the last cell", []int{0, 1, 2, 3, 4, 5, 7, 6, 8}, "X", "X"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, mk makeEngine) {
				s := start(t, mk, Options{Kind: Room, Loops: 2})
				x, o, game := table(t, s, 1)
				players := [2]net.Conn{x, o}
				for i, cell := range c.cells {
					mover, other := players[i%2], players[1-i%2]
					say(t, mover, fmt.Sprintf(`{"op":"play","game":"%s","cell":%d,"id":%d}`, game, cell, i))
					want := fmt.Sprintf(`{"op":"played","game":"%s","cell":%d,"by":"%c","turn":"%c"`, game, cell, marks[i%2], marks[1-i%2])
					if i == len(c.cells)-1 {
						want = fmt.Sprintf(`{"op":"over","game":"%s","cell":%d,"by":"%s","winner":"%s"`, game, cell, c.by, c.win)
					}
					wants(t, mover, fmt.Sprintf(`%s,"id":%d}`, want, i))
					wants(t, other, want+"}")
				}
				ask(t, x, `{"op":"play","game":"`+game+`","cell":1}`, `{"op":"error","error":"not in that game"}`)
				counts(t, s, func(w *Stats) { w.Games, w.Started = 0, 1 })
				// Both may play again.
				say(t, o, `{"op":"seat"}`)
				ask(t, o, `{"op":"ping"}`, `{"op":"pong"}`)
				ask(t, x, `{"op":"seat"}`, `{"op":"start","game":"g2","you":"O","turn":"X"}`)
			})
		})
	}
}

func TestGameMistakes(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room})
		x, o, _ := table(t, s, 1)
		ask(t, o, `{"op":"play","game":"g1","cell":0}`, `{"op":"error","error":"not your turn"}`)
		for _, cell := range []string{"-1", "9", "1.5", `"1"`, "1e300", "null"} {
			ask(t, x, `{"op":"play","game":"g1","cell":`+cell+`,"id":1}`, `{"op":"error","error":"want a cell from 0 to 8","id":1}`)
		}
		ask(t, x, `{"op":"play","game":"g2","cell":0}`, `{"op":"error","error":"not in that game"}`)
		ask(t, x, `{"op":"seat"}`, `{"op":"error","error":"already seated"}`)
		ask(t, x, `{"op":"play","game":"g1","cell":4}`, `{"op":"played","game":"g1","cell":4,"by":"X","turn":"O"}`)
		wants(t, o, `{"op":"played","game":"g1","cell":4,"by":"X","turn":"O"}`)
		ask(t, o, `{"op":"play","game":"g1","cell":4}`, `{"op":"error","error":"that cell is taken"}`)
		third := dial(t, s)
		say(t, third, `{"op":"seat"}`)
		ask(t, third, `{"op":"seat","id":2}`, `{"op":"error","error":"already seated","id":2}`)
	})
}

// A player that leaves, by saying so or by going, loses; one that goes while it waits is not played.
func TestGameLeave(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: Room, Loops: 2})
		x, o, _ := table(t, s, 1)
		ask(t, x, `{"op":"leave","game":"g1","id":5}`, `{"op":"over","game":"g1","winner":"O","id":5}`)
		wants(t, o, `{"op":"over","game":"g1","winner":"O"}`)
		_ = x.Close()
		_ = o.Close()
		x, o, _ = table(t, s, 2)
		_ = o.Close()
		wants(t, x, `{"op":"over","game":"g2","winner":"X"}`)
		say(t, x, `{"op":"seat"}`)
		ask(t, x, `{"op":"ping"}`, `{"op":"pong"}`)
		_ = x.Close()
		counts(t, s, func(w *Stats) { w.Open, w.Games = 0, 0 })
		table(t, s, 3)
	})
}

// A server that is closed ends its games too: what the players would be told has nowhere to go.
func TestGameClose(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		for range 20 {
			s := start(t, mk, Options{Kind: Room, Loops: 2})
			x, o, _ := table(t, s, 1)
			for _, c := range []net.Conn{x, o} {
				say(t, c, `{"op":"join","room":"r"}`)
				wants(t, c, `{"op":"joined","room":"r","members":`+map[net.Conn]string{x: "1", o: "2"}[c]+`}`)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if st := s.Stats(); st.Games != 0 || st.Members != 0 || st.Rooms != 0 || st.Open != 0 {
				t.Fatalf("left behind: %+v", st)
			}
		}
	})
}
