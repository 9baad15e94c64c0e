package target

import (
	"slices"
	"strconv"
	"testing"
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
		if st.Lost != c.lost || st.Duplicated != c.duplicate || st.Reordered != c.reordered || pushed+st.Deliveries != uint64(len(c.want)) || st.Sent != uint64(len(c.want)) {
			t.Errorf("%s: pushed %d, counted %+v", c.name, pushed, st)
		}
	}
}
