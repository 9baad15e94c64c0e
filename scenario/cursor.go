package scenario

import (
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

// The orders in which players take rows.
const (
	OrderSequential = "sequential" // the next that nobody has taken
	OrderShuffle    = "shuffle"    // the same, in an order of chance
	OrderRandom     = "random"     // any
	OrderUnique     = "unique"     // that of the player's number, always
)

// Orders lists them.
var Orders = []string{OrderSequential, OrderShuffle, OrderRandom, OrderUnique}

// What happens when sequential and shuffle have given all rows.
const (
	EndWrap = "wrap" // begin again
	EndStop = "stop" // the player that asked ends
)

// Cursor says which row is whose. It may be used by many goroutines at once.
//
// With random and unique, a player's rows depend on nothing but the seed and its number. With sequential
// and shuffle they depend on who asks first, too.
type Cursor struct {
	// Static after construction.
	rows  uint64
	order string
	wrap  bool
	seed  uint64
	perm  []uint32 // of shuffle

	// Atomic.
	next atomic.Uint64 // of sequential and shuffle
}

// NewCursor makes one for a number of rows, which is 1 or more. The same seed gives the same chance.
func NewCursor(f *Feed, rows int, seed uint64) *Cursor {
	c := &Cursor{rows: uint64(rows), order: f.Order, wrap: f.End != EndStop, seed: seed}
	if f.Order == OrderShuffle {
		r := rand.New(rand.NewPCG(seed, 0))
		c.perm = make([]uint32, rows)
		for i := range c.perm {
			c.perm[i] = uint32(i)
		}
		r.Shuffle(rows, func(i, j int) { c.perm[i], c.perm[j] = c.perm[j], c.perm[i] })
	}
	return c
}

// Next gives the row that a player takes; turn is how many it has taken before. It is not ok if there is
// none left for it.
func (c *Cursor) Next(player, turn int) (row int, ok bool) {
	switch c.order {
	case OrderUnique:
		return player, uint64(player) < c.rows
	case OrderRandom:
		hi, _ := bits.Mul64(mix(mix(c.seed+uint64(player))+uint64(turn)), c.rows)
		return int(hi), true
	}
	i := c.next.Add(1) - 1
	if i >= c.rows {
		if !c.wrap {
			return 0, false
		}
		i %= c.rows
	}
	if c.perm != nil {
		i = uint64(c.perm[i])
	}
	return int(i), true
}

// mix is the finalizer of SplitMix64 with its step: neighbouring numbers come out far apart.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
