package load

import (
	"errors"
	"math/bits"
	"sort"
	"time"
)

// Held is the closed model: how many players are held at a time, and when each start and stop is due. On a
// ramp the number follows the line from one level to the next, rounded up: of 1,000 players in 30 s the n-th,
// from 0, starts after n·30 ms, and on the way down the n-th stop is due after (n+1)·30 ms. When the load
// ends, all stop.
//
// Starts and stops are counted from the start of the load, and the target is their difference. So a driver
// knows of each start and stop when it was due, also where it is late with several at once.
//
// It does not change once made, and may be used concurrently.
type Held struct {
	parts  []part
	starts int // in all
	peak   int
	end    time.Duration
}

// part is a time in which the number of players follows one line.
type part struct {
	start, length time.Duration
	starts, stops int // by its start, and with what happens at that instant
	delta         int // what the line rises by, over length
}

// up and down are the starts and stops along the line.
func (s *part) up() int   { return max(s.delta, 0) }
func (s *part) down() int { return max(-s.delta, 0) }

// Held gives the arithmetic of p, which must be of the closed model. The error is that of Validate.
func (p Plan) Held() (*Held, error) {
	if p.Model != Closed {
		return nil, errors.New("held: got a plan of the open model, want the closed one")
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	within := p.Within
	if within == 0 {
		within = DefaultWithin
	}
	h := &Held{end: p.Duration()}
	level, at, starts, stops := 0, time.Duration(0), 0, 0
	add := func(length time.Duration, delta int) {
		h.parts = append(h.parts, part{at, length, starts, stops, delta})
		starts, stops = starts+max(delta, 0), stops+max(-delta, 0)
		at += length // no matter what it is after Forever, as nothing follows
	}
	for _, s := range p.Stages {
		switch d := s.Players - level; {
		case !s.Step:
			add(s.Duration, d)
		case d > 0 && !p.LockStep:
			w := min(within, s.Duration)
			add(w, d)
			if w < s.Duration {
				add(s.Duration-w, 0)
			}
		default:
			starts, stops = starts+max(d, 0), stops+max(-d, 0)
			add(s.Duration, 0)
		}
		level = s.Players
		h.peak = max(h.peak, level)
	}
	h.starts = starts
	return h, nil
}

// Duration is how long the load lasts; Forever if it ends when all players are done.
func (h *Held) Duration() time.Duration { return h.end }

// Total is the number of starts in all. Replacements are not among them.
func (h *Held) Total() int { return h.starts }

// Peak is the largest number held at a time.
func (h *Held) Peak() int { return h.peak }

// Target is the number of players to hold at t; 0 before the start and from the end on.
func (h *Held) Target(t time.Duration) int { return h.Starts(t) - h.Stops(t) }

// Missing is how many of the players to hold at t there are not, where so many live. With Replace that many
// are to be started; without, only those that are due by Starts.
func (h *Held) Missing(t time.Duration, live int) int { return max(h.Target(t)-live, 0) }

// Surplus is how many are to be stopped at t, where so many live.
func (h *Held) Surplus(t time.Duration, live int) int { return max(live-h.Target(t), 0) }

// Starts is the number of starts due by t.
func (h *Held) Starts(t time.Duration) int {
	switch {
	case t < 0:
		return 0
	case t >= h.end:
		return h.starts
	}
	s := h.part(t)
	return s.starts + along(t-s.start, s.length, s.up())
}

// Stops is the number of stops due by t: all from the end of the load on.
func (h *Held) Stops(t time.Duration) int {
	switch {
	case t < 0:
		return 0
	case t >= h.end:
		return h.starts
	}
	s := h.part(t)
	return s.stops + max(along(t-s.start, s.length, s.down())-1, 0)
}

// part finds that of t, which is from 0 to the end.
func (h *Held) part(t time.Duration) *part {
	return &h.parts[sort.Search(len(h.parts), func(i int) bool { return h.parts[i].start > t })-1]
}

// along gives how many of n steps, the first at the start of a line, are due by a time on it: all that lie
// before the end of that nanosecond, ⌈(t+1)·n/length⌉.
func along(t, length time.Duration, n int) int {
	if n == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(t)+1, uint64(n))
	q, r := bits.Div64(hi, lo, uint64(length))
	if r > 0 {
		q++
	}
	return int(q)
}

// place is where the i-th of n steps is on a line, ⌊i·length/n⌋.
func place(i, n int, length time.Duration) time.Duration {
	hi, lo := bits.Mul64(uint64(i), uint64(length))
	q, _ := bits.Div64(hi, lo, uint64(n))
	return time.Duration(q)
}

// StartDue is when the n-th start, from 0, is due; false if there is none. Of equal starts the lower number
// is the first.
func (h *Held) StartDue(n int) (time.Duration, bool) {
	if n < 0 || n >= h.starts {
		return 0, false
	}
	s := &h.parts[sort.Search(len(h.parts), func(i int) bool { return h.parts[i].starts+h.parts[i].up() > n })]
	if n < s.starts {
		return s.start, true
	}
	return s.start + place(n-s.starts, s.up(), s.length), true
}

// StopDue is when the n-th stop, from 0, is due; false if there is none. Which player it is for is the
// caller's choice.
func (h *Held) StopDue(n int) (time.Duration, bool) {
	if n < 0 || n >= h.starts {
		return 0, false
	}
	i := sort.Search(len(h.parts), func(i int) bool { return h.parts[i].stops+h.parts[i].down() > n })
	if i == len(h.parts) {
		return h.end, h.end != Forever
	}
	s := &h.parts[i]
	if n < s.stops {
		return s.start, true
	}
	return s.start + place(n-s.stops+1, s.down(), s.length), true
}

// Next is the first instant after t at which a start or a stop is due, which is when to look again; false if
// there is none.
func (h *Held) Next(t time.Duration) (time.Duration, bool) {
	start, starts := h.StartDue(h.Starts(t))
	stop, stops := h.StopDue(h.Stops(t))
	if starts && (!stops || start < stop) {
		return start, true
	}
	return stop, stops
}
