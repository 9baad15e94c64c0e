package target

import (
	"sync"
	"time"

	"github.com/loadrig/loadrig/messages"
)

const maxMail = 64 << 20 // bytes that may wait; see maxPosted

// mailroom is the loop of an engine that has none: one goroutine that delivers what sessions post, makes the
// ticks and sends what was held back. It holds the host's lock while it does, as sessions do while they handle input.
type mailroom struct {
	// Static after construction.
	host *host
	wake chan struct{} // of capacity 1

	// Guarded by mu.
	mu     sync.Mutex
	posted []delivery
	size   int
}

func newMailroom(h *host) *mailroom {
	m := &mailroom{host: h, wake: make(chan struct{}, 1)}
	h.post = m.take
	if h.holder != nil {
		h.holder.rouse = m.rouse
	}
	return m
}

// rouse has run look at what there is to do.
func (m *mailroom) rouse() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mailroom) take(d delivery) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size > maxMail {
		return false
	}
	m.posted = append(m.posted, d)
	m.size += len(d.frame)
	m.rouse()
	return true
}

// run works until quit is closed.
func (m *mailroom) run(quit <-chan struct{}) {
	h := m.host.holder
	defer h.close()
	for {
		var due <-chan time.Time
		if d := m.until(); d >= 0 {
			due = time.After(d)
		}
		select {
		case <-quit:
			return
		case <-m.wake:
		case <-due:
		}
		var begin messages.Stamp
		if h != nil {
			begin = h.standStill()
		}
		m.work(begin)
	}
}

// until gives how long it is until there is something to do, or less than 0 if that depends on others.
func (m *mailroom) until() time.Duration {
	m.host.mu.Lock()
	defer m.host.mu.Unlock()
	now, d := messages.Now(), time.Duration(-1)
	if a := m.host.shared.arena; a != nil {
		d = a.due(a.latest(now) + 1).Sub(now)
	}
	if h := m.host.holder; h != nil {
		d = sooner(sooner(d, h.untilDue(now)), h.untilStall(now))
	}
	return d
}

// work does all that there is to do, after a stall that began at an instant other than 0.
func (m *mailroom) work(stalled messages.Stamp) {
	m.mu.Lock()
	posted := m.posted
	m.posted, m.size = nil, 0
	m.mu.Unlock()
	m.host.mu.Lock()
	defer m.host.mu.Unlock()
	m.host.deliver(posted)
	if m.host.shared.arena != nil {
		m.host.tick(messages.Now())
	}
	if h := m.host.holder; h != nil {
		if stalled != 0 {
			h.stood(stalled)
		}
		h.release()
	}
}
