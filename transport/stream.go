package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/loadrig/loadrig/messages"
)

const (
	streamRead  = 4 << 10  // a reading goroutine's buffer
	streamWrite = 64 << 10 // the most a writing goroutine holds
)

// netStream carries a connection over a net.Conn: TLS, and everything in the goroutine engine. One
// goroutine reads; it hands what it has to the loop and waits until that was handled, so at most one
// buffer is ever on the way. Another writes, only while there is something to write.
type netStream struct {
	conn  *Conn
	nc    net.Conn
	lease lease

	// Owned by the reading goroutine until it posts readable, then by the loop until it resumes.
	buf  []byte
	n    int
	rerr error
	next chan struct{}

	// Guarded by mu.
	mu      sync.Mutex
	out     []byte // being written
	writing bool
	wrote   int   // of the last offer, not yet told to the connection
	werr    error // of the last offer
	closed  bool
}

// What a netStream posts to its loop. Small integers are boxed without allocation.
type streamEvent uint8

const (
	streamReadable streamEvent = iota
	streamWritable
)

// dialed is what dialing off the loop gave.
type dialed struct {
	nc    net.Conn
	phase messages.Phase
	times [messages.NumPhases]time.Duration
	err   error
}

// dialStream connects to address, and shakes hands over TLS if asked for, off the loop.
func (c *Conn) dialStream(address string) {
	c.enter(messages.PhaseConnect)
	n, secure, host := c.loop.net, c.hs.target.secure, c.hs.target.host
	var from lease
	if to, err := netip.ParseAddrPort(address); err == nil && n.opts.Dial == nil {
		from = n.sources.take(to, c.hs.sources)
	}
	c.job(func(ctx context.Context) (then, lost func()) {
		d := n.dial(ctx, address, from, secure, host)
		then = func() {
			hs := c.hs
			for p, t := range d.times {
				hs.times.Phases[p] += t
			}
			hs.phase = d.phase
			switch {
			case d.err == nil:
				c.st = newNetStream(c, d.nc, from)
				c.begin()
			case d.phase == messages.PhaseTLS:
				from.release()
				c.end(messages.CauseTLS, d.err)
			default:
				from.release()
				hs.began = messages.Now()
				c.connectFailed(d.err)
			}
		}
		lost = func() {
			from.release()
			if d.nc != nil {
				_ = d.nc.Close()
			}
		}
		return then, lost
	})
}

// dial runs off the loop.
func (n *Network) dial(ctx context.Context, address string, from lease, secure bool, host string) (d dialed) {
	if n.opts.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.DialTimeout)
		defer cancel()
	}
	dial := n.opts.Dial
	if dial == nil {
		var nd net.Dialer
		if from.addr().IsValid() {
			nd.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from.addr(), 0))
			nd.Control = bindControl
		}
		nd.KeepAlive = -1
		dial = nd.DialContext
	}
	began := messages.Now()
	d.phase = messages.PhaseConnect
	d.nc, d.err = dial(ctx, "tcp", address)
	d.times[messages.PhaseConnect] = max(1, messages.Now().Sub(began))
	if d.err != nil || !secure {
		return d
	}
	began = messages.Now()
	d.phase = messages.PhaseTLS
	cfg := n.tls
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	tc := tls.Client(d.nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = d.nc.Close()
		d.nc, d.err = nil, fmt.Errorf("tls: %w", err)
	} else {
		d.nc = tc
	}
	d.times[messages.PhaseTLS] = max(1, messages.Now().Sub(began))
	return d
}

func newNetStream(c *Conn, nc net.Conn, from lease) *netStream {
	s := &netStream{conn: c, nc: nc, lease: from, buf: make([]byte, streamRead), next: make(chan struct{}, 1)}
	go s.readAll()
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
	if ev.(streamEvent) == streamWritable {
		c.writable()
		return
	}
	c.loop.now = messages.Now()
	n, err := s.n, s.rerr
	if n > 0 {
		c.received(s.buf[:n])
	}
	if c.st != s {
		return
	}
	if err != nil {
		c.readFailed(err)
		return
	}
	s.next <- struct{}{}
}

// write takes b over to the writing goroutine and says that nothing was taken; when b was written the
// connection is told that the stream is writable, offers b again, and is given its number of bytes. So
// a message counts as sent when it really was.
func (s *netStream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrote > 0 {
		n := s.wrote
		s.wrote = 0
		return n, nil
	}
	if s.werr != nil {
		return 0, s.werr
	}
	if !s.writing && !s.closed {
		s.writing = true
		s.out = append(s.out[:0], b[:min(len(b), streamWrite)]...)
		go s.flush()
	}
	return 0, nil
}

func (s *netStream) flush() {
	n, err := s.nc.Write(s.out)
	s.mu.Lock()
	s.writing = false
	s.wrote, s.werr = n, err
	if cap(s.out) > streamRead {
		s.out = nil
	}
	s.mu.Unlock()
	s.conn.loop.Post(s, streamWritable)
}

func (s *netStream) close(reset bool) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.next)
	nc := s.nc
	if tc, ok := nc.(*tls.Conn); ok {
		nc = tc.NetConn() // without close_notify, which may block
	}
	if tcp, ok := nc.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = nc.Close()
	s.lease.release()
}
