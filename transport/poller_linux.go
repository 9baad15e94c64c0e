package transport

import (
	"time"

	"github.com/loadrig/loadrig/internal/epoll"
)

const eventsPerWait = 512

func newPoller(o *Options) (poller, error) {
	if o.Engine == EngineGoroutine {
		return newBell(), nil
	}
	p, err := epoll.New(eventsPerWait)
	if err != nil {
		return nil, err
	}
	e := &epoller{poll: p}
	if o.KernelTimestamps {
		e.stamps = newStamps()
	}
	return e, nil
}

// epoller waits in epoll. Most of its work is done when the loop is busy, so it first looks without
// telling Go's scheduler, and blocks, which is dear, only when nothing was ready.
type epoller struct {
	poll   *epoll.Poll
	stamps *stamps     // nil unless the kernel is to stamp what arrives
	byFD   []*fdStream // indexed by descriptor; nil where it is not ours
	gen    int32
}

func (p *epoller) wait(timeout time.Duration) int {
	if timeout == 0 {
		return p.poll.Ready()
	}
	return p.poll.Wait(timeout)
}

func (p *epoller) handle(l *Loop, i int) {
	ev, ok := p.poll.Event(i)
	if !ok || ev.FD >= len(p.byFD) {
		return
	}
	s := p.byFD[ev.FD]
	if s == nil || s.gen != ev.Gen {
		return // closed earlier in this turn, its number perhaps in use again
	}
	l.blame = s.conn
	s.ready(l, ev.Bits)
}

func (p *epoller) wake()  { p.poll.Wake() }
func (p *epoller) close() { _ = p.poll.Close() }

func (p *epoller) add(s *fdStream, bits uint32) error {
	p.gen++
	s.gen = p.gen
	if err := p.poll.Add(s.fd, s.gen, bits); err != nil {
		return err
	}
	for s.fd >= len(p.byFD) {
		p.byFD = append(p.byFD, make([]*fdStream, max(64, len(p.byFD)))...)
	}
	p.byFD[s.fd] = s
	s.bits = bits
	return nil
}

func (p *epoller) watch(s *fdStream, bits uint32) {
	if s.bits != bits && p.poll.Modify(s.fd, s.gen, bits) == nil {
		s.bits = bits
	}
}
