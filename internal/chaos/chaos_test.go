package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// TestChaos is the chaos test, on each engine for half of the time.
func TestChaos(t *testing.T) {
	eachEngine(t, *players, (*storm).run)
}

// TestStop stops all in the middle of it.
func TestStop(t *testing.T) {
	eachEngine(t, min(*players, 300), (*storm).stop)
}

func eachEngine(t *testing.T, n int, f func(*storm, time.Duration)) {
	from := *seed
	if from == 0 {
		from = 1 + rand.Uint64N(1<<32)
	}
	engines := []transport.Engine{transport.EngineGoroutine}
	if runtime.GOOS == "linux" {
		engines = []transport.Engine{transport.EngineEpoll, transport.EngineGoroutine}
	}
	d := time.Duration(*seconds) * time.Second / time.Duration(len(engines))
	for _, e := range engines {
		t.Run(e.String(), func(t *testing.T) {
			wstest.NoLeaks(t)
			fmt.Fprintf(t.Output(), "%d players for %v; to do it again: -args -chaos.seconds %d -chaos.players %d -chaos.seed %d\n", n, d, *seconds, *players, from)
			f(newStorm(t, e, n, from), d)
		})
	}
}

// run has the storm rage for d, and then looks at what is left.
func (s *storm) run(d time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	var wg sync.WaitGroup
	s.begin(ctx, &wg, d)
	wg.Go(func() { s.watch(ctx) })
	var warm, end uint64
	select {
	case <-time.After(d / 4):
		warm = heap()
		<-ctx.Done()
	case <-ctx.Done():
	}
	end = heap() // with all connections still there
	wg.Wait()
	s.finish(d, warm, end)
}

// begin has everybody connect, and the storm rage until ctx ends.
func (s *storm) begin(ctx context.Context, wg *sync.WaitGroup, d time.Duration) {
	r := rand.New(rand.NewPCG(s.seed, 'c'))
	for i := range s.seats {
		s.tell(i, s.stage.connect(r))
	}
	s.outside(ctx, wg, d)
	wg.Go(func() { s.stage.blow(ctx, s.seed, d) })
}

// heap gives what is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// slack is how much more may be in use for each player, whatever was: what is on its way differs from instant
// to instant, and the messages of heavy players are big.
const slack = 40 << 10

func (s *storm) finish(d time.Duration, warm, end uint64) {
	t := s.t
	s.over.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.m.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := s.sample(true); err != nil {
		t.Errorf("drained: %v", err)
	}
	if err := s.stage.strike(); err != nil {
		t.Error(err)
	}
	sum := s.recorded()
	snap, err := s.m.Snapshot(ctx)
	if err != nil {
		t.Errorf("snapshot: %v", err)
	}
	if err := s.m.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	for st, n := range sum.States {
		if n != 0 && (messages.State(st) == messages.Connecting || messages.State(st) == messages.Connected) {
			t.Errorf("drained: %d are %s, want none", n, messages.State(st))
		}
	}
	o, err := s.judge()
	if err != nil {
		t.Error(err)
	}
	if err := s.sums(&o, sum, snap.Panics); err != nil {
		t.Error(err)
	}
	if d >= long {
		if err := s.happened(&o, sum); err != nil {
			t.Error(err)
		}
	}
	if most := 2*warm + 16<<20 + uint64(len(s.seats))*slack; warm > 0 && end > most {
		t.Errorf("memory: %d bytes in use at the end, after %d at a quarter of the time, want at most %d", end, warm, most)
	}
	s.table(&o, sum, warm, end)
}

// stop has the storm rage for d at most, and stops everything while it does. Commands that were told may be
// lost then, and of those that were answered with ErrStopped it is not known what became of them; what was
// begun has ended all the same.
func (s *storm) stop(d time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	storm, calm := context.WithCancel(ctx)
	var wg sync.WaitGroup
	s.begin(storm, &wg, d)
	s.until(ctx, func() bool { return int(s.commands.Load()) > 4*len(s.seats) })
	s.stopping.Store(true)
	if err := s.m.Stop(ctx); err != nil {
		s.t.Errorf("stop: %v", err)
	}
	calm()
	wg.Wait()
	for i := range s.tenants {
		if err := errors.Join(s.ledgers[i].Wrong(), s.unasked(i)); err != nil {
			s.t.Error(err)
		}
		for id, a := range s.ledgers[i].Accounts {
			if len(a.Causes) != a.Attempts || a.Opened != a.Sessions || a.State == messages.Connecting || a.State == messages.Connected {
				s.t.Errorf("%s: stopped, and got %+v, want as many ends as attempts", id, *a)
			}
		}
	}
	if err := s.stage.strike(); err != nil {
		s.t.Error(err)
	}
}

// until waits until ok holds.
func (s *storm) until(ctx context.Context, ok func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() && ctx.Err() == nil {
		<-tick.C
	}
}
