package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// stall fills a connection whose peer does not read until a message is dropped, and gives how many were
// accepted. Each carries its number. The socket's own buffer is made smaller than one message, so that it
// is really stuck afterwards.
func stall(t *testing.T, p *player) (accepted int) {
	t.Helper()
	p.do(func() { narrow(p.conn.st) })
	payload := make([]byte, 32<<10)
	for accepted < 1000 {
		var err error
		p.do(func() {
			binary.BigEndian.PutUint32(payload, uint32(accepted))
			err = p.conn.Send(messages.OpBinary, payload)
		})
		if errors.Is(err, messages.ErrBacklog) {
			return accepted
		}
		if err != nil {
			t.Fatalf("message %d: %v", accepted, err)
		}
		accepted++
	}
	t.Fatal("the peer does not read, yet nothing is dropped")
	return 0
}

// narrow makes the send buffer of a socket as small as it gets.
func narrow(st stream) {
	switch st := st.(type) {
	case *netStream:
		_ = st.wire.Conn.(*net.TCPConn).SetWriteBuffer(1)
	default:
		narrowFD(st)
	}
}

// unread serves connections that are not read from until the test has ended.
func unread(t *testing.T) *wstest.Server {
	hold := make(chan struct{})
	srv, _ := serveOn(t, wstest.Narrow(t), func(*wstest.Peer) error {
		<-hold
		return nil
	})
	t.Cleanup(func() { close(hold) })
	return srv
}

// What was accepted arrives, whole and in order, once the peer reads; what was dropped does not.
func TestBacklogResumes(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		read := make(chan struct{})
		total := make(chan int, 1)
		srv, done := serveOn(t, wstest.Narrow(t), func(p *wstest.Peer) error {
			<-read
			for n := 0; ; n++ {
				f, err := p.Next()
				switch {
				case err != nil:
					return err
				case f.Header.OpCode == ws.OpClose:
					total <- n
					_, err := p.Write(wstest.Close(1000, ""))
					return err
				case len(f.Payload) != 32<<10 || binary.BigEndian.Uint32(f.Payload) != uint32(n):
					return fmt.Errorf("message %d: got number %d of %d bytes", n, binary.BigEndian.Uint32(f.Payload), len(f.Payload))
				}
			}
		})
		b := newLab(t, Options{Engine: e, MaxBacklog: 100 << 10, CloseTimeout: time.Minute})
		p := b.open(srv.URL())
		accepted := stall(t, p)
		payload := make([]byte, 32<<10)
		p.do(func() {
			tr := b.loop.traffic
			if n := p.conn.Pending(); n == 0 || uint64(n) != tr.Pending || tr.Dropped[messages.DropBacklog] != 1 {
				t.Errorf("got %d pending and %+v, want one dropped", n, tr)
			}
		})
		close(read)
		b.eventually("an empty backlog", func() bool { return p.conn.Pending() == 0 })
		p.do(func() { // it takes messages again, and what was dropped stays dropped
			binary.BigEndian.PutUint32(payload, uint32(accepted))
			if err := p.conn.Send(messages.OpBinary, payload); err != nil {
				t.Error(err)
			}
			p.conn.Close(messages.CloseNormal, "") // behind it
		})
		checkServer(t, done)
		if n := await(t, total, "the count"); n != accepted+1 {
			t.Errorf("the server has %d messages, want %d", n, accepted+1)
		}
		m := p.awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
		if tr := b.traffic(); tr.Sent[messages.OpBinary] != uint64(accepted+1) || m.Unsent != 0 {
			t.Errorf("%d accepted, %d unsent: got %+v", accepted+1, m.Unsent, tr)
		}
	})
}

