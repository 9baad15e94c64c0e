package target

import (
	"sync"
	"time"

	"github.com/loadrig/loadrig/messages"
)

const maxMail = 64 << 20 // bytes that may wait; see maxPosted

// mailroom is the loop of an engine that has none: one goroutine that delivers what sessions post and makes
// the ticks. It holds the host's lock while it does, as sessions do while they handle input.
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
	return m
}

func (m *mailroom) take(d delivery) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size > maxMail {
		return false
	}
	m.posted = append(m.posted, d)
	m.size += len(d.frame)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// run works until quit is closed.
func (m *mailroom) run(quit <-chan struct{}) {
	arena := m.host.shared.arena
	for {
		var beat <-chan time.Time
		if arena != nil {
			now := messages.Now()
			beat = time.After(arena.due(arena.latest(now) + 1).Sub(now))
		}
		select {
		case <-quit:
			return
		case <-m.wake:
			m.mu.Lock()
			posted := m.posted
			m.posted, m.size = nil, 0
			m.mu.Unlock()
			m.host.mu.Lock()
			m.host.deliver(posted)
			m.host.mu.Unlock()
		case <-beat:
			m.host.mu.Lock()
			m.host.tick(messages.Now())
			m.host.mu.Unlock()
		}
	}
}
