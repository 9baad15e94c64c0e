package transport

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// A panic in a callback ends that connection with the cause internal, and nothing else.
func TestPanicInHandler(t *testing.T) {
	boom := func() { panic("boom") }
	for _, c := range []struct {
		name string
		set  func(*player)
		open bool
		code messages.Cause
	}{
		{"opened", func(p *player) { p.onOpened = func(*Conn) { boom() } }, true, messages.CauseInternal},
		{"message", func(p *player) { p.onMessage = func(*Conn, *messages.Message) { boom() } }, true, messages.CauseInternal},
		{"message, the second of a read", func(p *player) {
			n := 0
			p.onMessage = func(*Conn, *messages.Message) {
				if n++; n == 2 {
					boom()
				}
			}
		}, true, messages.CauseInternal},
		{"closed", func(p *player) {
			p.onMessage = func(c *Conn, _ *messages.Message) { c.Abort(messages.CauseLocal, nil) }
			p.onClosed = func(*messages.Closed) { boom() }
		}, true, messages.CauseLocal},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := wstest.Serve(t, func(conn net.Conn) {
					three := []byte(strings.Repeat(string(wstest.Text("x")), 3))
					if p, err := wstest.UpgradeAnd(conn, three); err == nil {
						_ = wstest.EchoFrames(p.Conn)
					}
				})
				b := newLab(t, Options{Engine: e})
				other := b.open(srv.URL())
				p := b.player()
				c.set(p)
				p.dial(&messages.Connect{URL: srv.URL()})
				m := p.awaitClosed()
				checkOutcome(t, m, outcome{Cause: c.code, Code: messages.CloseAbnormal, Opened: c.open})
				if c.code == messages.CauseInternal && (m.Err == nil || m.Err.Error() != "panic: boom") {
					t.Errorf("got error %v, want that of the panic", m.Err)
				}
				other.do(func() { _ = other.conn.Send(messages.OpText, []byte("still here")) })
				other.awaitGot(got{messages.OpText, "x"}, got{messages.OpText, "x"}, got{messages.OpText, "x"}, got{messages.OpText, "still here"})
				b.do(func() {
					if b.loop.Panics() != 1 || b.loop.Conns() != 1 {
						t.Errorf("got %d panics and %d connections, want 1 and 1", b.loop.Panics(), b.loop.Conns())
					}
				})
			})
		})
	}
}

// culprit is a player that is told of its panics.
type culprit struct {
	*player
	told  chan any
	after func(*Conn) // what it does when it is told
}

func (c *culprit) Panicked(reason any, _ []byte) {
	c.told <- reason
	if c.after != nil {
		c.after(c.conn)
	}
}

// A Culprit ends its connection itself, when it likes. What was being read when it panicked is lost, so
// until then the connection does not read on from the middle of a frame, and takes no messages.
func TestPanicInCulprit(t *testing.T) {
	reason := errors.New("in its own words")
	for _, c := range []struct {
		name  string
		after func(*Conn)
		err   error
	}{
		{"aborts at once", func(c *Conn) { c.Abort(messages.CauseInternal, reason) }, reason},
		{"aborts later", func(c *Conn) {
			l := c.loop
			l.Post(runFunc(func() { l.Post(runFunc(func() { c.Abort(messages.CauseInternal, reason) }), nil) }), nil)
		}, reason},
		{"never does", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := wstest.Serve(t, func(conn net.Conn) {
					if p, err := wstest.UpgradeAnd(conn, []byte(strings.Repeat(string(wstest.Text("x")), 3))); err == nil {
						for range 100 { // read on from the wrong place these would be a protocol error
							if _, err := p.Write([]byte("\xff\xff\xff")); err != nil {
								return
							}
						}
						_ = p.AwaitEnd()
					}
				})
				b := newLab(t, Options{Engine: e, CloseTimeout: 50 * time.Millisecond})
				p := &culprit{player: b.player(), told: make(chan any, 10), after: c.after}
				p.onMessage = func(*Conn, *messages.Message) { panic("boom") }
				b.do(func() { p.conn = b.loop.Dial(&messages.Connect{URL: srv.URL()}, nil, p) })
				if r := await(t, p.told, "Panicked"); r != "boom" {
					t.Errorf("told %v, want boom", r)
				}
				p.do(func() {
					if err := p.conn.Send(messages.OpText, nil); err == nil {
						t.Error("a connection that has panicked takes messages")
					}
				})
				m := p.awaitClosed()
				checkOutcome(t, m, outcome{Cause: messages.CauseInternal, Code: messages.CloseAbnormal, Opened: true})
				if m.Err != c.err {
					t.Errorf("got error %v, want %v", m.Err, c.err)
				}
				if all := p.gotAll(); len(all) != 1 {
					t.Errorf("received %v, want one message", all)
				}
			})
		})
	}
}
