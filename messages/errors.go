package messages

import (
	"errors"
	"fmt"
	"net"
)

// Why a command was refused or a send was dropped. Test for them with errors.Is.
var (
	ErrNeverConnected    = errors.New("never connected: connect first")
	ErrNotConnected      = errors.New("not connected")
	ErrAlreadyConnecting = errors.New("already connecting")
	ErrAlreadyConnected  = errors.New("already connected")
	ErrClosing           = errors.New("closing handshake under way")
	ErrStopped           = errors.New("stopped")
	ErrUnknownID         = errors.New("no such connection")
	ErrBadURL            = errors.New("bad url")
	ErrBadHeader         = errors.New("bad header")
	ErrNotObject         = errors.New("not a json object")
	ErrNotUTF8           = errors.New("not utf-8")
	ErrCloseCode         = errors.New("close code may not be sent")
	ErrTooLong           = errors.New("too long for a control frame")
	ErrBacklog           = errors.New("backlog full: the peer does not read")

	// ErrImpossible marks an input that no correct transport gives in that state: a bug in loadrig.
	ErrImpossible = errors.New("impossible in this state: a bug in loadrig")
)

// RefusedError says which command was refused, and in which state.
type RefusedError struct {
	Command CommandKind
	State   State
	Err     error
}

// Error gives "reconnect refused in idle: never connected: connect first".
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s refused in %s: %v", e.Command, e.State, e.Err)
}

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// HandshakeError says how the opening handshake failed. The connection was never open, so it does not
// unwrap to net.ErrClosed.
type HandshakeError struct {
	Phase  Phase
	Cause  Cause
	Status int // the HTTP status, if one was received
	Err    error
}

// Error gives "opening handshake: upgrade: upgrade_status: got status 403, want 101".
func (e *HandshakeError) Error() string {
	s := fmt.Sprintf("opening handshake: %s: %s", e.Phase, e.Cause)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the details.
func (e *HandshakeError) Unwrap() error { return e.Err }

// CloseError says how an open connection ended. It unwraps to net.ErrClosed and to the details.
type CloseError struct {
	Cause  Cause
	Code   CloseCode
	Reason string
	Err    error
}

// Error gives "closed by remote: 1001 going away", with the peer's reason quoted and the details, if any.
func (e *CloseError) Error() string {
	s := fmt.Sprintf("closed by %s: %s: %s", e.Cause.Initiator(), e.Cause, e.Code)
	if e.Reason != "" {
		s += fmt.Sprintf(" %q", e.Reason)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives net.ErrClosed and the details.
func (e *CloseError) Unwrap() []error {
	if e.Err == nil {
		return []error{net.ErrClosed}
	}
	return []error{net.ErrClosed, e.Err}
}

// FieldError says which field of a set of options is wrong.
type FieldError struct {
	Field string
	Err   error // got and want
}

// Error gives "Size: got -1 bytes, want 0 or more".
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }
