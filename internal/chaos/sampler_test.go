package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// sample checks the counts of each shard at one instant, and each account where all is true.
func (s *storm) sample(all bool) error {
	wrong := make([]error, shards)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.m.Each(ctx, func(i int) {
		snap := s.m.OnShard(i)
		if all {
			wrong[i] = errors.Join(s.ledgers[i].Audit(snap.States, &snap.Traffic), s.unasked(i), s.stuck(i))
		} else {
			wrong[i] = s.ledgers[i].Check(snap.States, &snap.Traffic)
		}
		if wrong[i] != nil {
			wrong[i] = fmt.Errorf("shard %d: %w", i, wrong[i])
		}
	})
	if err != nil { // then f may still be at it
		return fmt.Errorf("each: %w", err)
	}
	s.samples.Add(1)
	if all {
		s.accounts.Add(1)
	}
	return errors.Join(append(wrong, s.snapshot())...)
}

// unasked gives the players of a shard that have begun or refused to connect more often than they were told
// to. It runs on that shard.
func (s *storm) unasked(shard int) error {
	for id, a := range s.ledgers[shard].Accounts {
		asked, answered := 0, a.Attempts
		tn := s.tenants[shard][id]
		for _, k := range connects {
			answered += a.Refused[k]
			asked += int(tn.asked[k].Load())
			if tn.player != nil {
				asked += tn.player.did.all(k)
			}
		}
		if answered > asked {
			return fmt.Errorf("%s was told to connect %d times, and did or refused to %d times: %+v", id, asked, answered, *a)
		}
	}
	return nil
}

// stuck gives the players of a shard that are Connecting for much longer than a handshake may take.
func (s *storm) stuck(shard int) error {
	limit := s.m.Network().Options().DialTimeout + patience
	for id, a := range s.ledgers[shard].Accounts {
		if a.State == messages.Connecting && messages.Now().Sub(a.Since) > limit {
			return fmt.Errorf("%s is connecting for %v, want at most %v: %+v", id, messages.Now().Sub(a.Since), limit, *a)
		}
	}
	return nil
}

// watch takes samples until ctx ends, and every few seconds says how it goes.
func (s *storm) watch(ctx context.Context) {
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	talk := time.NewTicker(5 * time.Second)
	defer talk.Stop()
	for n := 0; ; n++ {
		if err := s.sample(n%25 == 0); err != nil {
			s.t.Errorf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
			return
		}
		select {
		case <-tick.C:
		case <-talk.C:
			s.say(time.Since(began))
		case <-ctx.Done():
			return
		}
	}
}

func (s *storm) say(at time.Duration) {
	sum := s.recorded()
	var faults, ends uint64
	for _, n := range s.stage.injected() {
		faults += n
	}
	for _, n := range sum.Disconnects {
		ends += n
	}
	fmt.Fprintf(s.t.Output(), "%3.0fs  idle %d, connecting %d, connected %d, disconnected %d; %d commands from outside, %d removals, %d ends, %d faults; %d samples\n",
		at.Seconds(), sum.States[messages.Idle], sum.States[messages.Connecting], sum.States[messages.Connected], sum.States[messages.Disconnected],
		s.commands.Load(), s.removals.Load(), ends, faults, s.samples.Load())
}

// recorded sums what the shards have counted.
func (s *storm) recorded() *metrics.Snapshot {
	parts := make([]metrics.Snapshot, shards)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.m.Each(ctx, func(i int) {
		s.ledgers[i].AddTo(&parts[i])
		parts[i].Traffic = s.m.OnShard(i).Traffic
	})
	if err != nil {
		s.t.Errorf("each: %v", err)
	}
	sum := new(metrics.Snapshot)
	for i := range parts {
		sum.Merge(&parts[i])
	}
	return sum
}
