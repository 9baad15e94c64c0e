package target

import (
	"io"
	"sync"
)

// outbox is what waits for one connection whose peer is sent more than answers: a goroutine of its own
// writes, so that those who push need not wait for the peer to read.
type outbox struct {
	// Static after construction.
	bound int
	w     io.WriteCloser

	// Guarded by mu.
	mu      sync.Mutex
	changed sync.Cond
	waiting []byte
	writing int // bytes of the write under way
	ended   bool
	failed  bool // the peer is gone: nothing is kept any more
}

func newOutbox(w io.WriteCloser, bound int) *outbox {
	b := &outbox{w: w, bound: bound}
	b.changed.L = &b.mu
	return b
}

// run writes until end, and then what still waits.
func (b *outbox) run() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var spare []byte
	for {
		for len(b.waiting) == 0 && !b.ended {
			b.changed.Wait()
		}
		if len(b.waiting) == 0 || b.failed {
			return
		}
		out := b.waiting
		b.waiting, b.writing = spare[:0], len(out)
		b.mu.Unlock()
		_, err := b.w.Write(out)
		if err != nil {
			_ = b.w.Close() // ends the read under way
		}
		b.mu.Lock()
		b.writing, b.failed = 0, b.failed || err != nil
		if b.failed {
			b.waiting = nil
		}
		if spare = nil; cap(out) <= portionSize {
			spare = out
		}
		b.changed.Broadcast()
	}
}

// add has out written after what waits already.
func (b *outbox) add(out []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.failed && len(out) > 0 {
		b.waiting = append(b.waiting, out...)
		b.changed.Broadcast()
	}
}

// push adds a frame if there is room. It is true also if the peer is gone, which is for the reader to find.
func (b *outbox) push(frame []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.waiting) + b.writing; n > 0 && n+len(frame) > b.bound {
		return false
	}
	if !b.failed {
		b.waiting = append(b.waiting, frame...)
		b.changed.Broadcast()
	}
	return true
}

// pause waits until there is room again, or the peer is gone.
func (b *outbox) pause() { b.until(b.bound) }

// drain waits until all is written, or the peer is gone.
func (b *outbox) drain() { b.until(1) }

func (b *outbox) until(less int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting)+b.writing >= less && !b.failed {
		b.changed.Wait()
	}
}

func (b *outbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.changed.Broadcast()
}
