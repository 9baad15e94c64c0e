package chaos

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/ledger"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

const (
	shards   = 2
	patience = time.Minute // with what should happen at once, on a machine that is busy with something else
)

// perSecond is about how many things all players do in a second, however many they are: two cores are to have
// time for them, their proxies and servers, and the race detector.
const perSecond = 1500

// storm is one run.
type storm struct {
	// Static after construction.
	t        *testing.T
	seed     uint64
	m        *actors.Manager
	stage    *stage
	ledgers  []*ledger.Ledger
	pace     time.Duration            // of players
	seats    []atomic.Pointer[tenant] // one for each player there is at once
	over     atomic.Bool              // behaviours give no more commands
	stopping atomic.Bool              // Stop has begun

	// Owned by the shards.
	tenants [shards]map[messages.ConnID]*tenant // those that were removed too

	// Held for reading while a command is told, so that none is on its way to a player that is being removed:
	// of those there would be no knowing.
	moving sync.RWMutex

	// Atomic.
	samples, accounts atomic.Int64 // taken; those of them that looked at each connection
	removals          atomic.Int64
	commands          atomic.Int64 // from outside
}

// tenant is one player, with the commands that it was given from outside.
type tenant struct {
	id     messages.ConnID
	player *player // nil: it has no behaviour

	// Atomic.
	asked [messages.NumCommands]atomic.Int64 // counted before they are given: told and done
	told  [messages.NumCommands]atomic.Int64 // nobody waited for
	done  [messages.NumCommands][numOutcomes]atomic.Int64
}

func newStorm(t *testing.T, engine transport.Engine, n int, seed uint64) *storm {
	s := &storm{t: t, seed: seed, stage: newStage(t, seed), seats: make([]atomic.Pointer[tenant], n)}
	s.pace = max(500*time.Millisecond, time.Duration(n)*time.Second/perSecond)
	for i := range s.tenants {
		s.tenants[i] = make(map[messages.ConnID]*tenant)
		s.ledgers = append(s.ledgers, ledger.New())
	}
	_, pool := wstest.Certificate()
	m, err := actors.NewManager(actors.Options{
		Shards:   shards,
		Recorder: func(i int) actors.Recorder { return s.ledgers[i] },
		Logger:   slog.New(slog.DiscardHandler),
		Transport: transport.Options{
			Engine:       engine,
			DialTimeout:  3 * time.Second,
			CloseTimeout: 300 * time.Millisecond,
			WriteTimeout: 700 * time.Millisecond,
			IdleTimeout:  3 * s.pace,
			MaxMessage:   32 << 10,
			MaxBacklog:   32 << 10,
			// Every other run, on either engine.
			CloseOnBacklog: (seed+uint64(engine))%2 == 0,
			TLS:            &tls.Config{RootCAs: pool},
			Resolver:       names{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = m.Stop(ctx)
	})
	for i := range s.seats {
		s.seat(i)
	}
	return s
}

// seat opens a player in a place that is empty.
func (s *storm) seat(i int) {
	var tn *tenant
	_, err := s.m.OpenMany(1, func(id messages.ConnID) actors.Behavior {
		r := rand.New(rand.NewPCG(s.seed, uint64(id)))
		tn = &tenant{id: id}
		s.tenants[id.Shard()][id] = tn
		if temper := temperOf(r); temper != passive {
			tn.player = &player{temper: temper, stage: s.stage, pace: s.pace, over: &s.over, random: r}
			return tn.player
		}
		return nil
	})
	if s.expect(err, nil, "open"); err != nil {
		return
	}
	s.seats[i].Store(tn)
}

// expect reports an error of a call from outside. Once all stops, any of them may say so.
func (s *storm) expect(err, want error, format string, args ...any) {
	if errors.Is(err, want) || s.stopping.Load() && errors.Is(err, messages.ErrStopped) {
		return
	}
	s.t.Errorf("%s: got %v, want %v", fmt.Sprintf(format, args...), err, want)
}

// tell gives a command to a player, and does not wait.
func (s *storm) tell(i int, cmd messages.Command) {
	s.moving.RLock()
	defer s.moving.RUnlock()
	tn := s.seats[i].Load()
	s.count(tn, cmd)
	tn.told[cmd.Kind()].Add(1)
	s.expect(s.m.Tell(tn.id, cmd), nil, "tell %s", cmd.Kind())
}

// tellAll is tell for everybody, by one message to each shard.
func (s *storm) tellAll(cmd messages.Command) {
	s.moving.RLock()
	defer s.moving.RUnlock()
	for i := range s.seats {
		tn := s.seats[i].Load()
		s.count(tn, cmd)
		tn.told[cmd.Kind()].Add(1)
	}
	s.expect(s.m.TellAll(cmd), nil, "tell all %s", cmd.Kind())
}

func (s *storm) count(tn *tenant, cmd messages.Command) {
	tn.asked[cmd.Kind()].Add(1)
	s.commands.Add(1)
}

// do gives a command to a player, who may be being removed, and waits for what becomes of it.
func (s *storm) do(tn *tenant, cmd messages.Command) {
	s.count(tn, cmd)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.m.Do(ctx, tn.id, cmd)
	if s.stopping.Load() && err == messages.ErrStopped { // it is not known whether the command was carried out
		return
	}
	out, err := outcomeOf(cmd.Kind(), err)
	tn.done[cmd.Kind()][out].Add(1)
	if err != nil {
		s.t.Errorf("%s: %v", tn.id, err)
	}
}

// replace removes a player and opens another in its place. The one that is gone is still given commands.
func (s *storm) replace(i int, r *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.moving.Lock()
	was := s.seats[i].Load()
	s.expect(s.m.Remove(ctx, was.id), nil, "remove %s", was.id)
	s.seat(i)
	s.moving.Unlock()
	s.removals.Add(1)
	s.expect(s.m.Remove(ctx, was.id), messages.ErrUnknownID, "remove %s again", was.id)
	// Of what is told to it now, nothing may be told in turn; it is not counted.
	s.expect(s.m.Tell(was.id, reconnect), nil, "tell %s, which was removed", was.id)
	s.do(was, s.stage.command(r))
	s.tell(i, s.stage.connect(r))
}

// snapshot checks what can be seen of all shards together, which is not of one instant.
func (s *storm) snapshot() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	snap, err := s.m.Snapshot(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("snapshot: %w", err)
	case !snap.Traffic.Balanced():
		return fmt.Errorf("traffic: %+v", snap.Traffic)
	case snap.Players() > len(s.seats) || snap.Players() < len(s.seats)-1: // one is being replaced
		return fmt.Errorf("got %d players, want %d, or one less", snap.Players(), len(s.seats))
	}
	return nil
}
