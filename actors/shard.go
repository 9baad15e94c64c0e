package actors

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// shard is one event loop with the actors that live on it.
type shard struct {
	// Static after construction.
	index      int
	network    *transport.Network
	loop       *transport.Loop
	log        *slog.Logger
	props      *actor.Props // of connections
	recorder   Recorder
	supervisor *supervisor
	pid        *actor.PID    // of the supervisor
	stopped    chan struct{} // closed when the supervisor and all its children are gone

	// Owned by the loop's goroutine.
	states      [messages.NumStates]int
	busy        int // attempts and sessions whose end was not told
	panics      uint64
	logged      int // panics that were logged
	subscribers []Observer
	fired       messages.TimerFired // reused
	spawning    *Connection         // handed to the producers within one call of Spawn
	drains      []chan struct{}     // those who wait until busy is 0
	stopping    bool                // Stop has begun
}

func newShard(index int, network *transport.Network, recorder Recorder, log *slog.Logger) (*shard, error) {
	loop, err := transport.NewLoop(network)
	if err != nil {
		return nil, err
	}
	loop.SetMeter(recorder)
	s := &shard{index: index, network: network, loop: loop, log: log, recorder: recorder, stopped: make(chan struct{})}
	s.supervisor = &supervisor{shard: s}
	s.supervisor.mailbox.shard = s
	s.props = actor.PropsFromProducer(
		func() actor.Actor {
			if s.spawning == nil {
				return new(inert) // a restart, which the supervisor never asks for: no socket, no behaviour
			}
			return (*connActor)(s.spawning)
		},
		actor.WithMailbox(func() actor.Mailbox { return &s.spawning.mailbox }),
	)
	return s, nil
}

// inert is an actor that does nothing.
type inert struct{}

// Receive implements actor.Actor.
func (*inert) Receive(actor.Context) {}

// spawn starts the supervisor. The loop may be running or not.
func (s *shard) spawn(system *actor.ActorSystem) {
	s.pid = system.Root.Spawn(actor.PropsFromProducer(
		func() actor.Actor { return s.supervisor },
		actor.WithMailbox(func() actor.Mailbox { return &s.supervisor.mailbox }),
	))
}

// observe tells the recorder of evs, and then each of the subscribers.
func (s *shard) observe(evs ...messages.Event) {
	for _, ev := range evs {
		s.recorder.Observe(ev)
	}
	for _, sub := range s.subscribers {
		for _, ev := range evs {
			sub.Observe(ev)
		}
	}
}

// call runs f on the loop's goroutine and closes the channel it gives when f has returned.
func (s *shard) call(f func()) <-chan struct{} {
	done := make(chan struct{})
	s.loop.Post(callFunc(func() {
		defer close(done)
		f()
	}), nil)
	return done
}

type callFunc func()

// RunOnLoop implements transport.Runner.
func (f callFunc) RunOnLoop(any) { f() }

// drain closes every connection with a close frame, and gives a channel that is closed when all have
// ended. Until then, and if stop for ever, none is opened.
func (s *shard) drain(stop bool) <-chan struct{} {
	drained := make(chan struct{})
	s.loop.Post(callFunc(func() {
		s.stopping = s.stopping || stop
		s.drains = append(s.drains, drained)
		s.eachConn((*transport.Conn).Shutdown)
		s.connEnded()
	}), nil)
	return drained
}

// abort ends what is left without more ado.
func (s *shard) abort() {
	s.eachConn(func(c *transport.Conn) { c.Abort(messages.CauseShutdown, nil) })
}

func (s *shard) eachConn(f func(*transport.Conn)) {
	for i := range s.supervisor.slots {
		if c := s.supervisor.slots[i].conn; c != nil && c.conn != nil {
			f(c.conn)
		}
	}
}

// draining tells that nothing is to be opened.
func (s *shard) draining() bool { return s.stopping || len(s.drains) > 0 }

// connEnded tells those who wait for the last connection to end, if it was that.
func (s *shard) connEnded() {
	if s.busy == 0 {
		for _, d := range s.drains {
			close(d)
		}
		s.drains = nil
	}
}
