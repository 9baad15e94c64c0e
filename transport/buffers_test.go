package transport

import (
	"io"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestBuffersInUse: each thing that a connection keeps is one buffer, and all come back, whatever ends it.
func TestBuffersInUse(t *testing.T) {
	type step struct {
		name string
		do   func(*Loop, *Conn)
		want int
	}
	half := step{"half a frame", func(_ *Loop, c *Conn) { c.received(wstest.Text("hello")[:4]) }, 1}
	stuck := step{"a send that the socket does not take", func(_ *Loop, c *Conn) { _ = c.Send(messages.OpText, []byte("x")) }, 2}
	for _, c := range []struct {
		name  string
		limit int // bytes that the socket takes
		steps []step
	}{
		{"nothing is kept of whole messages", -1, []step{
			{"a message", func(_ *Loop, c *Conn) { c.received(wstest.Text("hello")) }, 0},
			{"its echo", func(_ *Loop, c *Conn) { _ = c.Send(messages.OpText, []byte("hello")) }, 0},
		}},
		{"a message in pieces", -1, []step{half, {"the rest", func(_ *Loop, c *Conn) { c.received(wstest.Text("hello")[4:]) }, 0}}},
		{"a fault in the second piece", -1, []step{half, {"not utf-8", func(_ *Loop, c *Conn) { c.received([]byte{0xff}) }, 0}}},
		{"aborted with both", 1, []step{half, stuck, {"abort", func(_ *Loop, c *Conn) { c.Abort(messages.CauseLocal, nil) }, 0}}},
		{"lost with both", 1, []step{half, stuck, {"end", func(_ *Loop, c *Conn) { c.readFailed(io.EOF) }, 0}}},
		{"written after all", 1, []step{
			{"send", stuck.do, 1},
			{"writable", func(_ *Loop, c *Conn) { c.st.(*sink).limit = -1; c.writable() }, 0},
		}},
		{"a handler that panics over a message in pieces", -1, []step{half, {"the rest", func(l *Loop, c *Conn) {
			c.handler = panics{}
			l.Defer(runFunc(func() { c.received(wstest.Text("hello")[4:]) }), nil)
			l.drain()
		}, 0}}},
	} {
		l := still(t, Options{})
		conn := openOn(l, new(recorder), &sink{limit: c.limit})
		for _, s := range c.steps {
			s.do(l, conn)
			if n := l.BuffersInUse(); n != s.want {
				t.Errorf("%s: after %s: got %d buffers in use, want %d", c.name, s.name, n, s.want)
			}
		}
		conn.Abort(messages.CauseLocal, nil)
		if n := l.BuffersInUse(); n != 0 {
			t.Errorf("%s: at the end: got %d buffers in use, want 0", c.name, n)
		}
	}
}

// TestBuffersOfHandshake: an opening handshake has one until it has opened or failed.
func TestBuffersOfHandshake(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, wstest.Echo)
		b := newLab(t, Options{Engine: e})
		p := b.player()
		p.do(func() {
			p.conn = p.loop.Dial(&messages.Connect{URL: srv.URL()}, nil, p)
			if n := b.loop.BuffersInUse(); n != 1 {
				t.Errorf("while it opens: got %d buffers in use, want 1", n)
			}
		})
		p.awaitOpened()
		// In the goroutine engine the request's write may be reported after the answer came.
		b.eventually("no buffer in use once open", func() bool { return b.loop.BuffersInUse() == 0 })
		p.do(func() {
			q := b.player()
			q.conn = b.loop.Dial(&messages.Connect{URL: "http://not/"}, nil, q)
			if n := b.loop.BuffersInUse(); n != 0 {
				t.Errorf("after one that failed at once: got %d buffers in use, want 0", n)
			}
		})
	})
}

// panics is a Handler that does.
type panics struct{ quiet }

func (panics) Message(*messages.Message) { panic("boom") }
