package target

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// maxHeld is how many bytes of answers one host holds back. A session that would have more held is closed with
// 1013: to send an answer early, or not at all, would make the law a lie.
const maxHeld = 64 << 20

// heldCost is what a held-back answer takes beyond its bytes.
const heldCost = 96

var failHeld = &failure{messages.CloseTryAgainLater, "too much is held back"}

// delays is what the hosts of a server have in common that holds answers back, stands still or keeps a log.
type delays struct {
	// Static after construction.
	law   Law
	stall Stall
	seed  uint64
	start messages.Stamp
	log   *delayLog // nil: none is kept

	// Atomic.
	hosts   atomic.Uint64
	numbers atomic.Uint64 // of connections
}

func newDelays(o *Options) *delays {
	if o.Delay == (Law{}) && o.Stall == (Stall{}) && o.DelayLog == nil {
		return nil
	}
	d := &delays{law: o.Delay, stall: o.Stall, seed: o.DelaySeed, start: messages.Now()}
	if o.DelayLog != nil {
		d.log = &delayLog{w: o.DelayLog}
	}
	return d
}

// end gives what kept the log from being written.
func (d *delays) end() error {
	if d == nil || d.log == nil {
		return nil
	}
	return d.log.failed()
}

// holder holds back the answers of one host's sessions. Each answer has a delay of its own, so one may overtake
// another, of the same connection too. It has the owner of the host's sessions; only rush is for others.
type holder struct {
	// Static after construction.
	common *delays
	index  uint64
	host   *host
	ending chan struct{} // closed by rush
	rouse  func()        // is called when a new answer is the first that is due; nil where the loop looks anyway

	draws *rand.Rand
	read  messages.Stamp // when what is being fed was read
	queue heldQueue
	count uint64 // of all answers that were ever held, to keep those due at the same time in order
	bytes int
	log   logBuffer

	once sync.Once
}

func newHolder(d *delays, of *host) *holder {
	if d == nil {
		return nil
	}
	h := &holder{common: d, host: of, index: d.hosts.Add(1) - 1, ending: make(chan struct{})}
	h.draws = rand.New(rand.NewPCG(d.seed, h.index))
	h.log.to = d.log
	return h
}

// rush has nothing stand still any more, as the server is to end. Any goroutine may call it.
func (h *holder) rush() {
	if h != nil {
		h.once.Do(func() { close(h.ending) })
	}
}

// hold takes the answer at the end of out, from at on, out of it until it is due, and gives what is left of out.
func (h *holder) hold(s *session, out []byte, at int) []byte {
	answer := out[at:]
	if len(answer) == 0 || s.phase != open {
		return out
	}
	d := h.common.law.Draw(h.draws)
	if d == 0 {
		h.log.add("answer", s.guest.number, h.read, 0, messages.Now())
		return out
	}
	if h.bytes+len(answer)+heldCost > maxHeld {
		h.host.tally.overheld.Add(1)
		return s.shut(failHeld, out[:at])
	}
	h.count++
	x := held{due: h.read.Add(d), count: h.count, read: h.read, session: s, frame: h.host.pool.append(nil, answer)}
	h.bytes += cap(x.frame) + heldCost
	h.queue.push(x)
	h.host.tally.delayed.Add(1)
	if h.rouse != nil && h.queue[0].count == x.count {
		h.rouse()
	}
	return out[:at]
}

// release sends what is due.
func (h *holder) release() {
	for len(h.queue) > 0 {
		now := messages.Now()
		if h.queue[0].due > now {
			return
		}
		x := h.queue.pop()
		if x.session.phase == open {
			h.log.add("answer", x.session.guest.number, x.read, x.due.Sub(x.read), now)
			x.session.guest.line.answer(x.frame)
		} else {
			h.host.tally.forgone.Add(1)
		}
		h.drop(&x)
	}
}

func (h *holder) drop(x *held) {
	h.bytes -= cap(x.frame) + heldCost
	h.host.pool.put(x.frame)
}

// untilDue gives how long it is until an answer is due, or less than 0 if none is held.
func (h *holder) untilDue(now messages.Stamp) time.Duration {
	if len(h.queue) == 0 {
		return -1
	}
	return max(0, h.queue[0].due.Sub(now))
}

// stood notes a stall that began at an instant and is over.
func (h *holder) stood(begin messages.Stamp) {
	h.host.tally.stalls.Add(1)
	h.log.add("stall", h.index, begin, h.common.stall.For, messages.Now())
}

// close lets go of what is still held, and writes the log. It may be called again.
func (h *holder) close() {
	if h == nil {
		return
	}
	h.rush()
	for len(h.queue) > 0 {
		x := h.queue.pop()
		h.host.tally.forgone.Add(1)
		h.drop(&x)
	}
	h.log.flush()
}

// sooner gives the smaller of two times to wait, of which one that is less than 0 stands for ever.
func sooner(a, b time.Duration) time.Duration {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
