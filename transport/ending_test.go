package transport

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestWriteFails: a write that fails because the peer has gone leaves the end to the read that follows;
// any other failure ends the connection at once. Either way nothing is left behind, also where it was our
// close frame that failed.
func TestWriteFails(t *testing.T) {
	send := func(c *Conn) { _ = c.Send(messages.OpText, []byte("x")) }
	shut := func(c *Conn) { c.Close(messages.CloseNormal, "") }
	for _, c := range []struct {
		name string
		err  error // of the write
		do   func(*Conn)
		read func(*Conn) // what is read then; nil if the write ended it
		want outcome
		is   error
	}{
		{"send, gone, reset told again", syscall.EPIPE, send, func(c *Conn) { c.readFailed(syscall.ECONNRESET) }, outcome{Cause: messages.CauseReset, Code: messages.CloseAbnormal, Opened: true}, syscall.ECONNRESET},
		{"send, gone, told once", syscall.ECONNRESET, send, func(c *Conn) { c.readFailed(io.EOF) }, outcome{Cause: messages.CauseReset, Code: messages.CloseAbnormal, Opened: true}, syscall.ECONNRESET},
		{"send, pipe closed", io.ErrClosedPipe, send, func(c *Conn) { c.readFailed(io.EOF) }, outcome{Cause: messages.CauseEOF, Code: messages.CloseAbnormal, Opened: true}, io.ErrClosedPipe},
		{"send, gone, a close frame unread", syscall.EPIPE, send, func(c *Conn) { c.received(wstest.Close(1001, "")); c.readFailed(io.EOF) }, outcome{Cause: messages.CauseRemote, Code: messages.CloseGoingAway, Opened: true}, nil},
		{"send, no memory", syscall.ENOMEM, send, nil, outcome{Cause: messages.CauseLocalResource, Code: messages.CloseAbnormal, Opened: true}, syscall.ENOMEM},
		{"close, gone", syscall.EPIPE, shut, func(c *Conn) { c.readFailed(io.EOF) }, outcome{Cause: messages.CauseLocal, Code: messages.CloseAbnormal, Opened: true}, nil},
		{"close, no memory", syscall.ENOMEM, shut, nil, outcome{Cause: messages.CauseLocal, Code: messages.CloseAbnormal, Opened: true}, nil},
		{"fault, no memory", syscall.ENOMEM, func(c *Conn) { c.received([]byte(frame(0x83, ""))) }, nil, outcome{Cause: messages.CauseProtocolError, Code: messages.CloseAbnormal, Opened: true}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := still(t, Options{})
			r, s := new(recorder), &sink{limit: -1, err: c.err}
			conn := openOn(l, r, s)
			c.do(conn)
			if c.read != nil {
				if conn.ended() {
					t.Fatal("ended before the read that follows")
				}
				c.read(conn)
			}
			l.drain()
			if len(r.closed) != 1 {
				t.Fatalf("closed was told %d times, want once", len(r.closed))
			}
			checkOutcome(t, r.closed[0], c.want)
			if c.is != nil && !errors.Is(r.closed[0].Err, c.is) {
				t.Errorf("got error %v, want %v", r.closed[0].Err, c.is)
			}
			if !l.traffic.Balanced() || l.traffic.Pending != 0 || l.timers.count != 0 || s.closed != 1 || l.Conns() != 0 {
				t.Errorf("left behind: %+v, %d timers, %d connections; the stream was closed %d times", l.traffic, l.timers.count, l.Conns(), s.closed)
			}
		})
	}
}

// A limit that is off arms nothing.
func TestLimitsOff(t *testing.T) {
	l := still(t, Options{CloseTimeout: -1, WriteTimeout: -1, IdleTimeout: -1})
	c := openOn(l, new(recorder), &sink{limit: 1})
	_ = c.Send(messages.OpText, []byte("x"))
	c.Close(messages.CloseNormal, "")
	if l.timers.count != 0 {
		t.Errorf("got %d timers, want none", l.timers.count)
	}
}

// The first cause is kept, and its details; what comes later adds only details that were missing.
func TestFirstCauseIsKept(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	for _, c := range []struct {
		name string
		do   func(*Conn)
		want messages.Cause
		err  error
	}{
		{"the same twice", func(c *Conn) { c.Abort(messages.CauseInternal, first); c.Abort(messages.CauseInternal, second) }, messages.CauseInternal, first},
		{"another", func(c *Conn) { c.fail(messages.CauseTooBig, 1009, first); c.Abort(messages.CauseInternal, second) }, messages.CauseTooBig, first},
		{"details later", func(c *Conn) { c.giveUp(); c.Abort(messages.CauseInternal, second) }, messages.CauseInternal, second},
		{"another without details", func(c *Conn) { c.Close(1000, ""); c.readFailed(syscall.ECONNRESET) }, messages.CauseLocal, nil},
		{"a fault while it closes", func(c *Conn) { c.Close(1000, ""); c.received([]byte(frame(0x83, ""))); c.readFailed(io.EOF) }, messages.CauseLocal, nil},
		{"given up twice", func(c *Conn) { c.giveUp(); c.giveUp(); c.readFailed(io.EOF); c.giveUp() }, messages.CauseInternal, nil},
	} {
		l := still(t, Options{})
		r := new(recorder)
		conn := openOn(l, r, &sink{limit: -1})
		c.do(conn)
		l.drain()
		if len(r.closed) != 1 || r.closed[0].Cause != c.want || r.closed[0].Err != c.err {
			t.Errorf("%s: got %+v, want %s: %v", c.name, r.closed, c.want, c.err)
		}
	}
}

// What a loop and a network tell of themselves.
func TestAccessors(t *testing.T) {
	l := still(t, Options{UserAgent: "test", CloseTimeout: time.Second})
	a := &alarm{f: func() {}}
	l.SetTimer(&a.Timer, l.Now().Add(time.Hour), a)
	l.StopTimer(&a.Timer)
	if a.IsSet() || l.Traffic() != &l.traffic || l.Panics() != 0 || l.net.Options().UserAgent != "test" {
		t.Errorf("got timer set %v, %d panics, options %+v", a.IsSet(), l.Panics(), l.net.Options())
	}
	bad := &messages.Connect{URL: "http://a/"}
	for _, err := range []error{l.Check(bad), Check(bad)} {
		if !errors.Is(err, messages.ErrBadURL) {
			t.Errorf("got %v, want %v", err, messages.ErrBadURL)
		}
	}
	if err := errors.Join(l.Check(&messages.Connect{URL: "ws://a/"}), Check(&messages.Connect{URL: "ws://a/"})); err != nil {
		t.Error(err)
	}
	for e, want := range map[Engine]string{EngineAuto: "auto", EngineEpoll: "epoll", EngineGoroutine: "goroutine"} {
		if e.String() != want {
			t.Errorf("got %s, want %s", e, want)
		}
	}
}
