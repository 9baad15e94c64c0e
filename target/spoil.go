package target

// spoiler makes the faults that a Room server is told to make, on the copies that it would have its members
// sent. Each host has its own and counts its own copies, so what it does needs no chance and is counted exactly.
type spoiler struct {
	// Static after construction: every how many copies; 0 is never.
	lose, duplicate, reorder uint64

	copies uint64 // owned by the host
}

func newSpoiler(o *Options) *spoiler {
	if o.LoseEvery == 0 && o.DuplicateEvery == 0 && o.ReorderEvery == 0 {
		return nil
	}
	return &spoiler{lose: uint64(o.LoseEvery), duplicate: uint64(o.DuplicateEvery), reorder: uint64(o.ReorderEvery)}
}

func every(n, copies uint64) bool { return n > 0 && copies%n == 0 }

// spoil pushes a copy of d to a member, or twice, or not now or ever, and gives how many it pushed. A copy that
// is out of order is kept back until the same speaker's next one has been pushed, or until the member goes.
func (h *host) spoil(g *guest, d *delivery) (pushed uint64) {
	f := h.spoiler
	f.copies++
	switch {
	case every(f.lose, f.copies):
		h.tally.lost.Add(1)
		return 0
	case every(f.duplicate, f.copies):
		if !h.push(g, d) {
			return 0
		}
		pushed = 1
		if h.push(g, d) {
			h.tally.duplicated.Add(1)
			pushed = 2
		}
	case every(f.reorder, f.copies) && g.held.room == nil:
		g.held = *d
		return 0
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
