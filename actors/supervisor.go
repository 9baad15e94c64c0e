package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/messages"
)

// supervisor is the parent of the connections of one shard, and routes commands to them: the id names
// the slot, so that a route costs a slice index. It lives on the shard as they do.
//
// Its directive is always to stop: a restart would lose the state of the connection, and could hide a
// reconnection that nobody asked for.
type supervisor struct {
	shard   *shard
	mailbox mailbox
	slots   []slot
	free    []uint32
	live    int // connections that have a slot
}

type slot struct {
	conn       *Connection // nil when free
	generation uint32
}

// What a supervisor is told. Replies are sent to buffered channels, so that the shard never waits.
type (
	openMany struct {
		n     int
		behav func(messages.ConnID) Behavior
		reply chan []messages.ConnID
	}
	routed struct {
		id    messages.ConnID
		cmd   messages.Command
		reply chan error // nil if nobody waits
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
		s.route(m)
	case *broadcast:
		for i := range s.slots {
			if c := s.slots[i].conn; c != nil {
				s.shard.loop.Defer((*userPost)(&c.mailbox), m.cmd)
			}
		}
	case *openMany:
		ids := make([]messages.ConnID, m.n)
		for i := range ids {
			ids[i] = s.open(ctx, m.behav)
		}
		m.reply <- ids
	case *remove:
		m.reply <- s.remove(ctx, m.id)
	case *actor.Stopped:
		close(s.shard.stopped)
	}
}

// HandleFailure implements actor.SupervisorStrategy.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	sup.StopChildren(child)
}

// open makes a connection actor. Actor and mailbox are one allocation.
func (s *supervisor) open(ctx actor.Context, behavior func(messages.ConnID) Behavior) messages.ConnID {
	var at uint32
	if n := len(s.free); n > 0 {
		at = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		at = uint32(len(s.slots))
		s.slots = append(s.slots, slot{})
	}
	c := &Connection{shard: s.shard, id: messages.NewConnID(s.shard.index, at, s.slots[at].generation)}
	c.mailbox.loop = s.shard.loop
	if behavior != nil {
		c.behavior = behavior(c.id)
	}
	s.shard.spawning = c
	c.pid = ctx.Spawn(s.shard.props)
	s.shard.spawning = nil
	s.slots[at].conn = c
	s.live++
	s.shard.states[messages.Idle]++
	s.shard.recorder.Added(1)
	return c.id
}

func (s *supervisor) lookup(id messages.ConnID) *Connection {
	if at := int(id.Slot()); at < len(s.slots) && s.slots[at].generation == id.Generation() {
		return s.slots[at].conn
	}
	return nil
}

func (s *supervisor) route(m *routed) {
	c := s.lookup(m.id)
	switch {
	case c == nil:
		m.answer(messages.ErrUnknownID)
	case m.reply == nil && !c.stopped:
		c.mailbox.invoke(m.cmd)
	default:
		s.shard.loop.Blame(&c.mailbox)
		m.answer(s.ask(c, m))
	}
}

// ask has the command carried out and gives its acceptance. The panic of a behaviour is answered too,
// before it goes on to whom it belongs to.
func (s *supervisor) ask(c *Connection, m *routed) error {
	if c.mailbox.susp && !c.stopped {
		return c.refuse(m.cmd.Kind(), messages.ErrStopped)
	}
	answered := false
	defer func() {
		if !answered {
			m.answer(messages.ErrStopped)
		}
	}()
	err := c.Do(m.cmd)
	answered = true
	return err
}

func (m *routed) answer(err error) {
	if m.reply != nil {
		m.reply <- err
	}
}

// remove forgets a connection, aborting it if it is open.
func (s *supervisor) remove(ctx actor.Context, id messages.ConnID) error {
	c := s.lookup(id)
	if c == nil {
		return messages.ErrUnknownID
	}
	if c.conn != nil {
		c.conn.Abort(messages.CauseLocal, nil)
	}
	ctx.Stop(c.pid)
	s.slots[id.Slot()] = slot{generation: id.Generation() + 1}
	s.shard.loop.Defer((*forget)(c), nil)
	return nil
}

// forget takes a removed connection out of the counts, once its end was told.
type forget Connection

// RunOnLoop implements transport.Runner.
func (f *forget) RunOnLoop(any) {
	s := f.shard
	s.states[f.state]--
	s.recorder.Removed(f.state)
	s.supervisor.free = append(s.supervisor.free, f.id.Slot())
	s.supervisor.live--
}
