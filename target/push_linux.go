package target

import (
	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

// maxPosted is how many bytes of messages may wait for a loop to send them on. A loop that cannot keep up
// with what the others post to it must not fill the memory.
const maxPosted = 64 << 20

const keptPosted = 4096 // a longer list is left to the garbage collector

// wire is the line of a peer.
type wire struct {
	loop *loop
	peer *peer
}

// push implements line. It only queues: all that one turn pushes to a peer is one write, and a peer that is
// found dead is dropped when nobody walks over lists that it is in.
func (w wire) push(frame []byte) bool {
	l, p := w.loop, w.peer
	if p.overrun {
		return false
	}
	if !p.pushed {
		p.pushed = true
		l.pushed = append(l.pushed, p)
	}
	if p.waiting() > 0 && p.waiting()+len(frame) > l.host.opts.MaxBacklog {
		// The socket may have room that nobody has tried since this turn began.
		if n, err := epoll.Write(p.fd, p.backlog[p.flushed:]); err == nil {
			p.flushed += n
		}
		if p.waiting() > 0 && p.waiting()+len(frame) > l.host.opts.MaxBacklog {
			p.overrun = true
			return false
		}
	}
	l.enqueue(p, frame)
	return true
}

// answer implements line. Held-back answers are each written when they are due, as the log says.
func (w wire) answer(frame []byte) {
	if w.loop.write(w.peer, frame) {
		w.loop.settle(w.peer)
	}
}

// flushPushed writes what was pushed.
func (l *loop) flushPushed() {
	for i, p := range l.pushed {
		l.pushed[i] = nil
		p.pushed = false
		if l.flush(p) && p.overrun {
			l.end(p, p.session.tooSlow(l.out[:0]))
		}
	}
	l.pushed = l.pushed[:0]
}

// end sends a session's last word.
func (l *loop) end(p *peer, out []byte) {
	l.deadline(p, 0)
	l.send(p, out)
}

// take posts a delivery to the loop. It is false if too many wait, or the loop has ended. Any goroutine may
// call it.
func (l *loop) take(d delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inbox.gone || l.inbox.postedBytes > maxPosted {
		return false
	}
	l.inbox.posted = append(l.inbox.posted, d)
	l.inbox.postedBytes += len(d.frame)
	if len(l.inbox.posted) == 1 { // else it was woken, and has not looked since
		l.poll.Wake()
	}
	return true
}

// deliver pushes what was posted, and keeps the slice for more.
func (l *loop) deliver(posted []delivery) {
	l.host.deliver(posted)
	l.flushPushed()
	clear(posted)
	if l.spare = posted[:0]; cap(posted) > keptPosted {
		l.spare = nil
	}
}

// ticks makes the tick that is due.
func (l *loop) ticks() {
	if l.host.shared.arena != nil && l.host.tick(messages.Now()) {
		l.flushPushed()
	}
}
