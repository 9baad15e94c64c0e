package actors

import (
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/transport"
)

// mailbox makes a shard the mailbox of an actor: it has no queue of its own, but posts to the loop's,
// and the loop's goroutine invokes the actor inline. It is embedded in the actor, so that an idle actor
// costs neither a queue nor a goroutine.
//
// System messages have priority over all user messages of the shard. A panic in the actor suspends it
// and tells its supervisor; nothing else on the shard notices.
type mailbox struct {
	inv   actor.MessageInvoker
	loop  *transport.Loop
	stash *[]any // user messages that arrived while suspended
	susp  bool

	failure *PanicError // of the actor, once it has panicked
}

// The two kinds of posts; they differ in what the loop does with the argument.
type (
	userPost   mailbox
	systemPost mailbox
)

func (m *mailbox) RegisterHandlers(inv actor.MessageInvoker, _ actor.Dispatcher) { m.inv = inv }
func (m *mailbox) PostUserMessage(msg any)                                       { m.loop.Post((*userPost)(m), msg) }
func (m *mailbox) PostSystemMessage(msg any)                                     { m.loop.PostUrgent((*systemPost)(m), msg) }
func (m *mailbox) Start()                                                        {}
func (m *mailbox) UserMessageCount() int                                         { return 0 }

// RunOnLoop implements transport.Runner.
func (p *userPost) RunOnLoop(msg any) { (*mailbox)(p).invoke(msg) }

// RunOnLoop implements transport.Runner.
func (p *systemPost) RunOnLoop(msg any) {
	m := (*mailbox)(p)
	m.loop.Blame(m)
	switch msg.(type) {
	case *actor.SuspendMailbox:
		m.susp = true
	case *actor.ResumeMailbox:
		m.susp = false
		if m.stash != nil {
			for _, kept := range *m.stash {
				m.loop.Defer((*userPost)(m), kept)
			}
			m.stash = nil
		}
	default:
		m.inv.InvokeSystemMessage(msg)
	}
}

// invoke runs the actor on msg, now, on the loop's goroutine.
func (m *mailbox) invoke(msg any) {
	if m.susp {
		if m.stash == nil {
			m.stash = new([]any)
		}
		*m.stash = append(*m.stash, msg)
		return
	}
	m.loop.Blame(m)
	m.inv.InvokeUserMessage(msg)
}

// Panicked implements transport.Culprit: the actor is suspended until its supervisor has decided.
func (m *mailbox) Panicked(reason any, stack []byte) {
	m.susp = true
	m.failure = &PanicError{Reason: reason, Stack: stack}
	m.inv.EscalateFailure(m.failure, nil)
}

// PanicError is why a connection whose behaviour panicked ended; it is in Closed.Err, with the cause
// internal.
type PanicError struct {
	Reason any    // what was given to panic
	Stack  []byte // as runtime/debug.Stack gives it
}

// Error gives the reason without the stack.
func (e *PanicError) Error() string { return "panic: " + describe(e.Reason) }

func describe(reason any) (s string) {
	defer func() {
		if recover() != nil { // an Error method that panics itself
			s = string(debug.Stack())
		}
	}()
	switch r := reason.(type) {
	case error:
		return r.Error()
	case string:
		return r
	default:
		return fmt.Sprint(r)
	}
}

// event invokes the actor on something its socket or timer reports. A suspended actor has lost it: what
// a panic interrupted is not taken up again.
func (m *mailbox) event(ev any) {
	if !m.susp {
		m.loop.Blame(m)
		m.inv.InvokeUserMessage(ev)
	}
}
