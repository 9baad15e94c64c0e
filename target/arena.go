package target

import (
	"strconv"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/messages"
)

// arena is a tick server's game, of which only the beat is real. Tick n is due n periods after the start,
// whatever became of those before it: nothing is re-based. Each loop makes its own ticks, for its own
// players, and only while it has some; a loop that comes so late that the next tick is due makes that one
// only, and counts the ones between as skipped.
type arena struct {
	// Static after construction.
	start messages.Stamp
	rate  int64 // ticks a second
}

func newArena(rate int) *arena { return &arena{messages.Now(), int64(rate)} }

// due gives when tick n is due. It is rounded up to the nanosecond, so that latest(due(n)) is n.
func (a *arena) due(n uint64) messages.Stamp {
	whole, rest := int64(n)/a.rate, int64(n)%a.rate
	return a.start.Add(time.Duration(whole)*time.Second + time.Duration((rest*int64(time.Second)+a.rate-1)/a.rate))
}

// latest gives the last tick that was due at now.
func (a *arena) latest(now messages.Stamp) uint64 {
	d := now.Sub(a.start)
	whole, rest := int64(d/time.Second), int64(d%time.Second)
	return uint64(whole*a.rate + rest*a.rate/int64(time.Second))
}

// message implements conversation.
func (a *arena) message(s *session, op ws.OpCode, p, out []byte) ([]byte, bool) {
	c, wrong := parseCommand(op, p)
	if wrong != "" {
		return s.wrong(out, wrong, c.id), true
	}
	var b [128]byte
	switch c.op {
	case "enter":
		a.enter(s.guest)
		return s.answer(out, strconv.AppendInt(append(b[:0], `{"op":"entered","rate":`...), a.rate, 10), c.id), true
	case "move":
		switch {
		case c.x.Type != gjson.Number || c.y.Type != gjson.Number:
			return s.wrong(out, "want x and y as numbers", c.id), true
		case !s.guest.entered:
			return s.wrong(out, "not there, want enter first", c.id), true
		case c.id == "":
			return out, true
		}
		return s.answer(out, append(b[:0], `{"op":"moved"`...), c.id), true
	}
	return s.wrong(out, "got op "+clip(c.op)+", want enter or move", c.id), true
}

func (a *arena) enter(g *guest) {
	h := g.session.host
	if g.entered {
		return
	}
	if len(h.entered) == 0 {
		h.beat = a.latest(messages.Now()) // nobody was there for those before
	}
	g.entered, g.at = true, len(h.entered)
	h.entered = append(h.entered, g)
	h.totals.players.Add(1)
}

// leave implements conversation.
func (a *arena) leave(s *session) {
	g, h := s.guest, s.host
	if !g.entered {
		return
	}
	last := len(h.entered) - 1
	h.entered[g.at] = h.entered[last]
	h.entered[g.at].at = g.at
	h.entered[last] = nil
	h.entered = h.entered[:last]
	g.entered = false
	h.totals.players.Add(-1)
}

// untilBeat gives how long it is until the host's next tick is due.
func (h *host) untilBeat(now messages.Stamp) time.Duration {
	return max(0, h.shared.arena.due(h.beat+1).Sub(now))
}

// tick makes the tick that is due, if there is one, and pushes it to the host's players. It tells whether it
// did.
func (h *host) tick(now messages.Stamp) bool {
	a := h.shared.arena
	n := a.latest(now)
	if len(h.entered) == 0 || n <= h.beat {
		return false
	}
	h.tally.skipped.Add(n - h.beat - 1)
	h.tally.beats.Add(1)
	h.beat = n
	var b [128]byte
	text := strconv.AppendUint(append(b[:0], `{"op":"tick","n":`...), n, 10)
	text = strconv.AppendInt(append(text, `,"t":`...), now.Sub(a.start).Milliseconds(), 10)
	text = strconv.AppendInt(append(text, `,"players":`...), h.totals.players.Load(), 10)
	d := newDelivery(append(text, '}'))
	made := uint64(0)
	for _, g := range h.entered {
		if h.push(g, &d) {
			made++
		}
	}
	h.tally.ticks.Add(made)
	return true
}
