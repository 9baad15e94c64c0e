package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// nothingMore checks that the client says nothing after its close frame and then ends TCP in an orderly way.
func nothingMore(p *wstest.Peer) error {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		if err := tcp.CloseWrite(); err != nil {
			return err
		}
	}
	return p.AwaitEnd()
}

// TestClose plays closing handshakes through. The client's part runs when it is open; the server's script
// gives what was wrong.
func TestClose(t *testing.T) {
	local := func(code messages.CloseCode, reason string) func(*Conn) {
		return func(c *Conn) { c.Close(code, reason) }
	}
	clean := func(cause messages.Cause, code messages.CloseCode) outcome {
		return outcome{Cause: cause, Code: code, Clean: true, Opened: true}
	}
	unclean := func(cause messages.Cause, code messages.CloseCode) outcome {
		return outcome{Cause: cause, Code: code, Opened: true}
	}
	reason123 := string(make([]byte, messages.MaxCloseReason))
	for _, c := range []struct {
		name   string
		server func(*wstest.Peer) error
		client func(*Conn)
		want   outcome
		reason string
		err    error
	}{
		{name: "local, answered", client: local(1000, ""), want: clean(messages.CauseLocal, 1000),
			server: func(p *wstest.Peer) error { return errors.Join(answerClose(p, 1000), nothingMore(p)) }},
		{name: "local with a code and a reason", client: local(4321, "bye"), want: clean(messages.CauseLocal, 4321),
			server: func(p *wstest.Peer) error {
				_, f, err := p.AwaitClose()
				if err == nil && (wstest.CloseCode(f) != 4321 || string(f.Payload[2:]) != "bye") {
					err = fmt.Errorf("got close frame %q", f.Payload)
				}
				_, _ = p.Write(wstest.Close(4321, "bye"))
				return errors.Join(err, nothingMore(p))
			}},
		{name: "local without a code", client: local(messages.CloseNoStatus, ""), want: clean(messages.CauseLocal, messages.CloseNoStatus),
			server: func(p *wstest.Peer) error {
				_, f, err := p.AwaitClose()
				if err == nil && len(f.Payload) != 0 {
					err = fmt.Errorf("got close frame %q, want it empty", f.Payload)
				}
				_, _ = p.Write(wstest.Frame(ws.OpClose, true, nil))
				return errors.Join(err, nothingMore(p))
			}},
		{name: "local, answered with another code", client: local(1000, ""), want: clean(messages.CauseLocal, 1000),
			server: func(p *wstest.Peer) error {
				_, _, err := p.AwaitClose()
				_, _ = p.Write(wstest.Close(1001, "going as well"))
				return errors.Join(err, nothingMore(p))
			}},
		{name: "local, never answered", client: local(1000, ""), want: unclean(messages.CauseLocal, 1000), err: errCloseTimeout,
			server: func(p *wstest.Peer) error {
				_, _, err := p.AwaitClose()
				return errors.Join(err, p.AwaitEnd())
			}},
		{name: "local, answered, TCP left open", client: local(1000, ""), want: clean(messages.CauseLocal, 1000),
			server: func(p *wstest.Peer) error { return errors.Join(answerClose(p, 1000), p.AwaitEnd()) }},
		{name: "local, TCP ended without an answer", client: local(1000, ""), want: unclean(messages.CauseLocal, 1000),
			server: func(p *wstest.Peer) error {
				_, _, err := p.AwaitClose()
				return err
			}},
		{name: "local, answered with nonsense", client: local(1000, ""), want: unclean(messages.CauseLocal, 1000),
			server: func(p *wstest.Peer) error {
				_, _, err := p.AwaitClose()
				_, _ = p.Write(wstest.Close(1005, ""))
				return errors.Join(err, nothingMore(p))
			}},
		{name: "local, twice and then shut down", want: clean(messages.CauseLocal, 1001),
			client: func(c *Conn) { c.Close(1001, ""); c.Close(1000, "again"); c.Shutdown() },
			server: func(p *wstest.Peer) error { return errors.Join(answerClose(p, 1001), nothingMore(p)) }},
		{name: "shut down", client: (*Conn).Shutdown, want: clean(messages.CauseShutdown, 1000),
			server: func(p *wstest.Peer) error { return errors.Join(answerClose(p, 1000), nothingMore(p)) }},
		{name: "nothing is said after our close frame", client: local(1000, ""), want: clean(messages.CauseLocal, 1000),
			server: func(p *wstest.Peer) error {
				_, _, err := p.AwaitClose()
				_, _ = p.Write(append(wstest.Frame(ws.OpPing, true, []byte("?")), wstest.Close(1000, "")...))
				return errors.Join(err, nothingMore(p))
			}},
		{name: "remote", want: clean(messages.CauseRemote, 1001), reason: "moving",
			server: func(p *wstest.Peer) error {
				_, _ = p.Write(wstest.Close(1001, "moving"))
				_, f, err := p.AwaitClose()
				if err == nil && wstest.CloseCode(f) != 1001 {
					err = fmt.Errorf("got close code %d, want it echoed", wstest.CloseCode(f))
				}
				return errors.Join(err, nothingMore(p))
			}},
		{name: "remote with the longest reason", want: clean(messages.CauseRemote, 3000), reason: reason123,
			server: func(p *wstest.Peer) error {
				_, _ = p.Write(wstest.Close(3000, reason123))
				_, _, err := p.AwaitClose()
				return errors.Join(err, nothingMore(p))
			}},
		{name: "remote without a code", want: clean(messages.CauseRemote, messages.CloseNoStatus),
			server: func(p *wstest.Peer) error {
				_, _ = p.Write(wstest.Frame(ws.OpClose, true, nil))
				_, f, err := p.AwaitClose()
				if err == nil && len(f.Payload) != 0 {
					err = fmt.Errorf("got close frame %q, want it empty", f.Payload)
				}
				return errors.Join(err, nothingMore(p))
			}},
		{name: "remote, TCP ended at once", want: clean(messages.CauseRemote, 1001),
			server: func(p *wstest.Peer) error {
				_, err := p.Write(wstest.Close(1001, ""))
				return errors.Join(err, p.Conn.(*net.TCPConn).CloseWrite(), func() error { _, _, err := p.AwaitClose(); return err }())
			}},
		{name: "remote, TCP left open", want: clean(messages.CauseRemote, 1001),
			server: func(p *wstest.Peer) error {
				_, _ = p.Write(wstest.Close(1001, ""))
				_, _, err := p.AwaitClose()
				return errors.Join(err, p.AwaitEnd())
			}},
		{name: "eof", want: unclean(messages.CauseEOF, messages.CloseAbnormal),
			server: func(p *wstest.Peer) error { return nil }},
		{name: "eof within a frame", want: unclean(messages.CauseEOF, messages.CloseAbnormal),
			server: func(p *wstest.Peer) error {
				_, err := p.Write([]byte("\x81\x05he"))
				return err
			}},
		{name: "reset", want: unclean(messages.CauseReset, messages.CloseAbnormal),
			server: func(p *wstest.Peer) error { wstest.Reset(p.Conn); return nil }},
		{name: "aborted", client: func(c *Conn) { c.Abort(messages.CauseIdleTimeout, io.ErrNoProgress) },
			want: unclean(messages.CauseIdleTimeout, messages.CloseAbnormal), err: io.ErrNoProgress,
			server: func(p *wstest.Peer) error {
				if err := p.AwaitEnd(); err == nil {
					return errors.New("got an orderly end, want a reset")
				}
				return nil
			}},
		{name: "aborted while it closes", want: unclean(messages.CauseLocal, messages.CloseNormal),
			client: func(c *Conn) {
				c.Close(1000, "")
				c.loop.Defer(runFunc(func() { c.loop.Defer(laterAbort{c}, nil) }), nil)
			},
			server: func(p *wstest.Peer) error { _ = p.AwaitEnd(); return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				start := make(chan struct{})
				srv, done := serve(t, func(p *wstest.Peer) error {
					<-start
					return c.server(p)
				})
				b := newLab(t, Options{Engine: e, CloseTimeout: 50 * time.Millisecond})
				p := b.open(srv.URL())
				if c.client != nil {
					p.do(func() { c.client(p.conn) })
				}
				close(start)
				m := p.awaitClosed()
				checkServer(t, done)
				checkOutcome(t, m, c.want)
				if m.Reason != c.reason {
					t.Errorf("reason: got %q, want %q", m.Reason, c.reason)
				}
				if c.err != nil && !errors.Is(m.Err, c.err) {
					t.Errorf("error: got %v, want %v", m.Err, c.err)
				}
				if m.Unsent != 0 {
					t.Errorf("got %d unsent messages, want 0", m.Unsent)
				}
			})
		})
	}
}

