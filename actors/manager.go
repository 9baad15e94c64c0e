package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"
	cmap "github.com/orcaman/concurrent-map"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// Observer is told of events as they happen. It is called on the shards, by several of them at once, and
// must not block. Events live until Observe returns.
type Observer interface {
	Observe(ev messages.Event)
}

// Recorder counts what happens on one shard, and how well its loop keeps up. It is told of everything but timers and messages, whose counts
// are in Traffic; of messages, only of the pongs that answer a keep-alive ping. All its methods are called
// on the shard's goroutine.
type Recorder interface {
	Observer
	transport.Meter
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
	// Recorder gives the recorder of each shard, or nil. Default: none.
	Recorder func(shard int) Recorder
	// Logger is told of players that panic, with the stack: of the first 16 on each shard, as it is called
	// on the shard and may block. Default: slog.Default.
	Logger *slog.Logger
}

// Manager holds connections and routes commands to them. Its methods are safe for concurrent use, but
// must not be called from a Behavior or an Observer, whose shard they may have to wait for.
type Manager struct {
	// Static after construction.
	network *transport.Network
	system  *actor.ActorSystem
	shards  []*shard
	loops   sync.WaitGroup
	stopped chan struct{} // closed when Stop is done

	// Atomic.
	next     atomic.Uint64 // connections asked for so far: each goes to the next shard
	stopping atomic.Bool

	// Written before stopped is closed, read after.
	stopErr error
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
			if r := o.Recorder(i); r != nil {
				rec = r
			}
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
	// Without those who log dead letters, and start a goroutine for a second to do so seldom enough: what is
	// told to a shard while it stops is one.
	system.EventStream = eventstream.NewEventStream()
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

// OpenMany makes n connections, spread evenly over the shards, or none. behavior is called once for each,
// on its shard and so on several at once; it may be nil, and may give nil. If it panics the error is a
// *PanicError.
func (m *Manager) OpenMany(n int, behavior func(messages.ConnID) Behavior) ([]messages.ConnID, error) {
	if n < 1 {
		return nil, fmt.Errorf("open: got %d connections, want 1 or more", n)
	}
	if m.stopping.Load() {
		return nil, messages.ErrStopped
	}
	shards := uint64(len(m.shards))
	first := m.next.Add(uint64(n)) - uint64(n)
	at := func(i int) int { return int((first + uint64(i)) % shards) }
	replies := make([]chan opened, len(m.shards))
	for i := range min(n, len(m.shards)) {
		count := (n - i + len(m.shards) - 1) / len(m.shards) // of i, i+shards, i+2·shards … below n
		replies[at(i)] = make(chan opened, 1)
		m.system.Root.Send(m.shards[at(i)].pid, &openMany{n: count, behavior: behavior, reply: replies[at(i)]})
	}
	got := make([]opened, len(m.shards))
	var err error
	for i, r := range replies {
		if r == nil {
			continue
		}
		select {
		case got[i] = <-r:
		case <-m.stopped:
			return nil, messages.ErrStopped
		}
		if err == nil {
			err = got[i].err
		}
	}
	if err != nil {
		m.forgetAll(got)
		return nil, fmt.Errorf("open: %w", err)
	}
	ids := make([]messages.ConnID, n)
	for i := range ids { // in turn, so that neighbours in time are on different shards
		ids[i] = got[at(i)].ids[i/len(m.shards)]
	}
	return ids, nil
}

// forgetAll takes back what was opened where not all could be.
func (m *Manager) forgetAll(got []opened) {
	for _, g := range got {
		for _, id := range g.ids {
			_ = m.Remove(context.Background(), id)
		}
	}
}

// Tell gives a command to a connection and returns at once. What becomes of it is told as events: of a
// refusal, Refused; of a connection that was removed, nothing. Commands from one goroutine to one
// connection keep their order, whether they are told, told to all, or done. The error is
// messages.ErrUnknownID for an id that cannot be of this Manager, or messages.ErrStopped.
func (m *Manager) Tell(id messages.ConnID, cmd messages.Command) error {
	s, err := m.shard(id)
	if err != nil {
		return err
	}
	if cmd == nil {
		return errNoCommand
	}
	m.system.Root.Send(s.pid, &routed{id: id, cmd: cmd})
	return nil
}

var errNoCommand = errors.New("got no command")

// Signal has a connection's behaviour called with a *messages.Signaled that holds value, and returns at
// once. A connection that was removed, or has stopped, is told nothing. Signals and commands from one
// goroutine to one connection keep their order.
func (m *Manager) Signal(id messages.ConnID, value any) error {
	s, err := m.shard(id)
	if err != nil {
		return err
	}
	m.system.Root.Send(s.pid, &messages.Signaled{ID: id, Value: value})
	return nil
}

// Do gives a command to a connection and waits until it is accepted, which takes one turn of its shard
// and no network, or refused with a *messages.RefusedError. It does not wait for what follows: a Connect
// that is accepted may still fail. Messages that were accepted but dropped give the errors that SendText
// names; a player that panics over the command, messages.ErrStopped. If ctx ends first, the command may
// still be carried out.
func (m *Manager) Do(ctx context.Context, id messages.ConnID, cmd messages.Command) error {
	s, err := m.shard(id)
	if err != nil {
		return err
	}
	if cmd == nil {
		return errNoCommand
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
	if cmd == nil {
		return errNoCommand
	}
	for _, s := range m.shards {
		m.system.Root.Send(s.pid, &broadcast{cmd})
	}
	return nil
}

// Remove forgets a connection; one that is open is cut off without a closing handshake, the cause being
// local. Its behaviour is told so, and nothing after that; its commands are refused with ErrStopped. The
// id is not used again.
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

// Subscribe has o told of all events of all connections, messages included but not timers, from now on:
// of everything that follows from commands given later. Each event reaches the shard's recorder first,
// then the observers in the order of their subscriptions, then the behaviour.
func (m *Manager) Subscribe(o Observer) {
	for _, s := range m.shards {
		s.loop.Post(callFunc(func() { s.subscribers = append(s.subscribers, o) }), nil)
	}
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
func (discard) Turn(time.Duration)     {}
func (discard) ReadLag(time.Duration)  {}
