package metrics

import (
	"time"

	"github.com/loadrig/loadrig/messages"
)

// Shard is the recorder of one shard. All methods are called by the goroutine of that shard only.
// None locks, uses atomics or allocates. It takes a fixed 1.6 MiB; the zero value is ready.
type Shard struct {
	// Owned by the shard.
	counts Snapshot // Traffic stays 0: the transport counts it; At too
}

// Added counts n new connections, which are Idle.
func (s *Shard) Added(n int) {
	s.counts.Added += uint64(n)
	s.counts.States[messages.Idle] += int64(n)
}

// Removed counts one connection that was forgotten in the state st.
func (s *Shard) Removed(st messages.State) {
	if st >= messages.NumStates {
		s.counts.Malformed++
		return
	}
	s.counts.Removed[st]++
	s.counts.States[st]--
}

// Observe counts an event: *StateChanged, *Opened, *Closed, *Refused, and of *Message the pongs that answer
// a keep-alive ping; all others are ignored. It
// keeps nothing of ev. Each event is to be observed once.
func (s *Shard) Observe(ev messages.Event) {
	c := &s.counts
	switch e := ev.(type) {
	case *messages.StateChanged:
		if e.From >= messages.NumStates || e.To >= messages.NumStates {
			c.Malformed++
			return
		}
		c.Transitions[e.From][e.To]++
		c.States[e.From]--
		c.States[e.To]++
	case *messages.Opened:
		c.Handshake.Record(e.Handshake.Total)
		c.Lifetimes.began(e.Handshake.End())
		if e.Extensions != "" { // there is only one extension
			c.Compressed++
		}
		for p, d := range e.Handshake.Phases {
			if d != 0 {
				c.Phases[p].Record(d)
			}
		}
	case *messages.Closed:
		s.closed(e)
	case *messages.Message:
		if e.RoundTrip > 0 {
			c.Ping.Record(e.RoundTrip)
		}
	case *messages.Refused:
		if e.Command >= messages.NumCommands || e.State >= messages.NumStates {
			c.Malformed++
			return
		}
		c.Refused[e.Command][e.State]++
	}
}

func (s *Shard) closed(e *messages.Closed) {
	c := &s.counts
	if e.Cause == messages.CauseNone || e.Cause >= messages.NumCauses || !e.Opened && e.Phase >= messages.NumPhases {
		c.Malformed++
		return
	}
	c.Disconnects[e.Cause]++
	if !e.Opened {
		c.HandshakeFailures[e.Phase][e.Cause]++
		return
	}
	c.Lifetimes.ended(e.At, e.Lasted, e.Cause.Expected())
	class := classOf(e.Code)
	c.closes[e.Cause][class]++
	if !class.registered() {
		c.codes.add(e.Cause, e.Code, 1)
	}
}

// Response counts the answer to a message: received - sent is a round trip, received - intended a
// response. Where a send has no schedule, intended is when it was asked for.
func (s *Shard) Response(intended, sent, received messages.Stamp) {
	s.counts.RoundTrip.Record(received.Sub(sent))
	s.counts.Response.Record(received.Sub(intended))
}

// Stray counts a message that came and is not the answer to one that was sent.
func (s *Shard) Stray(why messages.Stray) {
	if why >= messages.NumStrays {
		s.counts.Malformed++
		return
	}
	s.counts.Strays[why]++
}

// Arrived counts when the answer that Response is told of had arrived, by the kernel's stamp: arrived - sent is
// a round trip without the delay in reading it. What had arrived before the message was sent, and only then
// was read, is no answer to go by; it is left out.
func (s *Shard) Arrived(sent, arrived messages.Stamp) {
	if arrived >= sent {
		s.counts.KernelRoundTrip.Record(arrived.Sub(sent))
	}
}

// Turn counts a turn of the shard's loop, of so much work.
func (s *Shard) Turn(d time.Duration) { s.counts.LoopTurn.Record(d) }

// ReadLag counts a read of what had arrived so long ago.
func (s *Shard) ReadLag(d time.Duration) { s.counts.ReadLag.Record(d) }

// Lag counts how late the shard came to something that it had scheduled. In time, and below 1 µs
// late, is in the histogram's Under.
func (s *Shard) Lag(d time.Duration) { s.counts.ScheduleLag.Record(d) }

// AddTo adds all that was counted so far to sum, which no one else may use meanwhile. It takes about
// as long as reading the bins in use, at most 0.12 ms. Traffic and At are not part of it.
func (s *Shard) AddTo(sum *Snapshot) { sum.Merge(&s.counts) }
