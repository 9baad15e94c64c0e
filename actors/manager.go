package actors

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	cmap "github.com/orcaman/concurrent-map"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// Observer is told of events as they happen. It is called on the shards, by several of them at once, and
// must not block. Events live until Observe returns.
type Observer interface {
	Observe(ev messages.Event)
}

// Recorder counts what happens on one shard. It is told of everything but messages, whose counts are in
// Traffic. All its methods are called on the shard's goroutine.
type Recorder interface {
	Observer
	// Added is told that n connections were opened; they are Idle.
	Added(n int)
	// Removed is told that a connection was removed, in the state that it was in.
	Removed(s messages.State)
}

// Options sets up a Manager. The zero value works.
type Options struct {
	// Shards is the number of event loops. Default: GOMAXPROCS. At most messages.MaxShards.
	Shards int
	// Transport is handed to the transport package.
	Transport transport.Options
	// Recorder gives the recorder of each shard. Default: none.
	Recorder func(shard int) Recorder
	// Logger is told of players that panic. Default: slog.Default.
	Logger *slog.Logger
}

// Manager holds connections and routes commands to them. Its methods are safe for concurrent use, but
// must not be called from a Behavior or an Observer, whose shard they may have to wait for.
type Manager struct {
	network *transport.Network
	system  *actor.ActorSystem
	shards  []*shard
	loops   sync.WaitGroup

	next     atomic.Uint32 // the shard that the next connection goes to
	stopping atomic.Bool
	stopped  chan struct{}
	stop     sync.Once
}

// NewManager starts the shards. Stop releases what it holds.
func NewManager(o Options) (*Manager, error) {
	if o.Shards == 0 {
		o.Shards = runtime.GOMAXPROCS(0)
	}
	if o.Shards < 0 || o.Shards > messages.MaxShards {
		return nil, fmt.Errorf("shards: got %d, want 1 to %d", o.Shards, messages.MaxShards)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	network, err := transport.NewNetwork(o.Transport)
	if err != nil {
		return nil, err
	}
	m := &Manager{network: network, stopped: make(chan struct{}), system: newSystem()}
	for i := range o.Shards {
		var rec Recorder = discard{}
		if o.Recorder != nil {
			rec = o.Recorder(i)
		}
		s, err := newShard(i, network, rec, o.Logger)
		if err != nil {
			m.release()
			return nil, fmt.Errorf("shard %d: %w", i, err)
		}
		m.shards = append(m.shards, s)
		m.loops.Add(1)
		go func() {
			defer m.loops.Done()
			s.loop.Run()
		}()
		s.spawn(m.system)
	}
	return m, nil
}

// newSystem makes an actor system that is quiet, and whose registry is sized for few big maps: as it
// comes, it holds 32,768 of them, most of which a few thousand actors would each open for themselves.
func newSystem() *actor.ActorSystem {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	system.ProcessRegistry.LocalPIDs = &actor.SliceMap{LocalPIDs: []cmap.ConcurrentMap{cmap.New()}}
	system.ProcessRegistry.Add(system.DeadLetter, "deadletter")
	system.ProcessRegistry.Add(actor.NewEventStreamProcess(system), "eventstream")
	return system
}

// Network gives the transport's shared part, for its options and limits.
func (m *Manager) Network() *transport.Network { return m.network }

// Shards gives the number of shards.
func (m *Manager) Shards() int { return len(m.shards) }

// Open makes a connection, Idle. behavior is called on the connection's shard from then on; nil makes a
// connection that only commands drive.
func (m *Manager) Open(behavior Behavior) (messages.ConnID, error) {
	ids, err := m.OpenMany(1, func(messages.ConnID) Behavior { return behavior })
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// OpenMany makes n connections, spread evenly over the shards. behavior is called once for each, on its
// shard; it may be nil, and may give nil.
func (m *Manager) OpenMany(n int, behavior func(messages.ConnID) Behavior) ([]messages.ConnID, error) {
	if n < 1 {
		return nil, fmt.Errorf("open: got %d connections, want 1 or more", n)
	}
	if m.stopping.Load() {
		return nil, messages.ErrStopped
	}
	count := make([]int, len(m.shards))
	first := int(m.next.Add(uint32(n))) - n
	for i := range n {
		count[(first+i)%len(count)]++
	}
	replies := make([]chan []messages.ConnID, len(m.shards))
	for i, s := range m.shards {
		replies[i] = make(chan []messages.ConnID, 1)
		if count[i] == 0 {
			replies[i] <- nil
			continue
		}
		m.system.Root.Send(s.pid, &openMany{n: count[i], behav: behavior, reply: replies[i]})
	}
	byShard := make([][]messages.ConnID, len(m.shards))
	for i, r := range replies {
		select {
		case byShard[i] = <-r:
		case <-m.stopped:
			return nil, messages.ErrStopped
		}
	}
	ids := make([]messages.ConnID, 0, n)
	for i := range n { // in turn, so that neighbours in time are on different shards
		at := (first + i) % len(count)
		ids = append(ids, byShard[at][0])
		byShard[at] = byShard[at][1:]
	}
	return ids, nil
}

// Tell gives a command to a connection and returns at once. What becomes of it is told as events: of a
// refusal, Refused. Commands from one goroutine to one connection keep their order. The error is
// messages.ErrUnknownID for an id of another Manager, or messages.ErrStopped.
func (m *Manager) Tell(id messages.ConnID, cmd messages.Command) error {
	s, err := m.shard(id)
	if err != nil {
		return err
	}
	m.system.Root.Send(s.pid, &routed{id: id, cmd: cmd})
	return nil
}

// Do gives a command to a connection and waits until it is accepted, which takes one turn of its shard
// and no network, or refused with a *messages.RefusedError. It does not wait for what follows: a Connect
// that is accepted may still fail.
func (m *Manager) Do(ctx context.Context, id messages.ConnID, cmd messages.Command) error {
	s, err := m.shard(id)
	if err != nil {
		return err
	}
	reply := make(chan error, 1)
	m.system.Root.Send(s.pid, &routed{id: id, cmd: cmd, reply: reply})
	return m.await(ctx, reply)
}

// TellAll gives a command to every connection, by one message to each shard.
func (m *Manager) TellAll(cmd messages.Command) error {
	if m.stopping.Load() {
		return messages.ErrStopped
	}
	for _, s := range m.shards {
		m.system.Root.Send(s.pid, &broadcast{cmd})
	}
	return nil
}

// Remove forgets a connection; one that is open is cut off without a closing handshake. Its id is not
// used again.
func (m *Manager) Remove(ctx context.Context, id messages.ConnID) error {
	s, err := m.shard(id)
	if err != nil {
		return err
	}
	reply := make(chan error, 1)
	m.system.Root.Send(s.pid, &remove{id: id, reply: reply})
	return m.await(ctx, reply)
}

func (m *Manager) await(ctx context.Context, reply <-chan error) error {
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-m.stopped:
		return messages.ErrStopped
	}
}

// Subscribe has o told of all events of all connections, messages included, from now on.
func (m *Manager) Subscribe(o Observer) {
	for _, s := range m.shards {
		s.loop.Post(callFunc(func() { s.subscribers = append(s.subscribers, o) }), nil)
	}
}

// Each runs f on every shard's goroutine, all at once, and waits until all have returned: the way to read
// what belongs to a shard. f must not block.
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
	return Snapshot{States: s.states, Traffic: *s.loop.Traffic(), Panics: s.loop.Panics()}
}

