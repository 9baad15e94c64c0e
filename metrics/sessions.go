package metrics

import (
	"cmp"
	"slices"

	"github.com/loadrig/loadrig/messages"
)

// Sessions is how long the sessions of a run have lasted, those that opened: pairs of a bin and the count in it, bins
// upwards. A bin is that of LifetimeBin: bin 0 is below 1 ms; bin b of the others, with o = (b-1)/16 without the rest
// and s = the rest, is from (16+s)·2^o/16 ms to (17+s)·2^o/16 ms; the last, 561, is all from 2^35 ms on.
// Those of several rigs add up, see Merge.
type Sessions struct {
	Lost [][2]uint64 `json:"lost,omitempty"` // ended by a cause that is not part of the plan; since the start of the run
	Kept [][2]uint64 `json:"kept,omitempty"` // ended by loadrig, as planned, so they would have lasted longer; since the start of the run
	// Open are those that have not ended, by their age at the end of the interval. An age is known to a thousandth of
	// the greatest that there has been.
	Open [][2]uint64 `json:"open,omitempty"`
}

// Sessions tells how long sessions have lasted now, in the memory of s. It gives s, or nil where none has opened.
func (l *Lifetimes) Sessions(now messages.Stamp, s *Sessions) *Sessions {
	s.Lost, s.Kept, s.Open = pairs(s.Lost[:0], &l.lost), pairs(s.Kept[:0], &l.kept), s.Open[:0]
	if c := &l.open; c.count > 0 {
		first, last := c.span()
		for i := last; i >= first; i-- { // the youngest first
			if c.n[i] == 0 {
				continue
			}
			s.Open = count(s.Open, uint64(LifetimeBin(now.Sub(c.middle(i)))), uint64(c.n[i]))
		}
	}
	if len(s.Lost)+len(s.Kept)+len(s.Open) == 0 {
		return nil
	}
	return s
}

func pairs(list [][2]uint64, bins *[NumLifetimes]uint64) [][2]uint64 {
	for bin, n := range bins {
		if n > 0 {
			list = append(list, [2]uint64{uint64(bin), n})
		}
	}
	return list
}

// count adds n to a bin, which is the last of list or comes after it.
func count(list [][2]uint64, bin, n uint64) [][2]uint64 {
	if last := len(list) - 1; last >= 0 && list[last][0] == bin {
		list[last][1] += n
		return list
	}
	return append(list, [2]uint64{bin, n})
}

// Merge adds other, which is of another rig of the same run at about the same time, exactly.
func (s *Sessions) Merge(other *Sessions) {
	s.Lost, s.Kept, s.Open = sum(s.Lost, other.Lost), sum(s.Kept, other.Kept), sum(s.Open, other.Open)
}

func sum(a, b [][2]uint64) (list [][2]uint64) {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) })
	for _, p := range all {
		list = count(list, p[0], p[1])
	}
	return list
}

// copyOf gives what from has, in the memory of s, which may be nil; nil where from is.
func (s *Sessions) copyOf(from *Sessions) *Sessions {
	if from == nil {
		return nil
	}
	if s == nil {
		s = new(Sessions)
	}
	s.Lost, s.Kept, s.Open = append(s.Lost[:0], from.Lost...), append(s.Kept[:0], from.Kept...), append(s.Open[:0], from.Open...)
	return s
}
