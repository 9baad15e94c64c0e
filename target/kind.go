package target

import (
	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

// Kind is what a server does with messages. Package documentation has the protocols.
type Kind string

// The kinds.
const (
	Echo     Kind = "echo"      // sends each message back
	Room     Kind = "room"      // rooms whose members hear each other, and a game for two
	Tick     Kind = "tick"      // pushes the state of a game at a fixed rate
	JSONAuth Kind = "json-auth" // lets in whom a delegated token names, then echoes
)

// Kinds gives all of them, the default first.
func Kinds() []Kind { return []Kind{Echo, Room, Tick, JSONAuth} }

// CloseTokenExpired is the close code of a json-auth session that outlives its token. It is of the range
// for private use (RFC 6455 §7.4.2).
const CloseTokenExpired messages.CloseCode = 4401

// conversation is what sessions do that are not an echo's. It is called by whoever owns the session, and
// must not block.
type conversation interface {
	// message answers a whole message, which lives until it returns; ok is false if it is to be echoed.
	message(s *session, op ws.OpCode, p, out []byte) (answered []byte, ok bool)
	// leave is called once when a session stops being open.
	leave(s *session)
}

// shared is what all loops of one server share beyond counts. One of the first three is set, by the kind; none
// for echo.
type shared struct {
	hall   *hall
	arena  *arena
	gate   *gate
	delays *delays // nil: answers are sent at once, and no log is kept of them
}

// newShared may read the JWKS.
func newShared(o *Options) (shared, error) {
	switch o.Kind {
	case Room:
		return shared{hall: newHall()}, nil
	case Tick:
		return shared{arena: newArena(o.TickRate)}, nil
	case JSONAuth:
		g, err := newGate(o)
		return shared{gate: g, delays: newDelays(o)}, err
	}
	return shared{delays: newDelays(o)}, nil
}

func (s shared) conversation() conversation {
	switch {
	case s.hall != nil:
		return s.hall
	case s.arena != nil:
		return s.arena
	case s.gate != nil:
		return s.gate
	}
	return nil
}

// pushes tells whether peers get messages that are no answer to what they just sent.
func (s shared) pushes() bool { return s.hall != nil || s.arena != nil || s.delays != nil }

// line is the engine's side of a session that others have messages sent on.
type line interface {
	// push sends a frame, or keeps it until the socket takes it. It is false if the session is ending, or
	// now is as too much waits. It is called by whoever owns the session.
	push(frame []byte) bool
	// answer sends an answer that was held back, or keeps it until the socket takes it. The session is open,
	// and what is held is bounded, so all is taken. It is called by whoever owns the session.
	answer(frame []byte)
}

// guest is a session that is more than an echo's, or whose answers are held back. Its owner is the session's.
type guest struct {
	// Static after construction.
	session *session
	line    line   // nil where nothing is pushed
	number  uint64 // of the connection, where there are delays

	spots   []spot   // in a hall: the rooms it is in
	seat    seat     // in a hall: the game it plays
	held    delivery // in a hall that makes faults: what is kept back, if it has a room
	entered bool     // in an arena: gets ticks
	at      int      // in an arena: index among the host's
	pass    *pass    // past a gate: its token
}

// delivery is a message that one session has others sent.
type delivery struct {
	room  *room  // to its members that had joined when it was said; or
	said  uint64 // the number of what was said in room
	from  *guest // the one who said it: compared only
	to    *guest // to this one
	frame []byte // shared: read only
	size  int    // of its payload
}

func newDelivery(text []byte) delivery {
	frame := make([]byte, 0, len(text)+10)
	return delivery{frame: appendFrame(frame, ws.OpText, text), size: len(text)}
}

// deliver pushes what was posted to this host.
func (h *host) deliver(ds []delivery) {
	for i := range ds {
		d := &ds[i]
		if d.to != nil {
			if h.push(d.to, d) {
				h.tally.answers.Add(1)
			}
			continue
		}
		n := uint64(0)
		for _, m := range d.room.parts[h.index].members {
			switch {
			case m.since >= d.said:
			case h.spoiler != nil:
				n += h.spoil(m.guest, d)
			case h.push(m.guest, d):
				n++
			}
		}
		h.tally.deliveries.Add(n)
	}
}

func (h *host) push(g *guest, d *delivery) bool {
	if g.session.phase != open || !g.line.push(d.frame) {
		return false
	}
	h.tally.sent.Add(1)
	h.tally.sentBytes.Add(uint64(d.size))
	return true
}
