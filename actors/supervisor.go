package actors

import (
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/messages"
)

// supervisor is the parent of the connections of one shard, and routes commands to them: the id names
// the slot, so that a route costs a slice index. It lives on the shard as they do.
//
// Its directive is always to stop: a restart would lose the state of the connection, and could hide a
// reconnection that nobody asked for.
type supervisor struct {
	// Static after construction.
	shard   *shard
	mailbox mailbox

	// Owned by the shard.
	slots    []slot
	free     []uint32
	stopping bool
}

type slot struct {
	conn       *Connection // nil when free
	generation uint32
}

// What a supervisor is told. Replies are sent to buffered channels, so that the shard never waits.
type (
	openMany struct {
		n        int
		behavior func(messages.ConnID) Behavior
		reply    chan opened
	}
	opened struct {
		ids []messages.ConnID
		err error
	}
	routed struct {
		id    messages.ConnID
		cmd   messages.Command
		reply chan error // nil if nobody waits
		err   error      // filled in by the connection
	}
	broadcast struct{ cmd messages.Command }
	remove    struct {
		id    messages.ConnID
		reply chan error
	}
)

// Receive implements actor.Actor.
func (s *supervisor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *routed:
		if c := s.lookup(m.id); c != nil {
			c.ask(m)
		} else {
			m.err = messages.ErrUnknownID
		}
		if m.reply != nil {
			m.reply <- m.err
		}
	case *messages.Signaled:
		if c := s.lookup(m.ID); c != nil && !c.stopped {
			c.signal(m)
		}
	case *broadcast:
		each := &routed{cmd: m.cmd}
		for i := range s.slots {
			if c := s.slots[i].conn; c != nil {
				c.ask(each)
			}
		}
	case *openMany:
		ids, err := s.openMany(ctx, m)
		m.reply <- opened{ids, err}
	case *remove:
		m.reply <- s.remove(ctx, m.id)
	case *actor.Stopping:
		s.stopping = true
	case *actor.Stopped:
		close(s.shard.stopped)
	}
}

// HandleFailure implements actor.SupervisorStrategy.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	sup.StopChildren(child)
}

// openMany opens all that m asks for, or none.
func (s *supervisor) openMany(ctx actor.Context, m *openMany) (ids []messages.ConnID, err error) {
	if s.stopping { // its children were told to stop; one more would never be
		return nil, messages.ErrStopped
	}
	defer func() {
		if reason := recover(); reason != nil { // the caller's function, or the recorder
			failure := &PanicError{Reason: reason, Stack: debug.Stack()}
			for _, id := range ids {
				_ = s.remove(ctx, id)
			}
			ids, err = nil, failure
			s.shard.panics++
		}
	}()
	ids = make([]messages.ConnID, 0, m.n)
	for range m.n {
		ids = append(ids, s.open(ctx, m.behavior))
	}
	return ids, nil
}

// open makes a connection actor. Actor and mailbox are one allocation.
func (s *supervisor) open(ctx actor.Context, behavior func(messages.ConnID) Behavior) messages.ConnID {
	at, generation := uint32(len(s.slots)), uint32(0)
	if n := len(s.free); n > 0 {
		at = s.free[n-1]
		generation = s.slots[at].generation
	}
	c := &Connection{shard: s.shard, id: messages.NewConnID(s.shard.index, at, generation)}
	c.mailbox.shard, c.mailbox.conn = s.shard, c
	if behavior != nil {
		c.behavior = behavior(c.id)
	}
	s.shard.recorder.Added(1) // before anything is done that its panic would leave half done
	s.shard.spawning = c
	c.pid = ctx.Spawn(s.shard.props)
	s.shard.spawning = nil
	if int(at) == len(s.slots) {
		s.slots = append(s.slots, slot{})
	} else {
		s.free = s.free[:len(s.free)-1]
	}
	s.slots[at].conn = c
	s.shard.states[messages.Idle]++
	return c.id
}

func (s *supervisor) lookup(id messages.ConnID) *Connection {
	if at := uint64(id.Slot()); at < uint64(len(s.slots)) && s.slots[at].generation == id.Generation() {
		return s.slots[at].conn
	}
	return nil
}

// remove forgets a connection, cutting it off if it is open.
func (s *supervisor) remove(ctx actor.Context, id messages.ConnID) error {
	c := s.lookup(id)
	if c == nil {
		return messages.ErrUnknownID
	}
	s.slots[id.Slot()] = slot{generation: messages.NewConnID(0, 0, id.Generation()+1).Generation()}
	ctx.Stop(c.pid)
	c.cut(messages.CauseLocal, nil)
	s.shard.loop.Defer((*forget)(c), nil)
	return nil
}

// forget takes a removed connection out of the counts, once its end was told.
type forget Connection

// RunOnLoop implements transport.Runner.
func (f *forget) RunOnLoop(any) {
	s := f.shard
	s.states[f.state]--
	s.supervisor.free = append(s.supervisor.free, f.id.Slot())
	s.recorder.Removed(f.state)
}
