package transport

import (
	"io"

	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

// fdStream is a socket in the loop's epoll set.
type fdStream struct {
	conn  *Conn
	tls   *tlsLayer // nil for ws
	fd    int
	gen   int32
	bits  uint32
	lease lease
}

func (s *fdStream) poller() *epoller { return s.conn.loop.poller.(*epoller) }

// read fills the loop's buffer from a socket, and notes when.
func (p *epoller) read(l *Loop, fd int) (n int, err error) {
	if p.stamps != nil {
		return p.stamps.read(l, fd)
	}
	n, err = epoll.Read(fd, l.rb)
	l.now = messages.Now()
	return n, err
}

// ready handles what epoll found.
func (s *fdStream) ready(l *Loop, bits uint32) {
	if s.conn.hs != nil && !s.conn.hs.connected {
		s.conn.connectDone(s)
		return
	}
	if bits&epoll.Out != 0 {
		s.poller().watch(s, epoll.In)
		if s.tls == nil || s.tls.flush() {
			s.conn.writable()
		}
		if s.conn.ended() {
			return
		}
	}
	if bits&(epoll.In|epoll.Err|epoll.Hup) == 0 {
		return
	}
	n, err := s.poller().read(l, s.fd)
	l.traffic.ReceivedWire += uint64(max(0, n))
	switch {
	case n > 0 && s.tls != nil:
		s.tls.received(l.rb[:n])
	case n > 0:
		s.conn.received(l.rb[:n])
	case err == nil && s.tls != nil:
		s.tls.ended()
	case err == nil:
		s.conn.readFailed(io.EOF)
	case wouldBlock(err):
	default:
		s.conn.readFailed(err)
	}
}

func (s *fdStream) write(b []byte) (int, error) {
	if s.tls != nil {
		return s.tls.write(b)
	}
	return s.send(b)
}

// send gives b to the socket, and has epoll tell when it takes more if it does not take all.
func (s *fdStream) send(b []byte) (int, error) {
	n, err := epoll.Write(s.fd, b)
	if err != nil {
		if !wouldBlock(err) {
			return 0, err
		}
		n = 0
	}
	s.conn.loop.traffic.SentWire += uint64(n)
	if n < len(b) {
		s.poller().watch(s, epoll.In|epoll.Out)
	}
	return n, nil
}

func (s *fdStream) moved(since messages.Stamp) messages.Stamp {
	if s.tls != nil {
		return max(since, s.tls.moved)
	}
	return since
}

func (s *fdStream) close(reset bool) {
	if s.tls != nil && !reset {
		s.tls.goodbye()
	}
	p := s.poller()
	if s.fd < len(p.byFD) && p.byFD[s.fd] == s {
		p.byFD[s.fd] = nil
	}
	closeFD(s.fd, reset)
	s.lease.release()
}
