package actors

import (
	"fmt"
	"log/slog"
)

// PanicError is a panic in a behaviour or an observer. It is in Closed.Err of the connection that ended by
// it, with the cause internal.
type PanicError struct {
	Reason any    // what was given to panic
	Stack  []byte // as runtime/debug.Stack gives it
}

// Error gives the reason without the stack.
func (e *PanicError) Error() string { return "panic: " + describe(e.Reason) }

// Unwrap gives the reason, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Reason.(error)
	return err
}

func describe(reason any) (s string) {
	defer func() {
		if recover() != nil { // an Error method that panics itself
			s = fmt.Sprintf("%T, which cannot be printed", reason)
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

// maxLogged bounds the panics that a shard logs, as logging may block, and thousands of players tend to
// panic over the same thing.
const maxLogged = 16

// logPanic logs the panic of c, or of the supervisor if c is nil.
func (s *shard) logPanic(c *Connection, failure *PanicError) {
	if s.logged == maxLogged {
		return
	}
	s.logged++
	args := []any{slog.Int("shard", s.index), slog.String("reason", failure.Error()), slog.String("stack", string(failure.Stack))}
	if s.logged == maxLogged {
		args = append(args, slog.String("note", "further panics on this shard are counted, not logged"))
	}
	if c == nil {
		s.log.Error("a supervisor panicked and goes on", args...)
		return
	}
	s.log.Error("a player panicked and was stopped", append(args, slog.String("connection", c.id.String()))...)
}
