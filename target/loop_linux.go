package target

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

const (
	loopEvents = 256
	readSize   = 64 << 10
)

// loop is one goroutine that owns an epoll set and the connections in it.
type loop struct {
	// Static after construction.
	host  *host
	poll  *epoll.Poll
	sweep time.Duration // how often deadlines are looked at

	// Owned by the loop's goroutine.
	peers     []*peer // by descriptor
	count     int     // of peers
	timed     int     // peers with a deadline
	nextSweep messages.Stamp
	gen       int32
	away      bool
	pushed    []*peer // have been pushed to in this turn
	spare     []delivery
	in        []byte   // what the current read gave
	out       []byte   // scratch for what it is answered with
	listener  listener // of the first loop only

	// Guarded by mu.
	mu    sync.Mutex
	inbox inbox
}

// inbox is what other goroutines ask of a loop.
type inbox struct {
	accepted    []int // sockets dealt to this loop
	posted      []delivery
	postedBytes int
	away        bool // begin closing handshakes, end once there are no peers
	stop        bool // end now
	gone        bool // has ended: nothing may be asked any more
}

func newLoop(o *Options, t *totals) (*loop, error) {
	p, err := epoll.New(loopEvents)
	if err != nil {
		return nil, err
	}
	longest := time.Second
	if o.Kind == JSONAuth {
		longest /= 4 // tokens are to end within the second
	}
	sweep := min(longest, max(10*time.Millisecond, min(o.HandshakeTimeout, o.CloseTimeout)))
	l := &loop{
		host: newHost(o, t), poll: p, sweep: sweep,
		in: make([]byte, readSize), out: make([]byte, 0, readSize),
		listener: listener{fd: -1},
	}
	l.host.post = l.take
	return l, nil
}

// order changes the inbox and wakes the loop. It tells whether the loop is still there to obey. Any
// goroutine may call it.
func (l *loop) order(f func(*inbox)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inbox.gone {
		return false
	}
	f(&l.inbox)
	l.poll.Wake() // under mu, as release closes the descriptor
	return true
}

// run turns the loop until it is told to end.
func (l *loop) run() {
	defer l.release()
	for l.turn(l.timeout()) {
	}
}

// turn waits for readiness, for at most timeout, and handles it. It is false when the loop is to end.
func (l *loop) turn(timeout time.Duration) bool {
	n := l.poll.Ready()
	if n == 0 {
		n = l.poll.Wait(timeout)
	}
	if h := l.host.holder; h != nil {
		if begin := h.standStill(); begin != 0 {
			h.stood(begin)
		}
	}
	woken := false
	for i := range n {
		switch ev, ok := l.poll.Event(i); {
		case !ok:
			woken = true
		case ev.FD == l.listener.fd:
			l.accept()
		default:
			// An earlier event of this batch may have closed the peer, and its number may
			// already be another's.
			if p := l.peers[ev.FD]; p != nil && p.gen == ev.Gen {
				l.ready(p, ev.Bits)
			}
		}
	}
	if woken && !l.obey() {
		return false
	}
	if l.timed > 0 || l.listener.paused {
		l.clock(messages.Now())
	}
	l.ticks()
	if h := l.host.holder; h != nil {
		h.release()
	}
	return !l.away || l.count > 0
}

// timeout gives how long the loop may sleep: for ever, if nothing has a deadline.
func (l *loop) timeout() time.Duration {
	sweeps, beats, h := l.timed > 0 || l.listener.paused, len(l.host.entered) > 0, l.host.holder
	if !sweeps && !beats && h == nil {
		return -1
	}
	now, d := messages.Now(), time.Duration(-1)
	if sweeps {
		d = max(0, l.nextSweep.Sub(now))
	}
	if beats {
		d = sooner(d, l.host.untilBeat(now))
	}
	if h != nil {
		d = sooner(sooner(d, h.untilDue(now)), h.untilStall(now))
	}
	return d
}

// clock looks at deadlines, if it is time for it. It walks all peers: a timer wheel would be
// quicker, and is not needed once a second.
func (l *loop) clock(now messages.Stamp) {
	if now < l.nextSweep {
		return
	}
	l.nextSweep = now.Add(l.sweep)
	l.resumeAccept()
	if l.timed == 0 {
		return
	}
	for _, p := range l.peers {
		if p != nil && p.deadline != 0 && p.deadline <= now {
			if out := p.session.expire(l.out[:0]); p.session.phase != done {
				l.end(p, out)
			} else {
				l.drop(p)
			}
		}
	}
}

// obey does what the inbox asks. It is false when the loop is to end.
func (l *loop) obey() bool {
	l.mu.Lock()
	in := l.inbox
	l.inbox.accepted = nil
	l.inbox.posted, l.inbox.postedBytes = l.spare, 0
	l.mu.Unlock()
	for _, fd := range in.accepted {
		l.adopt(fd)
	}
	if in.stop {
		return false
	}
	l.deliver(in.posted)
	if in.away && !l.away {
		l.away = true
		l.closeListener()
		for _, p := range l.peers {
			if p != nil {
				l.deadline(p, l.host.opts.CloseTimeout)
				l.send(p, p.session.goAway(l.out[:0]))
			}
		}
	}
	return true
}

// release closes all descriptors. It ends run, or stands instead of it.
func (l *loop) release() {
	l.mu.Lock()
	gone, accepted := l.inbox.gone, l.inbox.accepted
	l.inbox.gone, l.inbox.accepted, l.inbox.posted = true, nil, nil
	l.mu.Unlock()
	if gone {
		return
	}
	for _, fd := range accepted {
		_ = unix.Close(fd)
	}
	l.closeListener()
	// Not under mu: a session that ends may have something posted to this loop, or to one that ends too.
	for _, p := range l.peers {
		if p != nil {
			l.drop(p)
		}
	}
	l.host.holder.close()
	_ = l.poll.Close() // nobody wakes a loop that is gone
}
