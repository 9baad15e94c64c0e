package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// outside gives commands to players from outside until ctx ends, some 600 a second.
func (s *storm) outside(ctx context.Context, wg *sync.WaitGroup, d time.Duration) {
	for i, f := range []func(r *rand.Rand){
		s.doSome, s.doSome, s.doSome, s.doSome,
		s.tellSome, s.tellSome,
	} {
		s.every(ctx, wg, 10*time.Millisecond, uint64(i), f)
	}
	s.every(ctx, wg, 50*time.Millisecond, 'r', func(r *rand.Rand) { s.replace(r.IntN(len(s.seats)), r) })
	s.every(ctx, wg, max(d/8, time.Second), 'b', s.broadcast)
	s.every(ctx, wg, d*3/5, 'd', s.drain) // once
}

// every calls f at each tick.
func (s *storm) every(ctx context.Context, wg *sync.WaitGroup, period time.Duration, stream uint64, f func(*rand.Rand)) {
	wg.Go(func() {
		r := rand.New(rand.NewPCG(s.seed, stream))
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f(r)
			case <-ctx.Done():
				return
			}
		}
	})
}

func (s *storm) doSome(r *rand.Rand) {
	s.do(s.seats[r.IntN(len(s.seats))].Load(), s.stage.command(r))
}

func (s *storm) tellSome(r *rand.Rand) { s.tell(r.IntN(len(s.seats)), s.stage.untold(r)) }

// broadcast tells all players the same.
func (s *storm) broadcast(r *rand.Rand) {
	s.tellAll(one(r, []messages.Command{reconnect, s.stage.connect(r), one(r, texts), one(r, binaries), one(r, disconnects), badJSON}))
}

// drain closes all connections in the middle of it all. Some may be cut off, and all may come back.
func (s *storm) drain(*rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.m.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		s.expect(err, nil, "drain")
	}
}
