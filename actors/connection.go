package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// Behavior reacts to what happens to one connection. It is what makes a connection a player.
type Behavior interface {
	// On is called on the connection's shard for each event: *messages.StateChanged, *Opened, *Message,
	// *Closed, *TimerFired and *Refused. It must not block, as everything else on the shard waits. The
	// event lives until On returns. In On, and only there, all methods of c may be called.
	On(c *Connection, ev messages.Event)
}

// Connection is one connection actor, as its behaviour sees it. It belongs to its shard: its methods are
// called from Behavior.On only. From anywhere else, tell the Manager.
type Connection struct {
	shard    *shard
	pid      *actor.PID
	behavior Behavior // nil if there is none
	params   *messages.Connect
	conn     *transport.Conn // nil unless Connecting or Connected
	mailbox  mailbox
	timer    transport.Timer
	id       messages.ConnID
	state    messages.State
	stopped  bool
}

// The faces that a Connection shows to the actor system, the transport and the timer wheel; they keep
// those methods off the one that behaviours see.
type (
	connActor   Connection
	connHandler Connection
	connTimer   Connection
)

// ID gives the connection's id.
func (c *Connection) ID() messages.ConnID { return c.id }

// State gives the present state.
func (c *Connection) State() messages.State { return c.state }

// Closing tells whether a closing handshake is under way; the state is then still Connected.
func (c *Connection) Closing() bool { return c.conn != nil && c.conn.Closing() }

// Pending gives the number of messages that wait for the socket.
func (c *Connection) Pending() int {
	if c.conn == nil {
		return 0
	}
	return c.conn.Pending()
}

// Now gives when the event being handled happened, or was noticed. It is as good as free; messages.Now
// is exact.
func (c *Connection) Now() messages.Stamp { return c.shard.loop.Now() }

// SetTimer has the behaviour called with TimerFired at when, or as soon after as the shard gets to it.
// There is one timer a connection; setting it again moves it.
func (c *Connection) SetTimer(when messages.Stamp) {
	c.shard.loop.SetTimer(&c.timer, when, (*connTimer)(c))
}

// StopTimer disarms the timer.
func (c *Connection) StopTimer() { c.shard.loop.StopTimer(&c.timer) }

// Connect opens the connection as m says. m is kept and must not be changed.
func (c *Connection) Connect(m *messages.Connect) error { return c.Do(m) }

// Reconnect opens the connection again with the parameters of the last Connect, the auth evaluated
// afresh.
func (c *Connection) Reconnect() error { return c.Do(reconnect) }

// Disconnect closes the connection with code (0 means 1000) and reason, or cancels the attempt to open
// it.
func (c *Connection) Disconnect(code messages.CloseCode, reason string) error {
	if code == 0 && reason == "" {
		return c.Do(disconnect)
	}
	return c.Do(&messages.Disconnect{Code: code, Reason: reason})
}

var (
	reconnect  = &messages.Reconnect{}
	disconnect = &messages.Disconnect{}
)

// SendText sends one text message; payload is copied. A nil error means that the kernel has it or that
// it waits for the socket. Errors are a *messages.RefusedError, or messages.ErrBacklog where the message
// was dropped.
func (c *Connection) SendText(payload []byte) error {
	return c.send(messages.KindSendText, messages.OpText, payload)
}

// SendBinary is SendText for a binary message.
func (c *Connection) SendBinary(payload []byte) error {
	return c.send(messages.KindSendBinary, messages.OpBinary, payload)
}

// SendJSON sends object, which must be a JSON object, as one text message.
func (c *Connection) SendJSON(object []byte) error {
	if !messages.IsObject(object) {
		return c.refuse(messages.KindSendJSON, messages.ErrNotObject)
	}
	return c.send(messages.KindSendJSON, messages.OpText, object)
}

// Ping sends a ping of at most 125 bytes; the pong comes as a Message.
func (c *Connection) Ping(payload []byte) error {
	return c.send(messages.KindPing, messages.OpPing, payload)
}

func (c *Connection) send(kind messages.CommandKind, op messages.Op, payload []byte) error {
	if t := messages.Next(c.state, messages.InputSend); t.Err != nil {
		return c.refuse(kind, t.Err)
	}
	switch err := c.conn.Send(op, payload); err {
	case nil, messages.ErrBacklog: // a dropped message was accepted, and is counted as dropped
		return err
	default:
		return c.refuse(kind, err)
	}
}

// Do carries out a command, or gives the *messages.RefusedError that says why not.
func (c *Connection) Do(cmd messages.Command) error {
	if c.stopped {
		return c.refuse(cmd.Kind(), messages.ErrStopped)
	}
	switch m := cmd.(type) {
	case *messages.SendText:
		return c.SendText(m.Payload)
	case *messages.SendBinary:
		return c.SendBinary(m.Payload)
	case *messages.SendJSON:
		return c.SendJSON(m.Object)
	case *messages.Ping:
		return c.Ping(m.Payload)
	}
	if t := messages.Next(c.state, cmd.Kind().Input()); t.Err != nil {
		return c.refuse(cmd.Kind(), t.Err)
	}
	switch m := cmd.(type) {
	case *messages.Connect:
		if err := c.shard.loop.Check(m); err != nil {
			return c.refuse(cmd.Kind(), err)
		}
		c.params = m
		c.dial()
	case *messages.Reconnect:
		c.dial()
	case *messages.Disconnect:
		return c.disconnect(m)
	default:
		return c.refuse(cmd.Kind(), fmt.Errorf("no such command: %T", cmd))
	}
	return nil
}

