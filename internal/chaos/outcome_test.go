package chaos

import (
	"errors"
	"fmt"
	"net"

	"github.com/loadrig/loadrig/messages"
)

// outcome is what becomes of a command. Each has exactly one.
type outcome uint8

const (
	accepted outcome = iota
	refused          // for a reason that a *messages.RefusedError gives
	dropped          // accepted, but the backlog had no room
	lost             // accepted, but the peer turned out to be gone
	gone             // the player had been removed
	numOutcomes
)

func (o outcome) String() string {
	return [numOutcomes]string{"accepted", "refused", "dropped", "lost", "gone"}[o]
}

// outcomeOf reads the error of a command that somebody waited for. Any other error than those that the
// contract names is a fault.
func outcomeOf(kind messages.CommandKind, err error) (outcome, error) {
	var no *messages.RefusedError
	switch {
	case err == nil:
		return accepted, nil
	case errors.As(err, &no):
		if no.Command != kind {
			return refused, fmt.Errorf("%s: got a refusal of %s", kind, no.Command)
		}
		return refused, nil
	case errors.Is(err, messages.ErrBacklog) && kind.Input() == messages.InputSend:
		return dropped, nil
	case errors.Is(err, net.ErrClosed) && kind.Input() == messages.InputSend:
		return lost, nil
	case errors.Is(err, messages.ErrUnknownID):
		return gone, nil
	default:
		return gone, fmt.Errorf("%s: got %w, want an outcome", kind, err)
	}
}

// tally counts outcomes by the kind of command.
type tally [messages.NumCommands][numOutcomes]int

func (t *tally) add(u *tally) {
	for k := range t {
		for o := range t[k] {
			t[k][o] += u[k][o]
		}
	}
}

// all gives how many commands of a kind there were.
func (t *tally) all(k messages.CommandKind) (n int) {
	for _, v := range t[k] {
		n += v
	}
	return n
}
