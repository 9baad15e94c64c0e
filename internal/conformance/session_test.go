package conformance

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// session is the server's part of a case.
type session struct {
	*wstest.Rogue
	p    *player
	want *reaction

	stayed   bool // the client was connected when the script was through
	outlived bool // that the client waits for the server's end is not to be looked at
	hasty    bool
}

// Drip, Flood, AwaitEnd and HalfClose are those of Rogue. A script that uses one of them has no use for the
// client's waiting, as it never ends the connection, or has ended its side.

func (s *session) Drip(b []byte, pause time.Duration) { s.outlived = true; s.Rogue.Drip(b, pause) }
func (s *session) Flood(b []byte)                     { s.outlived = true; s.Rogue.Flood(b) }
func (s *session) AwaitEnd()                          { s.outlived = true; s.Rogue.AwaitEnd() }
func (s *session) HalfClose()                         { s.outlived = true; s.Rogue.HalfClose() }
func (s *session) Cut()                               { s.outlived = true; s.Rogue.Cut() }

func (s *session) play(c *Case, conn net.Conn) {
	s.Rogue = wstest.Face(conn)
	defer s.Close()
	switch {
	case c.tcp != nil:
		c.tcp(s, conn)
		return
	case s.Meet() != nil:
		return
	case c.request != nil:
		c.request(s)
	default:
		s.Answer(wstest.Accepted())
		if !c.narrow {
			s.Listen() // a narrow server listens when its script says so
		}
		c.script(s)
	}
	s.Listen()
	s.finish()
}

// finish ends the connection as a good server does after what its script has done: where the client is to be
// still connected it closes, where the client is to close it lets it, and otherwise it waits for it to go.
// After close frames it is the server that ends TCP first (RFC 6455 §7.1.1).
func (s *session) finish() {
	if s.Finished() {
		return
	}
	if s.want.state == messages.Connected {
		s.Await(len(s.want.said))
		s.until(func() bool { // it may be that the client has yet to read the 101
			s.stayed = s.p.conn.Open()
			return s.stayed
		})
		s.Say(wstest.Close(int(messages.CloseNormal), ""))
	}
	if s.want.sent != 0 && s.AwaitClose() && !s.outlived {
		s.hasty = s.gone()
		s.HalfClose()
	}
	s.AwaitEnd()
}

// gone tells whether the client has ended the connection.
func (s *session) gone() (gone bool) {
	s.p.do(func() {
		select {
		case <-s.p.told:
			gone = true
		default:
		}
	})
	return gone
}

// until waits on the loop until ok, or until the client has ended; it has no other signal to wait for.
func (s *session) until(ok func() bool) {
	for done := false; !done && !s.gone(); runtime.Gosched() {
		s.p.do(func() { done = ok() })
	}
}

// awaitGone waits until the client has ended the connection.
func (s *session) awaitGone() { within(s.p.told) }

// within waits for ch to be closed, for as long as anything is waited for.
func within(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	case <-time.After(wstest.Patience + time.Second): // a Rogue gives up first, and can tell more
		return false
	}
}

// witness adds what the server saw.
func (r *reaction) witness(s *session) {
	said := s.Said()
	for _, f := range said.Frames {
		op, ok := map[ws.OpCode]messages.Op{ws.OpText: messages.OpText, ws.OpBinary: messages.OpBinary,
			ws.OpPing: messages.OpPing, ws.OpPong: messages.OpPong}[f.Header.OpCode]
		if !ok || !f.Header.Fin {
			r.fault = fmt.Sprintf("a client that never fragments sent %+v", f.Header)
		}
		r.said = append(r.said, message{op, string(f.Payload)})
	}
	if said.Closed {
		r.sent, r.why = said.Code, said.Reason
	}
	if said.Fault != nil {
		r.fault = said.Fault.Error()
	}
	r.after, r.end, r.hasty = said.After, said.End, s.hasty
	r.state = messages.Disconnected
	if s.stayed {
		r.state = messages.Connected
	}
}

// run plays a case and gives the reaction, and what was left behind. shared is the loop of cases without
// options.
func run(t *testing.T, v variant, c *Case, shared *client) (got reaction, left []string) {
	wstest.NoLeaks(t)
	cl := shared
	if c.options != nil {
		o := v.options()
		c.options(&o)
		var err error
		if cl, err = newClient(o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.stop)
	}
	want := c.want.complete()
	p := &player{client: cl, c: c, told: make(chan struct{})}
	s := &session{p: p, want: &want}
	played := make(chan struct{})
	var once sync.Once
	srv := serve(t, v, c, func(conn net.Conn) {
		s.play(c, conn)
		once.Do(func() { close(played) })
	})
	connect := &messages.Connect{URL: srv.URL()}
	if v.secure {
		connect.URL = "wss://" + srv.Addr() + "/"
	}
	if c.connect != nil {
		c.connect(connect)
	}
	cl.do(func() { p.conn = cl.loop.Dial(connect, nil, p) })
	if !within(played) {
		return got, []string{"the server's part was not played through"}
	}
	if !within(p.told) {
		return got, []string{"the client never ended"}
	}
	got = p.r
	got.witness(s)
	left = cl.left()
	if n := srv.Total(); n != 1 {
		left = append(left, fmt.Sprintf("the client connected %d times, want once", n))
	}
	return got, left
}

// serve makes the server of a case. One that plays before the TLS handshake speaks no TLS itself.
func serve(t *testing.T, v variant, c *Case, script func(net.Conn)) *wstest.Server {
	listen := func() net.Listener {
		if c.narrow {
			return wstest.Narrow(t)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	if v.secure && c.tcp == nil {
		return wstest.ServeTLSOn(t, listen(), script)
	}
	return wstest.ServeOn(t, listen(), script)
}
