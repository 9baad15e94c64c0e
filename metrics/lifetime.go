package metrics

import (
	"math"
	"math/bits"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// The bins of lifetimes: one below a millisecond, then each octave from there cut into 16 equal parts, so that a bin
// is 6 % of its lower edge wide, or 3 % at the end of its octave; and one from about 398 days on.
const (
	lifetimeSteps   = 16
	lifetimeOctaves = 35
	leastLifetime   = time.Millisecond
	lifetimeGrain   = leastLifetime / lifetimeSteps

	// NumLifetimes is how many bins there are.
	NumLifetimes = 1 + lifetimeOctaves*lifetimeSteps + 1
)

// LifetimeBin gives the bin of a session that lasted d, from 0; LifetimeEdges says what is in it.
func LifetimeBin(d time.Duration) int {
	if d < leastLifetime {
		return 0
	}
	v := uint64(d / lifetimeGrain) // 16 at the beginning of the first octave, 32 at its end
	octave := bits.Len64(v) - 5
	if octave >= lifetimeOctaves {
		return NumLifetimes - 1
	}
	return 1 + octave*lifetimeSteps + int(v>>octave) - lifetimeSteps
}

// LifetimeEdges gives what is in a bin: from ≤ d < to. The first begins at 0; the last has no end, and its to is the
// greatest Duration. A bin that there is not is the nearest one.
func LifetimeEdges(bin int) (from, to time.Duration) {
	switch {
	case bin <= 0:
		return 0, leastLifetime
	case bin >= NumLifetimes-1:
		return leastLifetime << lifetimeOctaves, math.MaxInt64
	}
	octave, step := (bin-1)/lifetimeSteps, time.Duration((bin-1)%lifetimeSteps)
	return (lifetimeSteps + step) << octave * lifetimeGrain, (lifetimeSteps + step + 1) << octave * lifetimeGrain
}

// Lifetimes counts how long sessions lasted, by bins, and when those that are open began. It takes a fixed 13 KiB, and
// counting neither locks nor allocates. The zero value is empty and ready. It is not safe for concurrent use.
//
// What is open is what is at this instant; all else counts since the start of the run, or, after Sub, during the
// interval.
type Lifetimes struct {
	lost, kept [NumLifetimes]uint64
	open       cohorts
}

// began counts a session that opened.
func (l *Lifetimes) began(at messages.Stamp) { l.open.add(at) }

// ended counts the end of a session: by plan, which was to last, or not.
func (l *Lifetimes) ended(at messages.Stamp, lasted time.Duration, expected bool) {
	l.open.remove(at.Add(-lasted))
	if expected {
		l.kept[LifetimeBin(lasted)]++
	} else {
		l.lost[LifetimeBin(lasted)]++
	}
}

// Ended gives how many sessions ended that the server, or the way to it, ended, or a fault; and how many that this side
// ended by plan.
func (l *Lifetimes) Ended() (lost, kept uint64) {
	for i := range l.lost {
		lost += l.lost[i]
		kept += l.kept[i]
	}
	return lost, kept
}

// Open gives how many sessions have not ended.
func (l *Lifetimes) Open() uint64 { return l.open.count }

// Merge adds other to l. Counts are exact, whatever the order; when what is open began is known to a cohort of the
// coarser of both.
func (l *Lifetimes) Merge(other *Lifetimes) {
	l.counters(other, func(mine *uint64, n uint64) { *mine += n })
	l.open.merge(&other.open)
}

// Sub takes away what ended earlier. What is open stays as it is now.
func (l *Lifetimes) Sub(earlier *Lifetimes) {
	l.counters(earlier, func(mine *uint64, n uint64) { *mine = minus(*mine, n) })
}

func (l *Lifetimes) counters(other *Lifetimes, f func(mine *uint64, n uint64)) {
	each(l.lost[:], other.lost[:], f)
	each(l.kept[:], other.kept[:], f)
}