// laterAbort aborts once the close frame of its connection has left.
type laterAbort struct{ c *Conn }

func (a laterAbort) RunOnLoop(any) {
	if a.c.Pending() > 0 {
		a.c.loop.Post(a, nil)
		return
	}
	a.c.Abort(messages.CauseInternal, nil)
}

// After the peer's answer to our close frame the connection waits for the end of TCP, as the server is to
// close first (RFC 6455 §7.1.1).
func TestCloseWaitsForEOF(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		end := make(chan struct{})
		srv, done := serve(t, func(p *wstest.Peer) error {
			err := answerClose(p, 1000)
			<-end
			return err
		})
		b := newLab(t, Options{Engine: e, CloseTimeout: time.Minute})
		p := b.open(srv.URL())
		p.do(func() { p.conn.Close(messages.CloseNormal, "") })
		b.eventually("the peer's close frame", func() bool { return p.conn.phase == phaseDraining })
		p.do(func() {
			if p.closes != 0 || !p.conn.Closing() || p.conn.Open() {
				t.Errorf("closed %d times, closing %v, open %v; want it to wait", p.closes, p.conn.Closing(), p.conn.Open())
			}
			if err := p.conn.Send(messages.OpText, nil); !errors.Is(err, messages.ErrClosing) {
				t.Errorf("send: got %v, want %v", err, messages.ErrClosing)
			}
		})
		close(end)
		checkServer(t, done)
		checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
		p.do(func() {
			if err := p.conn.Send(messages.OpText, nil); !errors.Is(err, net.ErrClosed) {
				t.Errorf("send: got %v, want %v", err, net.ErrClosed)
			}
			p.conn.Close(messages.CloseNormal, "")
			p.conn.Shutdown()
			p.conn.Abort(messages.CauseInternal, nil)
		})
	})
}

