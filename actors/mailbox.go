package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/transport"
)

// mailbox makes a shard the mailbox of an actor: it has no queue of its own, but posts to the loop's,
// and the loop's goroutine invokes the actor inline. It is embedded in the actor, so that an idle actor
// costs neither a queue nor a goroutine.
//
// System messages have priority over all user messages of the shard. A panic in a connection suspends it
// and tells its supervisor; nothing else on the shard notices.
type mailbox struct {
	// Static after construction.
	shard *shard
	conn  *Connection // whose mailbox it is; nil for the supervisor's
	inv   actor.MessageInvoker

	// Owned by the shard.
	susp bool
}

// The two kinds of posts; they differ in what the loop does with the argument.
type (
	userPost   mailbox
	systemPost mailbox
)

func (m *mailbox) RegisterHandlers(inv actor.MessageInvoker, _ actor.Dispatcher) { m.inv = inv }
func (m *mailbox) PostUserMessage(msg any)                                       { m.shard.loop.Post((*userPost)(m), msg) }
func (m *mailbox) PostSystemMessage(msg any) {
	m.shard.loop.PostUrgent((*systemPost)(m), msg)
}
func (m *mailbox) Start()                {}
func (m *mailbox) UserMessageCount() int { return 0 }

// RunOnLoop implements transport.Runner.
func (p *userPost) RunOnLoop(msg any) {
	m := (*mailbox)(p)
	m.shard.loop.Blame(m)
	m.invoke(msg)
}

// RunOnLoop implements transport.Runner.
func (p *systemPost) RunOnLoop(msg any) {
	m := (*mailbox)(p)
	m.shard.loop.Blame(m)
	switch msg.(type) {
	case *actor.SuspendMailbox:
		m.susp = true
	case *actor.ResumeMailbox:
		m.susp = false
	default:
		m.inv.InvokeSystemMessage(msg)
	}
}

// invoke runs the actor on msg, now, on the loop's goroutine, which knows whom to blame. A suspended actor is about to be stopped, so
// nothing is kept for it: its commands are refused before they come here, and what a panic interrupted is
// not taken up again.
func (m *mailbox) invoke(msg any) {
	if !m.susp {
		m.inv.InvokeUserMessage(msg)
	}
}

// Panicked implements transport.Culprit. A connection is ended at once, as what happens to it from here on
// must not be taken for the cause; its actor is suspended until the supervisor has stopped it. A
// supervisor has lost one message and goes on.
func (m *mailbox) Panicked(reason any, stack []byte) {
	failure := &PanicError{Reason: reason, Stack: stack}
	defer m.shard.logPanic(m.conn, failure) // last, as the logger is not ours
	if m.conn == nil {
		return
	}
	m.conn.fail(failure)
	if !m.susp {
		m.susp = true
		m.inv.EscalateFailure(failure, nil)
	}
}

var _ transport.Culprit = (*mailbox)(nil)
