package scenario

import (
	"math"
	"slices"
	"sync"
	"testing"
)

// take gives the rows of a number of turns of player 0; -1 for none.
func take(c *Cursor, turns int) (rows []int) {
	for i := range turns {
		row, ok := c.Next(0, i)
		if !ok {
			row = -1
		}
		rows = append(rows, row)
	}
	return rows
}

func TestCursor(t *testing.T) {
	for _, c := range []struct {
		order, end string
		want       []int
	}{
		{OrderSequential, EndWrap, []int{0, 1, 2, 0, 1, 2, 0}},
		{OrderSequential, "", []int{0, 1, 2, 0, 1, 2, 0}},
		{OrderSequential, EndStop, []int{0, 1, 2, -1, -1, -1, -1}},
		{OrderUnique, EndWrap, []int{0, 0, 0, 0, 0, 0, 0}},
	} {
		if got := take(NewCursor(&Feed{Order: c.order, End: c.end}, 3, 1), 7); !slices.Equal(got, c.want) {
			t.Errorf("%s, %s: got %v, want %v", c.order, c.end, got, c.want)
		}
	}
}

func TestCursorUnique(t *testing.T) {
	c := NewCursor(&Feed{Order: OrderUnique}, 3, 1)
	for player := range 5 {
		row, ok := c.Next(player, 7)
		if wantOK := player < 3; ok != wantOK || ok && row != player {
			t.Errorf("player %d: got row %d, %v", player, row, ok)
		}
	}
}

// TestCursorShuffle: each row once, in an order that the seed gives, and again in the same after the end.
func TestCursorShuffle(t *testing.T) {
	feed := &Feed{Order: OrderShuffle, End: EndWrap}
	first := take(NewCursor(feed, 100, 1), 200)
	sorted := slices.Sorted(slices.Values(first[:100]))
	for i, row := range sorted {
		if row != i {
			t.Fatalf("got rows %v, want each of 100 once", sorted)
		}
	}
	if !slices.Equal(first[:100], first[100:]) {
		t.Error("the second time goes through the rows in another order")
	}
	if slices.IsSorted(first[:100]) {
		t.Error("the order is that of the file")
	}
	if !slices.Equal(first, take(NewCursor(feed, 100, 1), 200)) {
		t.Error("the same seed gives another order")
	}
	if slices.Equal(first, take(NewCursor(feed, 100, 2), 200)) {
		t.Error("another seed gives the same order")
	}
}

// TestCursorRandom: a player's rows depend on the seed, its number and its turn, and each is as likely.
func TestCursorRandom(t *testing.T) {
	feed := &Feed{Order: OrderRandom}
	a, b, other := NewCursor(feed, 10, 1), NewCursor(feed, 10, 1), NewCursor(feed, 10, 2)
	const players, turns = 100, 100
	counts, differ := make([]float64, 10), 0
	for player := range players {
		for turn := range turns {
			row, ok := a.Next(player, turn)
			if !ok || row < 0 || row >= 10 {
				t.Fatalf("got row %d, %v", row, ok)
			}
			counts[row]++
			if o, _ := other.Next(player, turn); o != row {
				differ++
			}
		}
	}
	for player := players - 1; player >= 0; player-- { // whoever asks first
		want, _ := a.Next(player, 5)
		if got, _ := b.Next(player, 5); got != want {
			t.Fatalf("player %d: got row %d, want %d, as before", player, got, want)
		}
	}
	// 10,000 draws of 10 rows: each 1,000 times, with a standard deviation of √(10,000 · 0.1 · 0.9) = 30.
	for row, n := range counts {
		if math.Abs(n-1000) > 5*30 {
			t.Errorf("row %d was taken %v times, want about 1000", row, n)
		}
	}
	// Another seed gives another row in 9 of 10 draws.
	if differ < 8800 || differ > 9200 {
		t.Errorf("another seed gives another row in %d of 10000 draws, want about 9000", differ)
	}
}

// TestCursorTogether: many shards at once take each row once.
func TestCursorTogether(t *testing.T) {
	for _, order := range []string{OrderSequential, OrderShuffle} {
		const shards, rows = 8, 10_000
		c := NewCursor(&Feed{Order: order, End: EndStop}, rows, 1)
		taken := make([][]int, shards)
		var wg sync.WaitGroup
		for shard := range shards {
			wg.Go(func() {
				for turn := 0; ; turn++ {
					row, ok := c.Next(shard, turn)
					if !ok {
						return
					}
					taken[shard] = append(taken[shard], row)
				}
			})
		}
		wg.Wait()
		all := slices.Concat(taken...)
		slices.Sort(all)
		if len(all) != rows || len(slices.Compact(all)) != rows {
			t.Errorf("%s: took %d rows, %d different, want %d", order, len(all), len(slices.Compact(all)), rows)
		}
	}
}

func TestCursorAllocates(t *testing.T) {
	for _, order := range Orders {
		c := NewCursor(&Feed{Order: order}, 100, 1)
		turn := 0
		if n := testing.AllocsPerRun(100, func() { _, _ = c.Next(3, turn); turn++ }); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", order, n)
		}
	}
}
