package target

import (
	"sync/atomic"

	"github.com/gobwas/ws"
)

// spoiler makes the faults that a server is told to make: a Room server on the copies that it would have its
// members sent, others on echoes. Each host has its own and counts its own messages, so what it does needs no
// chance and is counted exactly.
type spoiler struct {
	// Static after construction: every how many messages; 0 is never.
	lose, duplicate, reorder, corrupt uint64

	// Atomic, as echoing sessions that have a goroutine each hold no lock.
	messages  atomic.Uint64
	corrupted atomic.Uint64
}

func newSpoiler(o *Options) *spoiler {
	if o.LoseEvery == 0 && o.DuplicateEvery == 0 && o.ReorderEvery == 0 && o.CorruptEvery == 0 {
		return nil
	}
	return &spoiler{
		lose: uint64(o.LoseEvery), duplicate: uint64(o.DuplicateEvery),
		reorder: uint64(o.ReorderEvery), corrupt: uint64(o.CorruptEvery),
	}
}

func every(n, messages uint64) bool { return n > 0 && messages%n == 0 }

// spoilEcho gives how often p is to be echoed, perhaps after it changed p, and counts what it did.
func (h *host) spoilEcho(op ws.OpCode, p []byte) (times int) {
	f := h.spoiler
	if f == nil {
		return 1
	}
	n := f.messages.Add(1)
	switch {
	case every(f.lose, n):
		h.tally.lost.Add(1)
		return 0
	case every(f.duplicate, n):
		h.tally.duplicated.Add(1)
		return 2
	case every(f.corrupt, n) && len(p) > 0:
		// A prime step comes by every place of messages whose length it does not divide.
		spoilAt(p, op == ws.OpText, int(f.corrupted.Add(1)*7919%uint64(len(p))))
		h.tally.corrupted.Add(1)
	}
	return 1
}

// spoilAt changes the byte of p at a place, or the last one of the character there. Text stays UTF-8: ASCII is
// turned into other ASCII, and the last byte of a longer character has six bits that may be anything.
func spoilAt(p []byte, isText bool, at int) {
	for isText && p[at] >= 0x80 && at+1 < len(p) && p[at+1]&0xc0 == 0x80 {
		at++
	}
	switch c := p[at]; {
	case c >= '0' && c <= '9':
		p[at] = '0' + (c-'0'+1)%10
	case c >= 'a' && c <= 'z':
		p[at] = 'a' + (c-'a'+1)%26
	case c >= 'A' && c <= 'Z':
		p[at] = 'A' + (c-'A'+1)%26
	default:
		p[at] ^= 1
	}
}

// spoilt gives a copy of d whose last letter or digit is another, so that JSON stays JSON.
func (d *delivery) spoilt() *delivery {
	c := *d
	c.frame = append([]byte(nil), d.frame...)
	p := c.frame[len(c.frame)-c.size:]
	at := len(p) - 1
	for i := at; i >= 0; i-- {
		if b := p[i] | 0x20; b >= 'a' && b <= 'z' || p[i] >= '0' && p[i] <= '9' {
			at = i
			break
		}
	}
	spoilAt(p, true, at)
	return &c
}

// spoil pushes a copy of d to a member, or twice, or changed, or not now or ever, and gives how many it pushed. A
// copy that is out of order is kept back until the same speaker's next one has been pushed unchanged, or until the
// member goes: from a changed one a client need not be able to tell that it was the next.
func (h *host) spoil(g *guest, d *delivery) (pushed uint64) {
	f := h.spoiler
	n := f.messages.Add(1)
	switch {
	case every(f.lose, n):
		h.tally.lost.Add(1)
		return 0
	case every(f.duplicate, n):
		if !h.push(g, d) {
			return 0
		}
		pushed = 1
		if h.push(g, d) {
			h.tally.duplicated.Add(1)
			pushed = 2
		}
	case every(f.reorder, n) && g.held.room == nil:
		g.held = *d
		return 0
	case every(f.corrupt, n):
		if !h.push(g, d.spoilt()) {
			return 0
		}
		h.tally.corrupted.Add(1)
		return 1
	case h.push(g, d):
		pushed = 1
	default:
		return 0
	}
	if late := g.held; late.room != nil && late.from == d.from {
		g.held = delivery{}
		if h.push(g, &late) {
			h.tally.reordered.Add(1)
			return pushed + 1
		}
		h.tally.lost.Add(1)
	}
	return pushed
}

// release pushes the copy that was kept back for a member of r who leaves it, in order after all. It is lost
// if the session is no longer open.
func (g *guest) release(r *room) {
	if g.held.room != r {
		return
	}
	d, h := g.held, g.session.host
	g.held = delivery{}
	if h.push(g, &d) {
		h.tally.deliveries.Add(1)
		return
	}
	h.tally.lost.Add(1)
}
