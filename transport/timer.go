package transport

import (
	"math/bits"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// Alarm is called when a Timer is due.
type Alarm interface {
	// Alarm runs on the loop. The timer is no longer set and may be set again.
	Alarm(t *Timer, now messages.Stamp)
}

// Timer is a place in a loop's timer wheel. It is meant to be embedded in what it wakes, so that
// setting it allocates nothing. The zero Timer is ready to use; it must not be copied while set.
type Timer struct {
	next, prev *Timer
	when       messages.Stamp
	owner      Alarm
	pos        int16 // level<<wheelBits | slot while in the wheel, else one of the values below
}

const (
	posUnset  = 0
	posListed = -1 // in the overdue or the firing list
	posWheel  = 1  // added to level and slot, so that the zero Timer is not set
)

// When gives the instant that the timer was last set for: its intended time.
func (t *Timer) When() messages.Stamp { return t.when }

// IsSet tells whether the timer is waiting.
func (t *Timer) IsSet() bool { return t.pos != posUnset }

const (
	wheelTick   = time.Millisecond
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	wheelLevels = 6

	// wheelHorizon is how many ticks ahead a timer may sit, about two years; later ones wait there.
	wheelHorizon = (wheelSlots - 1) << (wheelBits * (wheelLevels - 1))
)

// wheel is a hierarchical timing wheel (Varghese and Lauck): level n has 64 slots of 64ⁿ ticks. A
// timer sits on the level of the highest bit in which its tick differs from the present one, and
// moves down when its slot is reached. Setting and unsetting cost a few nanoseconds whatever the
// number of timers. A timer never fires before its instant, and at most one tick after it in a loop
// that keeps up.
type wheel struct {
	elapsed  int64 // the tick up to which all timers have fired
	count    int
	occupied [wheelLevels]uint64
	slots    [wheelLevels][wheelSlots]Timer // heads of circular lists
	overdue  Timer                          // set for the past; fire at the next advance
	firing   Timer
}

func (w *wheel) init(now messages.Stamp) {
	w.elapsed = tickBefore(now)
	for i := range w.slots {
		for j := range w.slots[i] {
			w.slots[i][j].clear()
		}
	}
	w.overdue.clear()
	w.firing.clear()
}

func (t *Timer) clear()        { t.next, t.prev = t, t }
func (t *Timer) empty() bool   { return t.next == t }
func (t *Timer) push(x *Timer) { x.prev, x.next = t.prev, t; t.prev.next = x; t.prev = x }
func (t *Timer) unlink()       { t.prev.next, t.next.prev = t.next, t.prev; t.next, t.prev = nil, nil }
func (t *Timer) take(l *Timer) {
	t.prev.next, l.next.prev = l.next, t.prev
	t.prev, l.prev.next = l.prev, t
	l.clear()
}
func tickBefore(s messages.Stamp) int64 { return floorDiv(int64(s), int64(wheelTick)) }
func tickAfter(s messages.Stamp) int64 {
	tick := tickBefore(s)
	if tick*int64(wheelTick) < int64(s) { // not by adding to s, which may be as late as can be
		tick++
	}
	return tick
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// set arms t for when; a timer already set is moved.
func (w *wheel) set(t *Timer, when messages.Stamp, owner Alarm) {
	w.unset(t)
	t.when, t.owner = when, owner
	w.count++
	w.insert(t)
}

func (w *wheel) insert(t *Timer) {
	tick := tickAfter(t.when)
	if tick <= w.elapsed {
		t.pos = posListed
		w.overdue.push(t)
		return
	}
	// Not a whole round ahead: that is the present slot of the top level, which would then seem to be the
	// next one and hide all between.
	tick = min(tick, w.elapsed+wheelHorizon)
	level := wheelLevel(w.elapsed, tick)
	slot := int(tick>>(level*wheelBits)) & (wheelSlots - 1)
	t.pos = int16(level<<wheelBits|slot) + posWheel
	w.slots[level][slot].push(t)
	w.occupied[level] |= 1 << slot
}

func wheelLevel(elapsed, tick int64) int {
	differ := uint64(elapsed^tick) | (wheelSlots - 1)
	return min((63-bits.LeadingZeros64(differ))/wheelBits, wheelLevels-1)
}

// unset disarms t, if it is set.
func (w *wheel) unset(t *Timer) {
	if t.pos == posUnset {
		return
	}
	t.unlink()
	if t.pos >= posWheel {
		level, slot := int(t.pos-posWheel)>>wheelBits, int(t.pos-posWheel)&(wheelSlots-1)
		if w.slots[level][slot].empty() {
			w.occupied[level] &^= 1 << slot
		}
	}
	t.pos = posUnset
	w.count--
}

// expiry gives the next slot to be looked at, and the tick at which that is. The lowest occupied level
// always has the earliest.
func (w *wheel) expiry() (level, slot int, tick int64, ok bool) {
	for level = range wheelLevels {
		occ := w.occupied[level]
		if occ == 0 {
			continue
		}
		shift := level * wheelBits
		nowSlot := int(w.elapsed>>shift) & (wheelSlots - 1)
		ahead := bits.TrailingZeros64(bits.RotateLeft64(occ, -nowSlot))
		slot = (nowSlot + ahead) & (wheelSlots - 1)
		start := w.elapsed &^ (1<<(shift+wheelBits) - 1)
		tick = start + int64(slot)<<shift
		if tick < w.elapsed {
			tick += 1 << (shift + wheelBits) // top level only: the slot lies in the next round
		}
		return level, slot, tick, true
	}
	return 0, 0, 0, false
}

// next gives the time from now until advance has something to do; ok is false if there are no timers.
func (w *wheel) next(now messages.Stamp) (d time.Duration, ok bool) {
	if !w.overdue.empty() || !w.firing.empty() {
		return 0, true
	}
	_, _, tick, ok := w.expiry()
	if !ok {
		return 0, false
	}
	return max(0, messages.Stamp(tick*int64(wheelTick)).Sub(now)), true
}

// due gives the next timer that is due at now, unset, or nil. Callers loop until nil. Timers that are
// set for the past meanwhile wait for the next turn, so that the loop ends.
func (w *wheel) due(now messages.Stamp) *Timer {
	if w.firing.empty() {
		w.collect(tickBefore(now))
		if w.firing.empty() {
			return nil
		}
	}
	t := w.firing.next
	t.unlink()
	t.pos = posUnset
	w.count--
	return t
}

// startTurn makes what became overdue since the last turn due in this one.
func (w *wheel) startTurn() {
	if !w.overdue.empty() {
		w.firing.take(&w.overdue)
	}
}

// collect moves the next slot's timers that are due by tick to the firing list, stopping at the first
// slot that gives any.
func (w *wheel) collect(tick int64) {
	for w.firing.empty() {
		level, slot, at, ok := w.expiry()
		if !ok || at > tick {
			w.elapsed = max(w.elapsed, tick)
			return
		}
		w.elapsed = max(w.elapsed, at)
		head := &w.slots[level][slot]
		w.occupied[level] &^= 1 << slot
		for !head.empty() {
			t := head.next
			t.unlink()
			if tickAfter(t.when) <= w.elapsed {
				t.pos = posListed
				w.firing.push(t)
			} else {
				w.insert(t)
			}
		}
	}
}
