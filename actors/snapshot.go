package actors

import (
	"context"

	"github.com/loadrig/loadrig/messages"
)

// Each runs f on every shard's goroutine, all at once, and waits until all have returned: the way to read
// what belongs to a shard. f must not block. If ctx ends first, f may still be run after Each has
// returned.
func (m *Manager) Each(ctx context.Context, f func(shard int)) error {
	done := make([]<-chan struct{}, len(m.shards))
	for i, s := range m.shards {
		done[i] = s.call(func() { f(i) })
	}
	for _, d := range done {
		select {
		case <-d:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.stopped:
			return messages.ErrStopped
		}
	}
	return nil
}

// Snapshot is the state of all connections, shard by shard at one instant each.
type Snapshot struct {
	States  [messages.NumStates]int
	Traffic messages.Traffic
	Panics  uint64 // of behaviours and observers
}

// Players gives the number of connections, whatever their state.
func (s *Snapshot) Players() (n int) {
	for _, v := range s.States {
		n += v
	}
	return n
}

// Snapshot reads all shards.
func (m *Manager) Snapshot(ctx context.Context) (Snapshot, error) {
	parts := make([]Snapshot, len(m.shards))
	err := m.Each(ctx, func(i int) { parts[i] = m.OnShard(i) })
	if err != nil {
		return Snapshot{}, err
	}
	var sum Snapshot
	for i := range parts {
		for st, n := range parts[i].States {
			sum.States[st] += n
		}
		sum.Traffic.Add(&parts[i].Traffic)
		sum.Panics += parts[i].Panics
	}
	return sum, nil
}

// OnShard reads one shard. It may be called in Each only, for the shard that f was called for.
func (m *Manager) OnShard(i int) Snapshot {
	s := m.shards[i]
	return Snapshot{States: s.states, Traffic: *s.loop.Traffic(), Panics: s.loop.Panics() + s.panics}
}
