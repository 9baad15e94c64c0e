package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"

	"github.com/loadrig/loadrig/messages"
)

// causeOf tells what an error of a socket says. What this machine ran out of is told apart from what the
// peer or the network did.
func causeOf(err error) messages.Cause {
	var dns *net.DNSError
	var alert *net.OpError
	var through *proxyError
	switch {
	case errors.As(err, &through) && !isAny(err, timedOut) && !noPortLeft(err) && !isAny(err, errnoResource):
		return messages.CauseProxy
	case isAny(err, errnoReset):
		return messages.CauseReset
	case isAny(err, errnoRefused):
		return messages.CauseRefused
	case noPortLeft(err), isAny(err, errnoResource):
		return messages.CauseLocalResource
	case isAny(err, timedOut):
		return messages.CauseConnectTimeout
	case errors.As(err, &dns):
		return messages.CauseResolve
	case isAny(err, ended):
		return messages.CauseEOF
	case errors.As(err, new(tls.RecordHeaderError)):
		return messages.CauseTLS
	case errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"):
		return messages.CauseTLS // an alert; a server of TLS 1.3 refuses a client after the handshake
	default:
		return messages.CauseReset
	}
}

// timedOut are the errors that say that something took too long.
var timedOut = append([]error{os.ErrDeadlineExceeded, context.DeadlineExceeded}, errnoTimeout...)

// noPortLeft tells that no local port was free for the source and destination.
func noPortLeft(err error) bool { return isAny(err, errnoNoPort) }

// ended are the errors that say that a stream is at its end. TLS without a closing alert gives
// ErrUnexpectedEOF; it is how many servers end.
var ended = []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed}

// peerGone tells errors of a write that the next read explains better.
func peerGone(err error) bool { return isAny(err, errnoReset) || errors.Is(err, io.ErrClosedPipe) }

func isAny(err error, targets []error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}
