package target

import (
	"fmt"
	"strings"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// MaxStallPeriod is the longest Stall.Every.
const MaxStallPeriod = time.Hour

// Stall has a whole server stand still for For, once in every period: it does so from Every, 2·Every, … after
// Listen. The schedule is absolute. The zero value never does.
type Stall struct {
	For   time.Duration // more than 0, and less than Every
	Every time.Duration // at most MaxStallPeriod
}

// ParseStall reads a Stall written as 1s/10s: for 1 s, every 10 s.
func ParseStall(text string) (Stall, error) {
	length, period, _ := strings.Cut(text, "/")
	var s Stall
	var err1, err2 error
	s.For, err1 = time.ParseDuration(length)
	s.Every, err2 = time.ParseDuration(period)
	if err1 != nil || err2 != nil || s.check() != nil {
		return Stall{}, fmt.Errorf("got %q, want 1s/10s for a second in every 10, of at most %v", text, MaxStallPeriod)
	}
	return s, nil
}

// String gives the stall as ParseStall reads it.
func (s Stall) String() string { return s.For.String() + "/" + s.Every.String() }

func (s Stall) check() error {
	if s.For <= 0 || s.Every <= s.For || s.Every > MaxStallPeriod {
		return fmt.Errorf("got %v, want more than 0 in a longer period of at most %v", s, MaxStallPeriod)
	}
	return nil
}

// window gives the window that is under way at an instant, or else the next one, as times since the start.
func (s Stall) window(since time.Duration) (begin, end time.Duration) {
	n := max(1, since/s.Every)
	if since >= n*s.Every+s.For {
		n++
	}
	return n * s.Every, n*s.Every + s.For
}

// standStill waits for the end of the stall that is under way, if there is one, or until the server is to end.
// It gives when the stall began, by the schedule; 0 if there was none. It is called by whoever is to stand
// still.
func (h *holder) standStill() (begin messages.Stamp) {
	s := h.common.stall
	if s == (Stall{}) {
		return 0
	}
	now := messages.Now()
	from, to := s.window(now.Sub(h.common.start))
	begin = h.common.start.Add(from)
	if begin > now {
		return 0
	}
	select {
	case <-h.ending: // is not to be kept from it
		return 0
	default:
	}
	over := time.NewTimer(h.common.start.Add(to).Sub(now))
	defer over.Stop()
	select {
	case <-over.C:
	case <-h.ending:
	}
	return begin
}

// untilStall gives how long it is until the next stall, or less than 0 if there is none.
func (h *holder) untilStall(now messages.Stamp) time.Duration {
	s := h.common.stall
	if s == (Stall{}) {
		return -1
	}
	select {
	case <-h.ending:
		return -1
	default:
	}
	begin, _ := s.window(now.Sub(h.common.start))
	return max(0, h.common.start.Add(begin).Sub(now))
}
