package ledger

import (
	"errors"
	"fmt"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// decline notes counts that have become less than they were, though they only ever grow.
type decline []error

func (d *decline) one(what string, was, is uint64) {
	if is < was && len(*d) < maxWrong {
		*d = append(*d, fmt.Errorf("%s: %d, after %d", what, is, was))
	}
}

func (d *decline) all(what string, was, is []uint64) {
	for i := range is {
		if is[i] < was[i] {
			d.one(fmt.Sprintf("%s[%d]", what, i), was[i], is[i])
		}
	}
}

// less gives what has become less from one snapshot to the next, but for traffic.
func less(was, is *metrics.Snapshot) error {
	var d decline
	d.one("added", was.Added, is.Added)
	d.one("opening handshakes", was.Handshake.Count(), is.Handshake.Count())
	d.all("removed", was.Removed[:], is.Removed[:])
	d.all("disconnects", was.Disconnects[:], is.Disconnects[:])
	for i := range is.Transitions {
		d.all("transitions from "+messages.State(i).String(), was.Transitions[i][:], is.Transitions[i][:])
	}
	for i := range is.Refused {
		d.all("refused "+messages.CommandKind(i).String(), was.Refused[i][:], is.Refused[i][:])
	}
	for i := range is.HandshakeFailures {
		d.all("handshake failures in "+messages.Phase(i).String(), was.HandshakeFailures[i][:], is.HandshakeFailures[i][:])
	}
	return errors.Join(d...)
}

// lessTraffic is less for traffic. What is pending comes and goes.
func lessTraffic(was, is *messages.Traffic) error {
	var d decline
	d.one("asked", was.Asked, is.Asked)
	d.all("sent", was.Sent[:], is.Sent[:])
	d.all("received", was.Received[:], is.Received[:])
	d.all("dropped", was.Dropped[:], is.Dropped[:])
	d.one("sent bytes", was.SentBytes, is.SentBytes)
	d.one("received bytes", was.ReceivedBytes, is.ReceivedBytes)
	d.one("bytes written", was.SentWire, is.SentWire)
	d.one("bytes read", was.ReceivedWire, is.ReceivedWire)
	return errors.Join(d...)
}