// A write is often the first to notice that the peer has gone. What the peer said before then counts more
// than the write's error.
func TestWriteNoticesFirst(t *testing.T) {
	for _, c := range []struct {
		name  string
		last  []byte // that the peer says
		reset bool
		want  outcome
	}{
		{"reset", nil, true, outcome{Cause: messages.CauseReset, Code: messages.CloseAbnormal, Opened: true}},
		{"gone", nil, false, outcome{Cause: messages.CauseEOF, Code: messages.CloseAbnormal, Opened: true}},
		{"a close frame lies unread", wstest.Close(1012, "restart"), true, outcome{Cause: messages.CauseRemote, Code: messages.CloseServiceRestart, Opened: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				start := make(chan struct{})
				srv, done := serve(t, func(p *wstest.Peer) error {
					<-start
					_, err := p.Write(c.last)
					if c.reset {
						wstest.Reset(p.Conn)
					} else {
						_ = p.Close()
					}
					return err
				})
				b := newLab(t, Options{Engine: e})
				p := b.open(srv.URL())
				p.do(func() { // while the loop is here it reads nothing
					close(start)
					checkServer(t, done)
					for range 3 {
						_ = p.conn.Send(messages.OpText, []byte("anybody there?"))
					}
				})
				m := p.awaitClosed()
				got := outcomeOf(m)
				if got.Cause == messages.CauseReset && c.want.Cause == messages.CauseEOF {
					got.Cause = messages.CauseEOF // the kernel answers data after its end with a reset
				}
				if got.Clean && c.want.Cause == messages.CauseRemote {
					got.Clean = false // our echo may have left before the reset was noticed
				}
				if got != c.want {
					t.Errorf("got %+v (%v), want %+v", got, m.Err, c.want)
				}
			})
		})
	}
}

// Whatever a handler does from inside a callback, callbacks stay one at a time and Closed the last.
func TestCallsFromCallbacks(t *testing.T) {
	for _, c := range []struct {
		name      string
		onOpened  func(*Conn)
		onMessage func(*Conn, *messages.Message)
		want      messages.Cause
	}{
		{"close in opened", func(c *Conn) { c.Close(1000, "") }, nil, messages.CauseLocal},
		{"abort in opened", func(c *Conn) { c.Abort(messages.CauseBacklog, nil) }, nil, messages.CauseBacklog},
		{"send and close in message", nil, func(c *Conn, _ *messages.Message) {
			_ = c.Send(messages.OpText, []byte("x"))
			c.Close(1000, "")
		}, messages.CauseLocal},
		{"abort in message", nil, func(c *Conn, _ *messages.Message) { c.Abort(messages.CauseInternal, nil) }, messages.CauseInternal},
		{"shutdown in opened", (*Conn).Shutdown, nil, messages.CauseShutdown},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := wstest.Serve(t, func(conn net.Conn) {
					// The first frames are glued to the answer, so that they are read together.
					p, err := wstest.UpgradeAnd(conn, append(wstest.Text("1"), wstest.Text("2")...))
					if err == nil {
						_, _, _ = p.AwaitClose()
						_, _ = p.Write(wstest.Close(1000, ""))
					}
				})
				b := newLab(t, Options{Engine: e})
				p := b.player()
				p.onOpened, p.onMessage = c.onOpened, c.onMessage
				p.dial(&messages.Connect{URL: srv.URL()})
				if m := p.awaitClosed(); m.Cause != c.want || !m.Opened {
					t.Errorf("got %s: %v, want %s", m.Cause, m.Err, c.want)
				}
			})
		})
	}
}

// Send tells what may not be sent, and sends nothing then.
func TestSendRefuses(t *testing.T) {
	l := still(t, Options{})
	s := &sink{limit: -1}
	c := openOn(l, new(recorder), s)
	for _, x := range []struct {
		op      messages.Op
		payload string
		want    error
	}{
		{messages.OpText, "\xff", messages.ErrNotUTF8},
		{messages.OpPing, string(make([]byte, 126)), messages.ErrTooLong},
		{messages.OpPong, string(make([]byte, 126)), messages.ErrTooLong},
		{messages.OpClose, "", nil},
	} {
		if err := c.Send(x.op, []byte(x.payload)); err == nil || (x.want != nil && !errors.Is(err, x.want)) {
			t.Errorf("%v %q: got %v, want %v", x.op, x.payload, err, x.want)
		}
	}
	if s.wrote.Len() != 0 || l.traffic.Asked != 0 {
		t.Errorf("got %d bytes written and %d messages asked for, want none", s.wrote.Len(), l.traffic.Asked)
	}
}
