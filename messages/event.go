package messages

import "time"

// Event is one of *StateChanged, *Opened, *Message, *Closed, *Refused, *TimerFired and *Signaled.
//
// Events are handed out by pointer on the goroutine of the connection's shard, and live only until
// the callback returns: the shard reuses them. Copy what is to be kept.
type Event interface{ event() }

// StateChanged is told after each change of state.
type StateChanged struct {
	ID       ConnID
	From, To State
	At       Stamp
}

// Opened is told when the opening handshake succeeded.
type Opened struct {
	ID          ConnID
	Subprotocol string // what the server picked; empty if none
	Extensions  string // what was agreed on, as "permessage-deflate; server_no_context_takeover"; empty if none
	Handshake   Handshake
}

// Handshake times an opening handshake by its phases. A phase that did not take place is 0.
type Handshake struct {
	Start  Stamp
	Phases [NumPhases]time.Duration
	Total  time.Duration // from Start, queueing and auth included, to the last byte of the response head
}

// End gives when it ended: where it succeeded, when the session began.
func (h *Handshake) End() Stamp { return h.Start.Add(h.Total) }

// Phase is a part of the opening handshake.
type Phase uint8

// The phases, in their order.
const (
	PhaseResolve Phase = iota // name lookup
	PhaseConnect              // TCP connect
	PhaseTLS                  // TLS handshake, wss only
	PhaseUpgrade              // HTTP upgrade, from the first byte sent to the last of the response head
	NumPhases    = 4
)

var phaseNames = [NumPhases]string{"resolve", "connect", "tls", "upgrade"}

// String gives the metric label.
func (p Phase) String() string { return nameOf(phaseNames[:], int(p)) }

// Op tells kinds of messages apart.
type Op uint8

// The kinds of messages. They are not the wire's opcodes.
const (
	OpText Op = iota
	OpBinary
	OpPing
	OpPong
	OpClose
	NumOps = 5
)

var opNames = [NumOps]string{"text", "binary", "ping", "pong", "close"}

// String gives the metric label.
func (o Op) String() string { return nameOf(opNames[:], int(o)) }

// IsData tells text and binary messages from control frames.
func (o Op) IsData() bool { return o <= OpBinary }

// Message is told for each whole data message, and for each ping (already answered) and pong.
type Message struct {
	ID      ConnID
	Op      Op
	Payload []byte // valid until the callback returns
	At      Stamp  // when the read that completed it returned

	// Arrived is when the kernel had the last segment of what that read took: not before the message was there
	// whole, and not after At. 0 if it is not known; see transport.Options.KernelTimestamps.
	Arrived Stamp

	// RoundTrip is how long a pong took that answers a keep-alive ping of the transport's own, from when that
	// ping was due to go out; 0 for all else.
	RoundTrip time.Duration
}

// Closed is told exactly once for each accepted Connect or Reconnect, when it has ended, whether or
// not it ever opened. The first cause is kept, whatever happens after it.
type Closed struct {
	ID     ConnID
	Cause  Cause
	Opened bool      // whether the opening handshake had succeeded
	Phase  Phase     // where it failed, if it did not open
	Code   CloseCode // the first close code that crossed the wire; CloseAbnormal if none did
	Reason string    // the peer's reason where the peer closed first; hostile input
	Clean  bool      // close frames were seen in both directions
	Status int       // the HTTP status of a refused upgrade, else 0
	Unsent int       // messages accepted but not handed to the kernel when it ended
	Err    error     // details; nil for clean closes
	At     Stamp

	// Lasted is how long the session was, from the end of the opening handshake to At, exactly: At.Add(-Lasted) is
	// Handshake.End of its Opened. 0 if it never opened.
	Lasted time.Duration
}

// Failure gives the end as an error: a *HandshakeError where the connection never opened, a *CloseError
// where it had; nil where this side closed it and the peer agreed.
func (c *Closed) Failure() error {
	switch {
	case !c.Opened:
		return &HandshakeError{Phase: c.Phase, Cause: c.Cause, Status: c.Status, Err: c.Err}
	case c.Clean && c.Cause.Expected():
		return nil
	default:
		return &CloseError{Cause: c.Cause, Code: c.Code, Reason: c.Reason, Err: c.Err}
	}
}

// Refused is told when a command was not accepted.
type Refused struct {
	ID      ConnID
	Command CommandKind
	State   State
	Err     error
}

// TimerFired is told when a timer that the behaviour set has come due.
type TimerFired struct {
	ID       ConnID
	Intended Stamp // when it was due
	At       Stamp // when the shard came to it
}

// Signaled is told when somebody outside the shard has a word for the behaviour. It is told to nobody else.
type Signaled struct {
	ID    ConnID
	Value any // what was given to Manager.Signal
}

func (*StateChanged) event() {}
func (*Opened) event()       {}
func (*Message) event()      {}
func (*Closed) event()       {}
func (*Refused) event()      {}
func (*TimerFired) event()   {}
func (*Signaled) event()     {}
