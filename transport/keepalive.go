package transport

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// keepalive is what a connection keeps that sends pings of its own accord. A ping carries the instant at
// which it was sent, so that its pong can be timed however many others are under way, and a proof that it
// is ours.
type keepalive struct {
	due      messages.Stamp // of the next ping
	answered messages.Stamp // when the last ping that was answered was sent, at first when the connection opened; no earlier one can be
}

const pingSize = 16 // of a keep-alive's payload: instant and proof

// startPings begins the schedule at a random place within the first interval, so that players who
// came together do not ping together.
func (c *Conn) startPings() {
	every := c.loop.net.opts.PingInterval
	if every <= 0 {
		return
	}
	first := 1 + c.loop.random.Uint64()%uint64(every)
	c.ka = &keepalive{due: c.loop.now.Add(time.Duration(first)), answered: c.loop.now}
}

// pingDue sends the ping that is due. Those that were missed, by a machine that slept perhaps, are left out;
// the schedule stays.
func (c *Conn) pingDue(now messages.Stamp) {
	every := c.loop.net.opts.PingInterval
	missed := now.Sub(c.ka.due) / every
	c.ka.due = c.ka.due.Add((missed + 1) * every)
	sent := messages.Now()
	var b [pingSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(sent))
	binary.BigEndian.PutUint64(b[8:], c.loop.proof(sent))
	_ = c.send(messages.OpPing, b[:]) // what is dropped is counted
}

// pongTime gives how long a pong took that answers one of our own pings, else 0. A peer that sends it
// twice, or out of order, or makes one up, is not believed.
func (c *Conn) pongTime(payload []byte) time.Duration {
	if c.ka == nil || len(payload) != pingSize {
		return 0
	}
	sent := messages.Stamp(binary.BigEndian.Uint64(payload))
	if binary.BigEndian.Uint64(payload[8:]) != c.loop.proof(sent) || sent <= c.ka.answered {
		return 0
	}
	c.ka.answered = sent
	return max(1, c.loop.now.Sub(sent))
}

// proof is a number that only this loop can give for an instant.
func (l *Loop) proof(at messages.Stamp) uint64 { return maphash.Comparable(l.seed, at) }