// Messages that never left when the connection ends are counted as dropped, and told in Unsent.
func TestBacklogDroppedOnEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		end   func(*Conn)
		cause messages.Cause
		close uint64 // close frames that never left
	}{
		{"abort", func(c *Conn) { c.Abort(messages.CauseShutdown, nil) }, messages.CauseShutdown, 0},
		{"close", func(c *Conn) { c.Close(messages.CloseNormal, "") }, messages.CauseLocal, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := unread(t)
				b := newLab(t, Options{Engine: e, MaxBacklog: 100 << 10, CloseTimeout: 50 * time.Millisecond})
				p := b.open(srv.URL())
				accepted := uint64(stall(t, p))
				p.do(func() { c.end(p.conn) })
				m := p.awaitClosed()
				checkOutcome(t, m, outcome{Cause: c.cause, Code: messages.CloseAbnormal, Opened: true})
				tr := b.traffic()
				sent, dropped := tr.Sent[messages.OpBinary], tr.Dropped[messages.DropClosed]
				if tr.Pending != 0 || uint64(m.Unsent) != dropped || dropped == 0 || sent+dropped != accepted+c.close {
					t.Errorf("%d accepted: got %d sent, %d dropped, %d unsent, %d pending", accepted, sent, dropped, m.Unsent, tr.Pending)
				}
			})
		})
	}
}

func TestWriteTimeout(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv := unread(t)
		const limit = 100 * time.Millisecond
		b := newLab(t, Options{Engine: e, MaxBacklog: 100 << 10, WriteTimeout: limit})
		p := b.open(srv.URL())
		stall(t, p)
		var since messages.Stamp
		p.do(func() {
			if p.conn.tx != nil {
				since = p.conn.tx.since
			}
		})
		m := p.awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseWriteTimeout, Code: messages.CloseAbnormal, Opened: true})
		if waited := m.At.Sub(since); waited < limit {
			t.Errorf("gave up %v after the socket took something, want %v", waited, limit)
		}
	})
}

func TestCloseOnBacklog(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		read := make(chan struct{})
		srv, done := serveOn(t, wstest.Narrow(t), func(p *wstest.Peer) error {
			<-read
			return answerClose(p, 1008)
		})
		b := newLab(t, Options{Engine: e, MaxBacklog: 100 << 10, CloseOnBacklog: true, CloseTimeout: time.Minute})
		p := b.open(srv.URL())
		stall(t, p)
		p.do(func() {
			if err := p.conn.Send(messages.OpText, nil); !errors.Is(err, messages.ErrClosing) {
				t.Errorf("send: got %v, want %v", err, messages.ErrClosing)
			}
		})
		close(read)
		checkServer(t, done)
		m := p.awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseBacklog, Code: messages.ClosePolicyViolation, Opened: true})
		if m.Unsent != 0 {
			t.Errorf("got %d unsent, want 0: the peer has read it all", m.Unsent)
		}
	})
}

