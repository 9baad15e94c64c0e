package transport

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/loadrig/loadrig/messages"
)

const (
	streamRead  = 4 << 10  // a reading goroutine's buffer
	streamWrite = 64 << 10 // the most a writing goroutine holds
	streamStep  = 4 << 10  // the most of that which it writes at once: a slow peer takes one in the write timeout

	// writeGrace is how long a write may go on once reading has ended. One that does not wait for the peer
	// is through in an instant, and the peer has gone.
	writeGrace = 100 * time.Millisecond
)

// netStream carries a connection over a net.Conn, in the goroutine engine. One
// goroutine reads; it hands what it has to the loop and waits until that was handled, so at most one
// buffer is ever on the way. Another writes, only while there is something to write.
type netStream struct {
	conn  *Conn
	nc    net.Conn // wire, or TLS on it, to a proxy, to the server, or both
	wire  *meter
	lease lease

	// Owned by the reading goroutine until it posts streamReadable, then by the loop until it resumes it.
	buf  []byte
	n    int
	rerr error
	next chan struct{}

	// Owned by the writing goroutine until it posts streamWritable, else by the loop.
	out   []byte
	wrote int   // not yet told to the connection
	werr  error // likewise

	// Atomic.
	stepped atomic.Int64 // messages.Stamp of when the writing goroutine last got rid of something

	// Owned by the loop.
	writing bool
	hungUp  bool // reading has ended; what is left to be written has writeGrace
}

// What a netStream posts to its loop. Small integers are boxed without allocation.
type streamEvent uint8

const (
	streamReadable streamEvent = iota
	streamWritable
)

func newNetStream(c *Conn, d *dialed, from lease) *netStream {
	s := &netStream{conn: c, nc: d.wire, wire: d.wire, lease: from, buf: make([]byte, streamRead), next: make(chan struct{}, 1)}
	switch {
	case d.tls != nil:
		s.nc = d.tls
	case d.over != nil:
		s.nc = d.over
	}
	s.stepped.Store(int64(messages.Now()))
	c.loop.net.streams.Go(s.readAll)
	return s
}

func (s *netStream) readAll() {
	for {
		s.n, s.rerr = s.nc.Read(s.buf)
		failed := s.rerr != nil
		s.conn.loop.Post(s, streamReadable)
		if failed {
			return
		}
		if _, ok := <-s.next; !ok {
			return
		}
	}
}

// RunOnLoop implements Runner.
func (s *netStream) RunOnLoop(ev any) {
	c := s.conn
	if c.st != s {
		return // closed meanwhile
	}
	c.loop.blame = c
	s.wire.harvest(&c.loop.traffic)
	if ev.(streamEvent) == streamWritable {
		s.writing = false
		c.writable()
		if s.hungUp && !s.writing && c.st == s {
			c.readFailed(s.rerr)
		}
		return
	}
	c.loop.now, c.loop.arrived = messages.Now(), 0
	if s.n > 0 {
		c.received(s.buf[:s.n])
	}
	switch {
	case c.st != s:
	case s.rerr == nil:
		s.next <- struct{}{}
	default:
		s.hangUp()
	}
}

// hangUp ends the connection, as reading has ended, once what waits was written: our close frame often,
// behind a message whose report is still on its way.
func (s *netStream) hangUp() {
	s.hungUp = true
	if s.writing {
		err := s.nc.SetWriteDeadline(time.Now().Add(writeGrace))
		if err == nil || isAny(err, ended) { // a pipe whose other end is closed; a write does not wait there either
			return
		}
	}
	s.conn.readFailed(s.rerr)
}

// write takes b over to the writing goroutine and says that nothing was taken; when b was written the
// connection is told that the stream is writable, offers b again, and is given its number of bytes. So
// a message counts as sent when it really was.
func (s *netStream) write(b []byte) (int, error) {
	switch {
	case s.writing:
		return 0, nil
	case s.wrote > 0:
		n := s.wrote
		s.wrote = 0
		return n, nil
	case s.werr != nil && s.hungUp && !errors.Is(s.werr, syscall.ECONNRESET):
		return 0, nil // why reading ended says more, but of a reset the kernel tells only the first who asks
	case s.werr != nil:
		return 0, s.werr
	}
	s.writing = true
	s.out = append(s.out[:0], b[:min(len(b), streamWrite)]...)
	s.conn.loop.net.streams.Add(1)
	go s.flush()
	return 0, nil
}

func (s *netStream) flush() {
	defer s.conn.loop.net.streams.Done()
	for s.wrote, s.werr = 0, nil; s.wrote < len(s.out) && s.werr == nil; {
		var n int
		n, s.werr = s.nc.Write(s.out[s.wrote:min(s.wrote+streamStep, len(s.out))])
		if s.wrote += n; n == 0 && s.werr == nil {
			s.werr = io.ErrShortWrite // a net.Conn of somebody's own
		}
		s.stepped.Store(int64(messages.Now()))
	}
	if cap(s.out) > streamRead {
		s.out = nil
	}
	s.conn.loop.Post(s, streamWritable)
}

func (s *netStream) moved(since messages.Stamp) messages.Stamp {
	return max(since, messages.Stamp(s.stepped.Load()))
}

func (s *netStream) close(reset bool) {
	close(s.next)
	s.wire.harvest(&s.conn.loop.traffic)
	if tcp, ok := s.wire.Conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = s.wire.Close() // without TLS' close_notify, which may block
	s.lease.release()
}

// meter counts the bytes that cross a connection, which one goroutine may read and another write.
type meter struct {
	net.Conn
	in, out atomic.Uint64
}

// Read implements net.Conn.
func (m *meter) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.in.Add(uint64(max(0, n)))
	return n, err
}

// Write implements net.Conn.
func (m *meter) Write(b []byte) (int, error) {
	n, err := m.Conn.Write(b)
	m.out.Add(uint64(max(0, n)))
	return n, err
}

// harvest adds what was counted since the last time to t.
func (m *meter) harvest(t *messages.Traffic) {
	t.ReceivedWire += m.in.Swap(0)
	t.SentWire += m.out.Swap(0)
}
