package target

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

// peer is one socket and its session. An idle one holds nothing else.
type peer struct {
	// Static after construction.
	session session
	fd      int
	gen     int32

	// Owned by the loop.
	bits     uint32 // what epoll watches
	halved   bool   // our direction of TCP was shut down
	pushed   bool   // among the loop's pushed
	overrun  bool   // did not read what was pushed: is to be ended
	flushed  int    // bytes of backlog already written
	backlog  []byte // pooled: what the socket did not take; nil if nothing waits
	deadline messages.Stamp
}

// waiting gives how many bytes wait for the socket.
func (p *peer) waiting() int { return len(p.backlog) - p.flushed }

// adopt makes a peer of an accepted socket.
func (l *loop) adopt(fd int) {
	if l.away {
		_ = unix.Close(fd)
		return
	}
	l.gen++
	p := &peer{session: session{host: l.host}, fd: fd, gen: l.gen, bits: epoll.In}
	if h := l.host.holder; l.host.talk != nil || h != nil {
		p.session.guest = &guest{session: &p.session, line: wire{l, p}}
		if h != nil {
			p.session.guest.number = h.common.numbers.Add(1)
		}
	}
	if err := l.poll.Add(fd, p.gen, p.bits); err != nil {
		l.host.tally.refused.Add(1)
		_ = unix.Close(fd)
		return
	}
	if fd >= len(l.peers) {
		l.peers = append(l.peers, make([]*peer, fd+64-len(l.peers))...)
	}
	l.peers[fd] = p
	l.count++
	l.deadline(p, l.host.opts.HandshakeTimeout)
}

// drop closes the socket, whatever the session still wants.
func (l *loop) drop(p *peer) {
	l.deadline(p, 0)
	p.session.end(done)
	l.host.pool.put(p.backlog)
	l.peers[p.fd] = nil
	l.count--
	_ = unix.Close(p.fd)
	l.resumeAccept() // there may be a descriptor again
}

// deadline gives p the time d from now on; 0 lifts the deadline.
func (l *loop) deadline(p *peer, d time.Duration) {
	if p.deadline != 0 {
		l.timed--
	}
	p.deadline = 0
	if d > 0 {
		now := messages.Now()
		if l.timed == 0 && !l.listener.paused {
			l.nextSweep = now.Add(l.sweep)
		}
		p.deadline = now.Add(d)
		l.timed++
	}
}

// ready handles what epoll reported of p.
func (l *loop) ready(p *peer, bits uint32) {
	if bits&epoll.Out != 0 && !l.flush(p) {
		return
	}
	switch {
	case bits&epoll.In != 0 && p.bits&epoll.In != 0:
		l.read(p)
	case bits&(epoll.Err|epoll.Hup) != 0 && p.bits&epoll.In == 0:
		// A reset is reported even of a peer that is not read; while it is read, reading finds it.
		l.drop(p)
	}
}

// read reads once, which leaves the others their turn: what remains is reported again.
func (l *loop) read(p *peer) {
	n, err := epoll.Read(p.fd, l.in)
	switch {
	case err == unix.EAGAIN:
		return
	case err != nil:
		l.drop(p)
		return
	case n == 0:
		p.session.end(done) // but it may still take what waits for it
		l.end(p, l.out[:0])
		return
	}
	if h := l.host.holder; h != nil {
		h.read = messages.Now()
	}
	was := p.session.phase
	out := p.session.feed(l.in[:n], l.out[:0])
	if p.session.phase != was {
		l.deadline(p, p.session.life())
	}
	l.send(p, out)
}

// send writes out, or queues what the socket does not take, and then does what the session's phase
// asks for. out is the loop's scratch, perhaps grown.
func (l *loop) send(p *peer, out []byte) {
	if cap(out) > cap(l.out) && cap(out) <= keptScratch {
		l.out = out[:0]
	}
	if len(out) > 0 && !l.write(p, out) {
		return
	}
	l.settle(p)
}

// write writes out, after what waits already, and queues what the socket does not take. It is false if it
// dropped the peer.
func (l *loop) write(p *peer, out []byte) bool {
	n := 0
	if p.waiting() == 0 {
		var err error
		n, err = epoll.Write(p.fd, out)
		if err != nil && err != unix.EAGAIN {
			l.drop(p)
			return false
		}
	}
	if n < len(out) {
		l.enqueue(p, out[n:])
	}
	return true
}

func (l *loop) enqueue(p *peer, b []byte) {
	// Written bytes make room before the buffer grows.
	if p.flushed > 0 && len(p.backlog)+len(b) > cap(p.backlog) {
		p.backlog = p.backlog[:copy(p.backlog, p.backlog[p.flushed:])]
		p.flushed = 0
	}
	p.backlog = l.host.pool.append(p.backlog, b)
}

// flush writes what waits. It is false if it dropped the peer.
func (l *loop) flush(p *peer) bool {
	if p.waiting() == 0 {
		return true
	}
	n, err := epoll.Write(p.fd, p.backlog[p.flushed:])
	if err != nil && err != unix.EAGAIN {
		l.drop(p)
		return false
	}
	p.flushed += n
	if p.waiting() == 0 {
		l.host.pool.put(p.backlog)
		p.backlog, p.flushed = nil, 0
	}
	if n > 0 && p.session.phase >= lingering {
		l.deadline(p, l.host.opts.CloseTimeout)
	}
	return l.settle(p)
}

// settle brings socket and epoll in line with the session's phase and the backlog. It is false if that
// meant dropping the peer.
func (l *loop) settle(p *peer) bool {
	ph := p.session.phase
	if ph >= lingering {
		switch {
		case ph == done && p.waiting() == 0:
			l.drop(p)
			return false
		case p.deadline == 0 || !p.halved && p.waiting() == 0:
			l.deadline(p, l.host.opts.CloseTimeout)
		}
		if p.waiting() == 0 && !p.halved {
			// Closing with input unread would reset the connection, and the reset may overtake
			// our last word. So only our direction ends, and the peer's is read to its end.
			p.halved = true
			_ = unix.Shutdown(p.fd, unix.SHUT_WR)
		}
	}
	var bits uint32
	if p.waiting() < l.host.opts.MaxBacklog && ph != done {
		bits |= epoll.In
	}
	if p.waiting() > 0 {
		bits |= epoll.Out
	}
	if bits != p.bits {
		if l.poll.Modify(p.fd, p.gen, bits) != nil {
			l.drop(p)
			return false
		}
		p.bits = bits
	}
	return true
}
