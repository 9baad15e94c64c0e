package transport

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/loadrig/loadrig/messages"
)

// causeOf tells what an error of a socket says. What this machine ran out of is told apart from what the
// peer or the network did.
func causeOf(err error) messages.Cause {
	var dns *net.DNSError
	switch {
	case isAny(err, errnoReset):
		return messages.CauseReset
	case isAny(err, errnoRefused):
		return messages.CauseRefused
	case noPortLeft(err), isAny(err, errnoResource):
		return messages.CauseLocalResource
	case isAny(err, errnoTimeout), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return messages.CauseConnectTimeout
	case errors.As(err, &dns):
		return messages.CauseResolve
	case errors.Is(err, errEOF), errors.Is(err, net.ErrClosed):
		return messages.CauseEOF
	default:
		return messages.CauseReset
	}
}

// noPortLeft tells that no local port was free for the source and destination.
func noPortLeft(err error) bool { return isAny(err, errnoNoPort) }

// peerGone tells errors of a write that the next read explains better.
func peerGone(err error) bool { return isAny(err, errnoReset) }

func isAny(err error, targets []error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}
