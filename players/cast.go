package players

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/expr-lang/expr/vm"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// Series takes what the players of one shard measure; metrics.Shard, which is the Meter, and
// metrics.ScenarioShard together are one. It is called on that shard only. Indices are those of the scenario's
// lists of names.
type Series interface {
	Meter
	// Request is told of the answer to a request, and RequestLost of one that had none in time. The Meter is told
	// of the answer as well, unless the request went over HTTP: its figures are the connections'.
	Request(series int, intended, sent, received messages.Stamp)
	RequestLost(series int)
	// Check is told whether a check held.
	Check(check int, ok bool)
	// Published is told of a message for an audience of so many, and Delivered of one of them getting it.
	Published(series, audience int)
	Delivered(series int, latency time.Duration, order messages.Order)
	// Tick is told by how much the time between two ticks differed from what is wanted.
	Tick(series int, off time.Duration)
	// Fault is told that an expression could not be evaluated.
	Fault()
	// Began is told that a player of the population begins, Iteration that it went through its steps, Lost that
	// it ends before, and Ended that it is done, lost or not.
	Began(population int)
	Iteration(population int)
	Lost(population int)
	Ended(population int)
	// Answered is told of each answer that the Meter is told of.
	Answered(population int, intended, sent, received messages.Stamp)
}

// Table is the rows of a feed. It is safe for concurrent use.
type Table interface {
	Len() int
	// Value gives a column of a row; false if there is none of that name.
	Value(row int, column string) (string, bool)
}

// CastOptions set up a Cast.
type CastOptions struct {
	Scenario *scenario.Scenario
	Series   []Series // by shard
	Tables   []Table  // by feed
	Seed     uint64
	Players  int // how many are planned; rows of data are dealt by it
	// Iterations is how often each player goes through its steps; 0 is until Quiet.
	Iterations int
	// Spread keeps players out of step with each other: the schedules of every begin at a place of chance.
	Spread bool
	// Connect gives what the n-th player connects with.
	Connect func(n int, o Opening) *messages.Connect
	// Signal reaches a player from outside its shard; Manager.Signal is one.
	Signal func(id messages.ConnID, value any) error
	// Done is told that a player has ended and its connection is closed, on its shard: it must not block. The
	// player can be begun anew then, as another.
	Done func(id messages.ConnID, n int)
	// Env gives what env(name) is. Default: nothing.
	Env map[string]string
	// Logger is told what log steps say. Default: slog.Default.
	Logger *slog.Logger
}

// Opening is what of an opening handshake differs from player to player, or from step to step.
type Opening struct {
	URL      string      // empty for that of the target
	Headers  http.Header // nil for none
	Identity *Identity   // nil if the scenario has no auth
}

// Identity says who a player is, by the ids of an auth context; those that are empty are not given.
type Identity struct{ User, Organization, Project, World, LaunchContext string }

// Cast makes the players of one run of a scenario. They share all that does not differ from one to the
// next.
type Cast struct {
	CastOptions
	start     messages.Stamp // of all schedules
	seed      maphash.Seed   // of the hashes of ids
	secret    uint64         // in stamps, so that none is taken for ours that is not
	shards    []*stage
	dealt     []uint16 // populations by the players' numbers
	audiences sync.Map // name → *atomic.Int64, of members
	calls     calls
	quiet     atomic.Bool
	logged    atomic.Int64
	fault     atomic.Pointer[string] // what the first one was
}

// stage is what the players of one shard share. It belongs to that shard.
type stage struct {
	cast    *Cast
	series  Series
	scratch []byte
	env     map[string]any
	vm      vm.VM
	chance  *rand.Rand // of the player at work
	faker   *gofakeit.Faker

	player    *Player        // at work, for the functions that expressions call
	msg       []byte         // the message at hand
	stamp     []byte         // of the publication at hand
	arrived   messages.Stamp // when the kernel had that message, or the one that it is a part of; 0 if not known
	connected bool
}

// NewCast makes a Cast whose schedules start now.
func NewCast(o CastOptions) (*Cast, error) {
	switch {
	case o.Scenario == nil || len(o.Scenario.Programs) == 0:
		return nil, errors.New("players: got no scenario")
	case len(o.Series) == 0:
		return nil, errors.New("players: got no series")
	case len(o.Tables) != len(o.Scenario.Feeds):
		return nil, fmt.Errorf("players: got %d tables, want %d", len(o.Tables), len(o.Scenario.Feeds))
	case o.Connect == nil || o.Signal == nil:
		return nil, errors.New("players: got no Connect or Signal")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Players < 1 {
		o.Players = 1
	}
	c := &Cast{CastOptions: o, start: messages.Now(), seed: maphash.MakeSeed(), secret: newSecret()}
	c.calls.start()
	c.dealt = deal(o.Scenario.Programs, o.Players)
	for i := range o.Series {
		s := &stage{cast: c, series: o.Series[i]}
		s.chance = rand.New(s)
		s.faker = gofakeit.NewFaker(s, false)
		s.env = s.functions()
		c.shards = append(c.shards, s)
	}
	return c, nil
}

// Quiet has players end when they have gone through their steps, and loops that run until the load ends
// end with what they are at. Any goroutine may call it.
func (c *Cast) Quiet() { c.quiet.Store(true) }

// Stop ends what runs off the shards. No player may be at work any more.
func (c *Cast) Stop() { c.calls.stop() }

// maxDeal bounds the table that deals populations; beyond, it is gone through again.
const maxDeal = 1 << 16

// deal gives the populations of n players by their weights, as evenly mixed as can be: each goes to whom most
// is owed.
func deal(programs []*scenario.Program, n int) []uint16 {
	sum := 0.0
	for _, p := range programs {
		sum += p.Weight
	}
	owed := make([]float64, len(programs))
	dealt := make([]uint16, max(1, min(n, maxDeal)))
	for i := range dealt {
		best := 0
		for j, p := range programs {
			owed[j] += p.Weight / sum
			if owed[j] > owed[best] {
				best = j
			}
		}
		owed[best]--
		dealt[i] = uint16(best)
	}
	return dealt
}

// program gives the population that the n-th player is of.
func (c *Cast) program(n int) *scenario.Program {
	return c.Scenario.Programs[c.dealt[n%len(c.dealt)]]
}

// Parts gives how many of the first n players each population has.
func (c *Cast) Parts(n int) []int {
	parts := make([]int, len(c.Scenario.Programs))
	for i := range n {
		parts[c.dealt[i%len(c.dealt)]]++
	}
	return parts
}

// Player makes the n-th player, from 0, for a connection on a shard. It does nothing until it is begun.
func (c *Cast) Player(shard, n int) *Player {
	p := &Player{stage: c.shards[shard], waiting: notBegun}
	p.cast(n)
	return p
}

// Leave is what a player is signaled with to have it end after what it is at, or at once.
type Leave struct{ AtOnce bool }

// Begin is what a player is signaled with to have it begin, as the player of that number.
type Begin struct{ N int }

var _ actors.Behavior = (*Player)(nil)

// Uint64 implements rand.Source: it is the chance of the player at work.
func (s *stage) Uint64() uint64 { return s.player.chance.Uint64() }

// audience gives the number of members of an audience.
func (c *Cast) audience(name string) *atomic.Int64 {
	if a, ok := c.audiences.Load(name); ok {
		return a.(*atomic.Int64)
	}
	a, _ := c.audiences.LoadOrStore(name, new(atomic.Int64))
	return a.(*atomic.Int64)
}
