package target

import (
	"strconv"
	"sync"

	"github.com/tidwall/gjson"
)

// games is noughts and crosses between clients that nobody introduced: whoever asks for a seat plays the next
// who does. The players may be on different loops, so a game is under a lock, and all that players get of it
// is posted, under the lock, in the order it happened.
type games struct {
	// Guarded by mu.
	mu      sync.Mutex
	waiting *guest // has a seat and no opponent yet
	number  uint64
}

// seat is a guest's place in a game. Only asked is its own; a game ends from either side.
type seat struct {
	asked bool // for a seat, ever: most never do, and need no lock when they leave

	// Guarded by games.mu.
	game *game
	id   string // of the command that asked
}

// game is one that is being played. It is guarded by games.mu.
type game struct {
	name    string
	players [2]*guest // X, O
	board   [9]byte   // 'X', 'O' or 0
	moves   int
}

const marks = "XO"

// lines are those that win.
var lines = [...][3]int{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {0, 4, 8}, {2, 4, 6}}

// seat has s play whoever waits, or wait itself; the answer is the start of the game.
func (a *games) seat(s *session, c command, out []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := s.guest
	if a.waiting == g || g.seat.game != nil {
		return s.wrong(out, "already seated", c.id)
	}
	g.seat.asked, g.seat.id = true, c.id
	if a.waiting == nil {
		a.waiting = g
		return out
	}
	a.number++
	t := &game{name: "g" + strconv.FormatUint(a.number, 10), players: [2]*guest{a.waiting, g}}
	a.waiting = nil
	s.host.tally.started.Add(1)
	s.host.totals.games.Add(1)
	for i, p := range t.players {
		p.seat.game = t
		b := t.begin("start")
		b = append(b, `,"you":"`+marks[i:i+1]+`","turn":"X"`...)
		t.tell(i, s, b, p.seat.id)
	}
	return out
}

// play makes a move.
func (a *games) play(s *session, c command, out []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := s.guest.seat.game
	if t == nil || c.game.Type != gjson.String || c.game.Str != t.name {
		return s.wrong(out, "not in that game", c.id)
	}
	cell, turn := int(c.cell.Num), t.moves%2
	switch {
	case c.cell.Type != gjson.Number || float64(cell) != c.cell.Num || cell < 0 || cell > 8:
		return s.wrong(out, "want a cell from 0 to 8", c.id)
	case t.players[turn] != s.guest:
		return s.wrong(out, "not your turn", c.id)
	case t.board[cell] != 0:
		return s.wrong(out, "that cell is taken", c.id)
	}
	t.board[cell] = marks[turn]
	t.moves++
	ids := [2]string{}
	ids[turn] = c.id
	what := `,"cell":` + strconv.Itoa(cell) + `,"by":"` + marks[turn:turn+1] + `"`
	switch won := t.won(); {
	case won:
		t.over(s, turn, what, ids)
	case t.moves == len(t.board):
		t.over(s, -1, what, ids)
	default:
		for i := range t.players {
			t.tell(i, s, append(append(t.begin("played"), what...), `,"turn":"`+marks[1-turn:2-turn]+`"`...), ids[i])
		}
	}
	return out
}

// leave gives a game up, so that the other wins.
func (a *games) leave(s *session, c command, out []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := s.guest.seat.game
	if t == nil || c.game.Type != gjson.String || c.game.Str != t.name {
		return s.wrong(out, "not in that game", c.id)
	}
	ids := [2]string{}
	ids[t.place(s.guest)] = c.id
	t.over(s, 1-t.place(s.guest), "", ids)
	return out
}

// gone ends the game of a player whose session has ended.
func (a *games) gone(g *guest) {
	if !g.seat.asked {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == g {
		a.waiting = nil
	}
	if t := g.seat.game; t != nil {
		t.over(g.session, 1-t.place(g), "", [2]string{})
	}
}

func (t *game) place(g *guest) int {
	if t.players[0] == g {
		return 0
	}
	return 1
}

func (t *game) won() bool {
	for _, l := range lines {
		if m := t.board[l[0]]; m != 0 && m == t.board[l[1]] && m == t.board[l[2]] {
			return true
		}
	}
	return false
}

// over ends the game; winner is -1 for a draw. s is whose doing it is.
func (t *game) over(s *session, winner int, what string, ids [2]string) {
	s.host.totals.games.Add(-1)
	mark := ""
	if winner >= 0 {
		mark = marks[winner : winner+1]
	}
	for i, p := range t.players {
		p.seat.game = nil
		t.tell(i, s, append(append(t.begin("over"), what...), `,"winner":"`+mark+`"`...), ids[i])
	}
}

func (t *game) begin(op string) []byte {
	return append(make([]byte, 0, 128), `{"op":"`+op+`","game":"`+t.name+`"`...)
}

// tell posts a message to a player. One whose session has ended gets none.
func (t *game) tell(player int, by *session, text []byte, id string) {
	to := t.players[player]
	d := newDelivery(endObject(text, id))
	d.to = to
	if !to.session.host.post(d) {
		by.host.tally.dropped.Add(1)
	}
}