// Drain closes every connection with a close frame (cause shutdown), waits until the closing handshakes
// are over or ctx ends, and then cuts off what is left. It returns ctx's error if it had to. The
// connections can be connected again afterwards.
func (m *Manager) Drain(ctx context.Context) error {
	waits := make([]<-chan struct{}, len(m.shards))
	for i, s := range m.shards {
		waits[i] = s.drain()
	}
	for _, w := range waits {
		select {
		case <-w:
		case <-m.stopped:
			return messages.ErrStopped
		case <-ctx.Done():
			for _, s := range m.shards {
				<-s.call(s.abort)
			}
			return fmt.Errorf("drain: connections were cut off: %w", ctx.Err())
		}
	}
	return nil
}

// Stop drains, stops all actors and shards and waits for their goroutines. Commands are refused with
// messages.ErrStopped from its beginning. It may be called more than once; the error is Drain's.
func (m *Manager) Stop(ctx context.Context) (err error) {
	m.stop.Do(func() {
		m.stopping.Store(true)
		err = m.Drain(ctx)
		for _, s := range m.shards {
			m.system.Root.Stop(s.pid)
		}
		for _, s := range m.shards {
			<-s.stopped
		}
		m.release()
		close(m.stopped)
	})
	<-m.stopped
	return err
}

func (m *Manager) release() {
	for _, s := range m.shards {
		s.loop.Stop()
	}
	m.loops.Wait()
	m.network.Wait()
	m.system.Shutdown()
}

func (m *Manager) shard(id messages.ConnID) (*shard, error) {
	if m.stopping.Load() {
		return nil, messages.ErrStopped
	}
	if i := id.Shard(); i >= 0 && i < len(m.shards) {
		return m.shards[i], nil
	}
	return nil, messages.ErrUnknownID
}

// discard is the Recorder of those who want none.
type discard struct{}

func (discard) Observe(messages.Event) {}
func (discard) Added(int)              {}
func (discard) Removed(messages.State) {}