func (c *Connection) dial() {
	c.conn = c.shard.loop.Dial(c.params, (*connHandler)(c))
	c.move(messages.InputConnect)
}

func (c *Connection) disconnect(m *messages.Disconnect) error {
	code := m.Code
	if code == 0 {
		code = messages.CloseNormal
	}
	switch {
	case c.conn.Closing():
		return c.refuse(messages.KindDisconnect, messages.ErrClosing)
	case !code.Sendable():
		return c.refuse(messages.KindDisconnect, fmt.Errorf("%w: got %s", messages.ErrCloseCode, code))
	case len(m.Reason) > messages.MaxCloseReason:
		return c.refuse(messages.KindDisconnect, fmt.Errorf("%w: got a reason of %d bytes, want at most %d",
			messages.ErrTooLong, len(m.Reason), messages.MaxCloseReason))
	}
	c.conn.Close(code, m.Reason)
	return nil
}

// move takes the transition that the table has for in, and tells of it.
func (c *Connection) move(in messages.Input) {
	t := messages.Next(c.state, in)
	if t.Err != nil {
		panic(fmt.Sprintf("%s in %s: %v", in, c.state, t.Err))
	}
	if t.To == c.state {
		return
	}
	ev := &messages.StateChanged{ID: c.id, From: c.state, To: t.To, At: messages.Now()}
	c.shard.states[c.state]--
	c.shard.states[t.To]++
	c.state = t.To
	c.tell(ev)
}

func (c *Connection) refuse(kind messages.CommandKind, err error) error {
	c.tell(&messages.Refused{ID: c.id, Command: kind, State: c.state, Err: err})
	return &messages.RefusedError{Command: kind, State: c.state, Err: err}
}

// tell hands an event to the recorder, the subscribers and the behaviour, in this order.
func (c *Connection) tell(ev messages.Event) {
	c.shard.observe(ev)
	if c.behavior != nil && !c.stopped {
		c.behavior.On(c, ev)
	}
}

// Receive implements actor.Actor.
func (a *connActor) Receive(ctx actor.Context) {
	c := (*Connection)(a)
	switch m := ctx.Message().(type) {
	case *messages.Message:
		for _, s := range c.shard.subscribers {
			s.Observe(m)
		}
		if c.behavior != nil {
			c.behavior.On(c, m)
		}
	case *messages.TimerFired:
		if c.behavior != nil {
			c.behavior.On(c, m)
		}
	case *messages.Opened:
		c.move(messages.InputOpened)
		c.tell(m)
	case *messages.Closed:
		c.closed(m)
	case messages.Command:
		_ = c.Do(m) // a refusal was told
	case *actor.Stopping:
		c.stop()
	}
}

func (c *Connection) closed(m *messages.Closed) {
	c.conn = nil
	kept := *m // the behaviour may connect again at once, and the loop reuses m
	// A player that panicked while it connected was never told that its connection opened.
	kept.Opened = c.state == messages.Connected
	c.shard.observe(&kept)
	c.move(messages.InputEnded)
	if c.behavior != nil && !c.stopped {
		c.behavior.On(c, &kept)
	}
	c.shard.connEnded()
}

// stop ends the actor for good: its socket is closed, and further commands are refused with ErrStopped.
func (c *Connection) stop() {
	c.stopped = true
	c.StopTimer()
	if f := c.mailbox.failure; f != nil {
		c.shard.log.Error("a player panicked and was stopped", "connection", c.id.String(), "reason", f.Error(), "stack", string(f.Stack))
	}
	if c.conn != nil {
		cause, err := messages.CauseShutdown, error(nil)
		if f := c.mailbox.failure; f != nil {
			cause, err = messages.CauseInternal, f
		}
		c.conn.Abort(cause, err) // Closed follows in this turn
	}
	if c.mailbox.stash != nil {
		for _, m := range *c.mailbox.stash {
			if cmd, ok := m.(messages.Command); ok {
				_ = c.refuse(cmd.Kind(), messages.ErrStopped)
			}
		}
		c.mailbox.stash = nil
	}
}

// Opened implements transport.Handler.
func (h *connHandler) Opened(ev *messages.Opened) {
	ev.ID = h.id
	h.mailbox.event(ev)
}

// Message implements transport.Handler.
func (h *connHandler) Message(ev *messages.Message) {
	ev.ID = h.id
	h.mailbox.event(ev)
}

// Closed implements transport.Handler. It reaches the bookkeeping also when the actor takes no more
// messages.
func (h *connHandler) Closed(ev *messages.Closed) {
	ev.ID = h.id
	if h.stopped || h.mailbox.susp {
		(*Connection)(h).closed(ev)
		return
	}
	h.mailbox.event(ev)
}

// Panicked implements transport.Culprit.
func (h *connHandler) Panicked(reason any, stack []byte) { h.mailbox.Panicked(reason, stack) }

// Alarm implements transport.Alarm.
func (h *connTimer) Alarm(t *transport.Timer, now messages.Stamp) {
	ev := &h.shard.fired
	*ev = messages.TimerFired{ID: h.id, Intended: t.When(), At: now}
	h.mailbox.event(ev)
}

// Panicked implements transport.Culprit.
func (h *connTimer) Panicked(reason any, stack []byte) { h.mailbox.Panicked(reason, stack) }
