package actors

import (
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// The faces that a Connection shows to the actor system, the transport and the timer wheel; they keep
// those methods off the one that behaviours see.
type (
	connActor   Connection
	connHandler Connection
	connTimer   Connection
)

// Receive implements actor.Actor.
func (a *connActor) Receive(ctx actor.Context) {
	c := (*Connection)(a)
	switch m := ctx.Message().(type) {
	case *messages.Message:
		if m.RoundTrip > 0 {
			c.shard.recorder.Observe(m)
		}
		for _, s := range c.shard.subscribers {
			s.Observe(m)
		}
		c.act(m)
	case *messages.TimerFired:
		c.act(m)
	case *messages.Opened:
		c.tell(c.move(messages.InputOpened), m)
	case *messages.Closed:
		c.closed(m)
	case *routed:
		m.err = c.Do(m.cmd)
	case *actor.Stopping:
		c.end(messages.CauseShutdown, nil)
	}
}

// ask has the actor carry out a command, and fills in whether it was accepted. The panic of its player is
// borne here, so that who waits is answered, and who comes next has their turn.
func (c *Connection) ask(m *routed) {
	defer func() {
		if reason := recover(); reason != nil {
			m.err = messages.ErrStopped
			c.shard.panics++
			c.mailbox.Panicked(reason, debug.Stack())
		}
	}()
	if c.stopped { // the actor may be gone
		m.err = c.Do(m.cmd)
		return
	}
	c.mailbox.inv.InvokeUserMessage(m)
}

// move takes the transition that the table has for in, and gives what is to be told of it. It tells
// nothing itself: all counts are right before anybody else's code runs, which may panic.
func (c *Connection) move(in messages.Input) *messages.StateChanged {
	t := messages.Next(c.state, in)
	if t.Err != nil {
		panic(fmt.Sprintf("%s in %s: %v", in, c.state, t.Err))
	}
	ev := &messages.StateChanged{ID: c.id, From: c.state, To: t.To, At: messages.Now()}
	c.shard.states[c.state]--
	c.shard.states[t.To]++
	c.state = t.To
	return ev
}

// tell hands events that belong together to the recorder, the subscribers and the behaviour, in this
// order, each of whom gets all of them before the next: the panic of one leaves no half with those before
// it.
func (c *Connection) tell(evs ...messages.Event) {
	c.shard.observe(evs...)
	for _, ev := range evs {
		c.act(ev)
	}
}

// act has the behaviour react.
func (c *Connection) act(ev messages.Event) {
	if c.behavior == nil {
		return
	}
	was := c.acting
	c.acting = true
	c.behavior.On(c, ev)
	c.acting = was
}

// closed ends an attempt or a session. Observers are told of the cause before the change of state, so
// that who waits for the last change has all causes.
func (c *Connection) closed(m *messages.Closed) {
	c.conn = nil
	c.shard.busy--
	defer c.shard.connEnded()
	changed := c.move(messages.InputEnded)
	c.shard.observe(m, changed)
	c.act(changed)
	c.act(m)
}

// cut has the player take no more commands, and cuts its connection off; its behaviour is still told so.
func (c *Connection) cut(cause messages.Cause, err error) {
	c.stopped = true
	c.StopTimer()
	if c.conn != nil {
		c.conn.Abort(cause, err) // Closed follows in this turn
	}
}

// end is cut, and the behaviour is never called again.
func (c *Connection) end(cause messages.Cause, err error) {
	c.behavior = nil
	c.cut(cause, err)
}

// fail ends a player that has panicked.
func (c *Connection) fail(failure *PanicError) { c.end(messages.CauseInternal, failure) }

// Opened implements transport.Handler.
func (h *connHandler) Opened(ev *messages.Opened) {
	ev.ID = h.id
	h.mailbox.invoke(ev)
}

// Message implements transport.Handler.
func (h *connHandler) Message(ev *messages.Message) {
	ev.ID = h.id
	h.mailbox.invoke(ev)
}

// Closed implements transport.Handler. It reaches the bookkeeping also when the actor takes no more
// messages.
func (h *connHandler) Closed(ev *messages.Closed) {
	ev.ID = h.id
	if h.stopped {
		(*Connection)(h).closed(ev)
		return
	}
	h.mailbox.invoke(ev)
}

// Panicked implements transport.Culprit.
func (h *connHandler) Panicked(reason any, stack []byte) { h.mailbox.Panicked(reason, stack) }

// Alarm implements transport.Alarm.
func (h *connTimer) Alarm(t *transport.Timer, now messages.Stamp) {
	ev := &h.shard.fired
	*ev = messages.TimerFired{ID: h.id, Intended: t.When(), At: now}
	h.mailbox.invoke(ev)
}

// Panicked implements transport.Culprit.
func (h *connTimer) Panicked(reason any, stack []byte) { h.mailbox.Panicked(reason, stack) }
