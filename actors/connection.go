package actors

import (
	"errors"
	"fmt"
	"net"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// Behavior reacts to what happens to one connection. It is what makes a connection a player.
type Behavior interface {
	// On is called on the connection's shard for each event: *messages.StateChanged, *Opened, *Message,
	// *Closed, *TimerFired, *Refused and *Signaled. It must not block, as everything else on the shard waits. The
	// event lives until On returns. In On, and only there, all methods of c may be called.
	//
	// A change of state is told first, and then what it came with: StateChanged and Opened, StateChanged
	// and Closed. A command that On gives is carried out at once, so a StateChanged may be told within
	// it; Reconnect belongs into Closed, since before it the end of the last session is still to come.
	// What On itself is refused it is told by the method's error, and not by Refused again.
	On(c *Connection, ev messages.Event)
}

// Connection is one connection actor, as its behaviour sees it. It belongs to its shard: its methods are
// called from Behavior.On only. From anywhere else, tell the Manager.
type Connection struct {
	// Static after construction.
	shard *shard
	pid   *actor.PID
	id    messages.ConnID

	// Owned by the shard.
	behavior Behavior // nil if there is none, or none any more
	params   *messages.Connect
	jar      *transport.Jar  // nil until there is something to keep
	conn     *transport.Conn // nil unless Connecting or Connected
	mailbox  mailbox
	timer    transport.Timer
	state    messages.State
	stopped  bool // takes no more commands
	acting   bool // the behaviour is on the stack
}

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
// There is one timer a connection, whatever its state; setting it again moves it.
func (c *Connection) SetTimer(when messages.Stamp) {
	c.shard.loop.SetTimer(&c.timer, when, (*connTimer)(c))
}

// Forget has the connection be that of another player from the next Connect on: it forgets the cookies and
// the TLS session that were kept.
func (c *Connection) Forget() { c.jar = nil }

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
// it waits for the socket. Errors are a *messages.RefusedError, or where the message was accepted but is
// counted as dropped, messages.ErrBacklog, or net.ErrClosed as the peer turned out to be gone.
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
	open := c.conn.Open()
	switch err := c.conn.Send(op, payload); {
	case err == nil:
		return nil
	case errors.Is(err, messages.ErrBacklog), open && errors.Is(err, net.ErrClosed):
		return err // accepted, and counted by the transport as dropped: not to be counted as refused too
	default:
		return c.refuse(kind, err)
	}
}

// Do carries out a command, or gives the *messages.RefusedError that says why not. For those that send,
// see SendText.
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
		return c.dial(messages.KindConnect, m)
	case *messages.Reconnect:
		return c.dial(messages.KindReconnect, c.params)
	case *messages.Disconnect:
		return c.disconnect(m)
	default:
		return c.refuse(cmd.Kind(), fmt.Errorf("no such command: %T", cmd))
	}
}

func (c *Connection) dial(kind messages.CommandKind, params *messages.Connect) error {
	if c.shard.draining() { // what is opened now, nobody would close
		return c.refuse(kind, messages.ErrStopped)
	}
	c.params = params
	if c.jar == nil && c.shard.network.KeepsFrom(params.URL) {
		c.jar = new(transport.Jar)
	}
	c.conn = c.shard.loop.Dial(params, c.jar, (*connHandler)(c))
	c.shard.busy++
	c.tell(c.move(messages.InputConnect))
	return nil
}

func (c *Connection) disconnect(m *messages.Disconnect) error {
	code := m.Code
	if code == 0 {
		code = messages.CloseNormal
	}
	var err error
	switch {
	case c.conn.Closing():
		err = messages.ErrClosing
	case !code.Sendable():
		err = fmt.Errorf("%w: got %s", messages.ErrCloseCode, code)
	case len(m.Reason) > messages.MaxCloseReason:
		err = fmt.Errorf("%w: got a reason of %d bytes, want at most %d", messages.ErrTooLong, len(m.Reason), messages.MaxCloseReason)
	case !utf8.ValidString(m.Reason): // RFC 6455 §5.5.1
		err = fmt.Errorf("%w: the reason", messages.ErrNotUTF8)
	}
	if err != nil {
		return c.refuse(messages.KindDisconnect, err)
	}
	c.conn.Close(code, m.Reason)
	return nil
}

// refuse tells the observers of a refusal, and the behaviour if the command was not its own: it has the
// error, and one that tried again in On would never end.
func (c *Connection) refuse(kind messages.CommandKind, err error) error {
	refused := &messages.RefusedError{Command: kind, State: c.state, Err: err}
	ev := &messages.Refused{ID: c.id, Command: kind, State: c.state, Err: err}
	c.shard.observe(ev)
	if !c.acting {
		c.act(ev)
	}
	return refused
}
