package target

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"pgregory.net/rapid"
)

// TestSpoil: which copies a server spoils is a matter of counting.
func TestSpoil(t *testing.T) {
	for _, c := range []struct {
		name      string
		o         Options
		says      string // who speaks, a digit for each thing said
		ends      bool   // the member's connection ends, instead of its leaving
		want      []int  // what the member hears, by number
		lost      uint64
		duplicate uint64
		reordered uint64
	}{
		{"lose", Options{LoseEvery: 2}, "11111", false, []int{1, 3, 5}, 2, 0, 0},
		{"lose all", Options{LoseEvery: 1}, "11", false, nil, 2, 0, 0},
		{"duplicate", Options{DuplicateEvery: 3}, "1111", false, []int{1, 2, 3, 3, 4}, 0, 1, 0},
		{"reorder", Options{ReorderEvery: 2}, "111111", false, []int{1, 3, 2, 5, 4, 6}, 0, 0, 2},
		{"reorder all", Options{ReorderEvery: 1}, "11111", false, []int{2, 1, 4, 3, 5}, 0, 0, 2},
		{"another speaker's does not count", Options{ReorderEvery: 2}, "112221", false, []int{1, 3, 4, 5, 6, 2}, 0, 0, 1},
		{"kept back at the end", Options{ReorderEvery: 2}, "11", true, []int{1}, 1, 0, 0},
		{"the next is lost", Options{ReorderEvery: 2, LoseEvery: 3}, "1111", false, []int{1, 4, 2}, 1, 0, 1},
		{"the next comes twice", Options{ReorderEvery: 2, DuplicateEvery: 3}, "111", false, []int{1, 3, 3, 2}, 0, 1, 1},
		{"corrupt", Options{CorruptEvery: 3}, "1111", false, []int{1, 2, 4, 4}, 0, 0, 0}, // a 3 becomes a 4
		{"the next is changed", Options{ReorderEvery: 2, CorruptEvery: 3}, "1111", false, []int{1, 4, 4, 2}, 0, 0, 1},
		{"the first that applies", Options{LoseEvery: 2, DuplicateEvery: 2, ReorderEvery: 2}, "111", false, []int{1, 3}, 1, 0, 0},
	} {
		c.o.Kind = Room
		d := newDesk(t, c.o, newTotals())
		s, line := d.sit()
		r, speakers, pushed := new(room), [3]guest{}, uint64(0)
		for i, who := range c.says {
			said := newDelivery([]byte(strconv.Itoa(i + 1)))
			said.room, said.from = r, &speakers[who-'0']
			pushed += d.spoil(s.guest, &said)
		}
		if c.ends {
			s.phase = closing
		}
		s.guest.release(new(room)) // another room's
		s.guest.release(r)
		var got []int
		for _, frame := range line.frames {
			n, err := strconv.Atoi(texts(t, frame)[0])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		st := d.totals.snapshot()
		corrupted := uint64(min(c.o.CorruptEvery, 1)) // one where there is any
		if st.Lost != c.lost || st.Corrupted != corrupted || st.Duplicated != c.duplicate || st.Reordered != c.reordered || pushed+st.Deliveries != uint64(len(c.want)) || st.Sent != uint64(len(c.want)) {
			t.Errorf("%s: pushed %d, counted %+v", c.name, pushed, st)
		}
	}
}

// TestSpoilAt: a changed text is still UTF-8, and differs in one byte; so do changed bytes.
func TestSpoilAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringN(1, 40, -1).Draw(t, "text"))
		isText := rapid.Bool().Draw(t, "is text")
		got := bytes.Clone(text)
		spoilAt(got, isText, rapid.IntRange(0, len(text)-1).Draw(t, "at"))
		differ := 0
		for i := range text {
			if got[i] != text[i] {
				differ++
			}
		}
		if differ != 1 || isText && !utf8.Valid(got) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// TestSpoilEcho: of 12 echoes the fifth and the tenth are lost, every fourth comes twice, and the third, the sixth and
// the ninth are changed.
func TestSpoilEcho(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Loops: 1, LoseEvery: 5, DuplicateEvery: 4, CorruptEvery: 3})
		c := dial(t, s)
		whole, spoilt, bytesSent := 0, 0, 0
		for range 12 {
			if err := wsutil.WriteClientText(c, []byte("grüße 123")); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 - 2 + 3 {
			got, op, err := wsutil.ReadServerData(c)
			if err != nil || op != ws.OpText || !utf8.Valid(got) {
				t.Fatalf("got %q, %v, %v", got, op, err)
			}
			bytesSent += len(got)
			if string(got) == "grüße 123" {
				whole++
			} else {
				spoilt++
			}
		}
		if whole != 10 || spoilt != 3 {
			t.Errorf("got %d whole and %d changed, want 10 and 3", whole, spoilt)
		}
		// An empty message cannot be changed: the third from now, which is the fifteenth, is lost besides.
		for _, want := range []string{"", "", "x"} {
			if err := wsutil.WriteClientBinary(c, []byte(want)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if got, _, err := wsutil.ReadServerData(c); err != nil || len(got) != 0 {
				t.Errorf("got %q, %v, want nothing", got, err)
			}
		}
		counts(t, s, func(w *Stats) {
			w.Received, w.Sent, w.SentBytes = 15, 15, uint64(bytesSent)
			w.Lost, w.Duplicated, w.Corrupted = 3, 3, 3
		})
	})
}

// TestSpoilGate: json-auth makes faults in what it echoes, and spares what it answers.
func TestSpoilGate(t *testing.T) {
	key := newIssuer(t, "k1", jose.ES256)
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: JSONAuth, JWKS: keySet(t, key), Loops: 1, CorruptEvery: 2})
		c := authorized(t, s, key.sign(t, says{"exp": 4102444800, "user_id": "u"}))
		const whoami = `{"op":"whoami","user":"u","organization":"","project":"","world":"","scopes":[],"expires":4102444800}`
		for _, x := range []struct{ in, want string }{
			{"11", "11"}, {`{"op":"whoami"}`, whoami}, {"11", "12"}, {"11", "11"}, {`{"op":"whoami"}`, whoami}, {"11", "21"},
		} {
			if err := wsutil.WriteClientText(c, []byte(x.in)); err != nil {
				t.Fatal(err)
			}
			if got, err := wsutil.ReadServerText(c); err != nil || string(got) != x.want {
				t.Errorf("%s: got %s, %v, want %s", x.in, got, err, x.want)
			}
		}
		counts(t, s, func(w *Stats) { w.Sent, w.Answers, w.Corrupted = 6, 2, 2 })
	})
}
