package conformance

import (
	"crypto/tls"
	"fmt"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// variant is a way to run every case.
type variant struct {
	name   string
	engine transport.Engine
	secure bool
}

var variants = []variant{
	{"epoll", transport.EngineEpoll, false},
	{"goroutine", transport.EngineGoroutine, false},
	{"epoll+tls", transport.EngineEpoll, true},
	{"goroutine+tls", transport.EngineGoroutine, true},
}

// plays tells whether a case is for this variant.
func (v variant) plays(c *Case) bool {
	return c.runs == everywhere || (c.runs == overTLS) == v.secure
}

// options are those of every case that has none of its own. No clock runs out in them.
func (v variant) options() transport.Options {
	_, pool := wstest.Certificate()
	return transport.Options{
		Engine: v.engine, TLS: &tls.Config{RootCAs: pool},
		DialTimeout: wstest.Patience, CloseTimeout: wstest.Patience,
	}
}

// client is a loop that runs.
type client struct {
	net     *transport.Network
	loop    *transport.Loop
	stopped chan struct{}
}

func newClient(o transport.Options) (*client, error) {
	n, err := transport.NewNetwork(o)
	if err != nil {
		return nil, err
	}
	l, err := transport.NewLoop(n)
	if err != nil {
		return nil, err
	}
	c := &client{net: n, loop: l, stopped: make(chan struct{})}
	go func() {
		defer close(c.stopped)
		l.Run()
	}()
	return c, nil
}

func (c *client) stop() {
	c.loop.Stop()
	<-c.stopped
	c.net.Wait()
}

type onLoop func()

// RunOnLoop implements transport.Runner.
func (f onLoop) RunOnLoop(any) { f() }

// do runs f on the loop and waits for it.
func (c *client) do(f func()) {
	done := make(chan struct{})
	c.loop.Post(onLoop(func() { defer close(done); f() }), nil)
	<-done
}

// left tells what a connection has left behind.
func (c *client) left() (found []string) {
	c.do(func() {
		for what, n := range map[string]int{
			"connections": c.loop.Conns(), "pooled buffers": c.loop.BuffersInUse(),
			"messages pending": int(c.loop.Traffic().Pending), "panics": int(c.loop.Panics()),
		} {
			if n != 0 {
				found = append(found, fmt.Sprintf("%d %s left, want none", n, what))
			}
		}
		if !c.loop.Traffic().Balanced() {
			found = append(found, fmt.Sprintf("counters out of balance: %+v", *c.loop.Traffic()))
		}
	})
	return found
}

// player is the client's part of a case. All of it is the loop's until told is closed.
type player struct {
	*client
	c    *Case
	conn *transport.Conn
	r    reaction
	kept int           // messages sent and not dropped, where a case counts them
	told chan struct{} // Closed was
}

// Opened implements transport.Handler.
func (p *player) Opened(m *messages.Opened) {
	p.r.opened, p.r.subprotocol = true, m.Subprotocol
	if p.c.opened != nil {
		p.c.opened(p)
	}
}

// Message implements transport.Handler.
func (p *player) Message(m *messages.Message) {
	p.r.got = append(p.r.got, message{m.Op, string(m.Payload)})
	switch {
	case p.c.message != nil:
		p.c.message(p, m)
	case m.Op.IsData():
		_ = p.conn.Send(m.Op, m.Payload) // what is not sent, the server does not see
	}
}

// Closed implements transport.Handler.
func (p *player) Closed(m *messages.Closed) {
	p.r.cause, p.r.code, p.r.reason, p.r.clean, p.r.status = m.Cause, m.Code, m.Reason, m.Clean, m.Status
	if !m.Opened {
		p.r.phase = m.Phase
	}
	if m.Opened != p.r.opened {
		p.r.note += fmt.Sprintf("closed says opened: %v; ", m.Opened)
	}
	close(p.told)
}