// A limit that has passed while a message is being written must not put a close frame into the middle of
// that message.
func TestStallLimitsOnlyArmWhileWriting(t *testing.T) {
	l := still(t, Options{IdleTimeout: time.Nanosecond})
	s := &sink{limit: 3}
	c := openOn(l, new(recorder), s)
	c.lastRead = messages.Now().Add(-time.Hour)
	if err := c.Send(messages.OpText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if c.phase != phaseOpen || !c.timer.IsSet() {
		t.Fatalf("got phase %d, timer set %v; want it open and the timer set", c.phase, c.timer.IsSet())
	}
	s.limit = -1
	c.Alarm(&c.timer, messages.Now())
	c.writable()
	if got, want := unmask(t, s.wrote.Bytes()), `1 "hello";8 "\x03\xe9";`; got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
}

// A backlog of many tiny frames is not kept for reuse: its list would be many times its bytes.
func TestBacklogPoolIsBounded(t *testing.T) {
	l := still(t, Options{MaxBacklog: 1 << 20})
	s := &sink{limit: 0}
	c := openOn(l, new(recorder), s)
	for range 10 * maxPooledFrames {
		if err := c.Send(messages.OpText, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.limit = -1
	c.writable()
	if c.tx != nil || len(l.free.backlogs) != 1 || cap(l.free.backlogs[0].frames) > maxPooledFrames {
		t.Errorf("got backlog %v, pool %+v", c.tx, l.free.backlogs)
	}
}

// TestWritesAreSequential drives a connection with a socket that takes what it likes, and checks that the
// bytes are exactly the accepted frames in order, that the law of the counters holds at every step, and
// that the buffer does not grow for ever.
func TestWritesAreSequential(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, s := still(t, Options{MaxBacklog: 5000, CloseOnBacklog: rapid.Bool().Draw(t, "close on backlog")}), &sink{}
		r := new(recorder)
		c := openOn(l, r, s)
		var want bytes.Buffer
		closed := false
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				payload := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.SampledFrom([]int{0, 1, 100, 1000, 6000}).Draw(t, "size"))
				switch err := c.Send(messages.OpBinary, payload); {
				case err == nil:
					fmt.Fprintf(&want, "%v %q;", ws.OpBinary, payload)
				case errors.Is(err, messages.ErrBacklog):
					if c.Closing() && !closed {
						closed = true
						fmt.Fprintf(&want, "%v %q;", ws.OpClose, "\x03\xf0")
					}
				case !errors.Is(err, messages.ErrClosing):
					t.Fatal(err)
				}
			},
			"take": func(t *rapid.T) {
				s.limit = rapid.IntRange(1, 3000).Draw(t, "bytes")
				c.writable()
			},
			"": func(t *rapid.T) {
				if !l.traffic.Balanced() || uint64(c.Pending()) != l.traffic.Pending {
					t.Fatalf("%d pending: %+v", c.Pending(), l.traffic)
				}
				if c.tx != nil && len(c.tx.buf) > 4*(5000+6000+100) {
					t.Fatalf("the buffer has %d bytes", len(c.tx.buf))
				}
			},
		})
		s.limit = -1
		c.writable()
		if c.tx != nil || l.traffic.Pending != 0 {
			t.Fatalf("%d messages are pending although the socket takes all", l.traffic.Pending)
		}
		var got string
		for in := bytes.NewReader(s.wrote.Bytes()); in.Len() > 0; {
			f, err := ws.ReadFrame(in)
			if err != nil {
				t.Fatalf("what was sent is no frame: %v", err)
			}
			f = ws.UnmaskFrame(f)
			got += fmt.Sprintf("%v %q;", f.Header.OpCode, f.Payload)
		}
		if got != want.String() {
			t.Fatalf("got %d bytes, want %d", len(got), want.Len())
		}
	})
}

// TestRequestInBacklog: a request that the socket does not take at once is no message, and is sent before
// all messages.
func TestRequestInBacklog(t *testing.T) {
	l := still(t, Options{})
	s := &sink{limit: 5}
	c := &Conn{loop: l, handler: new(recorder), st: s, hs: l.free.handshake()}
	l.conns = append(l.conns, c)
	tgt, err := compile(&messages.Connect{URL: "ws://game.example/"}, "")
	if err != nil {
		t.Fatal(err)
	}
	c.hs.target = tgt
	c.begin()
	if n := c.Pending(); n != 0 || l.traffic.Pending != 0 || c.tx == nil {
		t.Errorf("got %d pending, %+v", n, l.traffic)
	}
	s.limit = -1
	c.writable()
	if b := s.wrote.Bytes(); c.tx != nil || !bytes.HasPrefix(b, []byte("GET / HTTP/1.1\r\n")) || !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		t.Errorf("wrote %q", b)
	}
	if l.traffic.Asked != 0 {
		t.Errorf("got %+v, want no message", l.traffic)
	}
	c.Abort(messages.CauseLocal, nil)
	if s.closed != 1 || !s.reset {
		t.Errorf("closed %d times, reset %v", s.closed, s.reset)
	}
}
