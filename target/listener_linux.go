package target

import (
	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

// acceptBatch bounds the accepts of one turn, so that a storm of connects does not starve the peers
// that are there already.
const acceptBatch = 64

// listener is the accepting half of the first loop.
type listener struct {
	// Static after construction.
	fd    int // -1 where there is none
	loops []*loop

	// Owned by the loop's goroutine.
	dealt  int // sockets dealt so far
	paused bool
}

func (l *loop) listen(fd int, loops []*loop) error {
	l.listener = listener{fd: fd, loops: loops}
	return l.poll.Add(fd, 0, epoll.In)
}

// accept takes waiting connections and deals them out.
func (l *loop) accept() {
	for range acceptBatch {
		fd, _, err := unix.Accept4(l.listener.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			l.deal(fd)
		case unix.EAGAIN:
			return
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			l.pauseAccept()
			return
		default: // of this one connection: it was reset meanwhile, or the like (accept(2), "Error handling")
		}
	}
}

func (l *loop) deal(fd int) {
	l.host.tally.accepted.Add(1)
	to := l.listener.loops[l.listener.dealt%len(l.listener.loops)]
	l.listener.dealt++
	if to == l {
		l.adopt(fd)
		return
	}
	if !to.order(func(in *inbox) { in.accepted = append(in.accepted, fd) }) {
		_ = unix.Close(fd)
	}
}

// pauseAccept stops watching the listener until the next sweep. It is level-triggered: with no
// descriptor to accept with, it would be reported without end.
func (l *loop) pauseAccept() {
	l.host.tally.pauses.Add(1)
	if l.poll.Remove(l.listener.fd) != nil {
		return
	}
	l.listener.paused = true
	if l.timed == 0 { // else there is a sweep coming
		l.nextSweep = messages.Now().Add(l.sweep)
	}
}

func (l *loop) resumeAccept() {
	if !l.listener.paused {
		return
	}
	// Add fails for want of kernel memory, if at all; then the next sweep tries again.
	l.listener.paused = l.poll.Add(l.listener.fd, 0, epoll.In) != nil
}

func (l *loop) closeListener() {
	if l.listener.fd >= 0 {
		_ = unix.Close(l.listener.fd)
		l.listener.fd, l.listener.paused = -1, false
	}
}
