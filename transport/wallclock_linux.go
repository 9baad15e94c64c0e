package transport

import (
	"time"

	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

// stamps reads sockets that have the kernel stamp what arrives.
type stamps struct {
	receiver epoll.Receiver
	clock    wallClock
}

func newStamps() *stamps {
	s := new(stamps)
	s.clock.read()
	return s
}

// read is epoll.Read into the loop's buffer, and notes when it was and when what it took had arrived.
func (s *stamps) read(l *Loop, fd int) (n int, err error) {
	n, wall, err := s.receiver.Read(fd, l.rb)
	l.now = s.clock.read()
	l.arrived = s.clock.stamp(wall, l.now)
	if l.arrived != 0 && l.meter != nil {
		l.meter.ReadLag(l.now.Sub(l.arrived))
	}
	return n, err
}

// wallClock converts from the wall clock, by which the kernel stamps, to the clock of messages.Stamp. The two
// run at one speed, as what disciplines the one disciplines the other; what is between them changes only when
// somebody sets the wall clock, or the machine sleeps. So it is looked at with each read: a stamp is taken
// for true only if the clock was not set between the arrival and the read.
type wallClock struct {
	ahead int64          // of the other clock, in nanoseconds
	since messages.Stamp // from when on it was that; what was stamped before cannot be converted
}

// stepTolerance is what the clocks may seem to differ by more or less without one having been set. They are
// read one after the other, with some 20 ns between, or with an interrupt.
const stepTolerance = int64(50 * time.Microsecond)

// read reads both clocks, and gives the instant.
func (w *wallClock) read() messages.Stamp {
	t := time.Now()
	now := messages.StampOf(t)
	if !w.agrees(now, t.UnixNano()) {
		return w.doubt()
	}
	return now
}

// doubt looks again, as a thread that was put to sleep between its looks at the two clocks sees a step where
// there was none. If that does not help, the wall clock was set.
func (w *wallClock) doubt() messages.Stamp {
	for range 3 {
		t := time.Now()
		if now := messages.StampOf(t); w.agrees(now, t.UnixNano()) {
			return now
		}
	}
	t := time.Now()
	now := messages.StampOf(t)
	w.set(now, t.UnixNano())
	return now
}

// agrees tells whether the clocks are as far apart as they were. time.Now looks at the wall clock first, so
// the less time it takes the further ahead that seems to be: the furthest seen is the truest.
func (w *wallClock) agrees(now messages.Stamp, wall int64) bool {
	switch d := wall - int64(now) - w.ahead; {
	case d < -stepTolerance || d > stepTolerance:
		return false
	case d > 0:
		w.ahead += d
	}
	return true
}

func (w *wallClock) set(now messages.Stamp, wall int64) { w.ahead, w.since = wall-int64(now), now }

// stamp gives the instant that the kernel's stamp means, of something read at now; 0 if there is no stamp, or
// none that can be right.
func (w *wallClock) stamp(wall int64, now messages.Stamp) messages.Stamp {
	at := messages.Stamp(wall - w.ahead)
	if wall == 0 || at < w.since || at > now {
		return 0
	}
	return at
}
