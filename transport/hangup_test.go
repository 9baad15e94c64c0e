package transport

import (
	"context"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// gated is a connection whose writes wait while its gate is closed, and that knows no deadlines, so that
// the test does not depend on time.
type gated struct {
	net.Conn
	gate chan chan struct{} // holds what the next write waits for

	deadline error // what it says to a deadline
}

func (g gated) Write(b []byte) (int, error) {
	wait := <-g.gate
	g.gate <- wait
	<-wait
	return g.Conn.Write(b)
}

func (g gated) SetWriteDeadline(time.Time) error { return g.deadline }

// failing is a gated connection whose writes fail, once they are let through, with err.
type failing struct {
	gated
	err error // set before the gate is
}

func (f *failing) Write(b []byte) (int, error) {
	n, err := f.gated.Write(b)
	if f.err != nil {
		return 0, &net.OpError{Op: "write", Err: f.err}
	}
	return n, err
}

// TestWriteIsToldOfReset: the kernel tells of a reset once. Where a write under way is told, the read that
// was waiting finds the end of TCP, and what counts is the reset. A write that fails because the end had
// come before it counts for nothing.
func TestWriteIsToldOfReset(t *testing.T) {
	for _, c := range []struct {
		err  error
		want messages.Cause
	}{
		{syscall.ECONNRESET, messages.CauseReset},
		{syscall.EPIPE, messages.CauseEOF},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			end := make(chan struct{})
			srv := wstest.Serve(t, func(nc net.Conn) {
				if _, err := wstest.Accept(nc); err == nil {
					<-end
				}
			})
			open, shut := make(chan struct{}), make(chan struct{})
			close(open)
			f := &failing{gated: gated{gate: make(chan chan struct{}, 1)}}
			f.gate <- open
			b := newLab(t, Options{Dial: func(ctx context.Context, network, _ string) (nc net.Conn, err error) {
				f.Conn, err = new(net.Dialer).DialContext(ctx, network, srv.Addr())
				return f, err
			}})
			p := b.open(srv.URL())
			b.eventually("the report of the request", func() bool { return !p.conn.st.(*netStream).writing })
			<-f.gate
			f.err = c.err
			f.gate <- shut
			p.do(func() { _ = p.conn.Send(messages.OpText, []byte("under way")) })
			close(end)
			b.eventually("the end of reading", func() bool { return p.conn.st.(*netStream).hungUp })
			close(shut)
			checkOutcome(t, p.awaitClosed(), outcome{Cause: c.want, Code: messages.CloseAbnormal, Opened: true})
		})
	}
}

// TestCloseFrameBehindWrite: the peer closes and ends its side of TCP while a write of ours is still under
// way. Our close frame, which waits behind that write, is sent all the same.
func TestCloseFrameBehindWrite(t *testing.T) {
	t.Run("socket", func(t *testing.T) { closeFrameBehindWrite(t, nil) })
	t.Run("pipe", func(t *testing.T) { closeFrameBehindWrite(t, io.ErrClosedPipe) }) // as net.Pipe has it
}

func closeFrameBehindWrite(t *testing.T, deadline error) {
	say, codes := make(chan struct{}), make(chan int, 1)
	srv := wstest.Serve(t, func(c net.Conn) {
		if _, err := wstest.Accept(c); err != nil {
			return
		}
		<-say
		_, _ = c.Write([]byte(frame(0x88, "\x03\xe8")))
		_ = c.(*net.TCPConn).CloseWrite()
		codes <- readClose(c)
	})
	open, shut := make(chan struct{}), make(chan struct{})
	close(open)
	gate := make(chan chan struct{}, 1)
	gate <- open
	f := startLoop(t, Options{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		nc, err := d.DialContext(ctx, network, srv.Addr())
		return gated{nc, gate, deadline}, err
	}})
	p := newPeer()
	c := f.dial(&messages.Connect{URL: srv.URL()}, p)
	within(t, p.opened, "handshake")
	<-gate
	gate <- shut
	f.on(func() {
		if err := c.Send(messages.OpText, []byte("under way")); err != nil {
			t.Error(err)
		}
	})
	close(say)
	for hungUp := false; !hungUp; runtime.Gosched() {
		f.on(func() {
			s, ok := c.st.(*netStream)
			hungUp = !ok || s.hungUp
		})
	}
	close(shut)
	if got := within(t, codes, "close frame"); got != 1000 {
		t.Errorf("the server received the close code %d, want 1000", got)
	}
	if end := within(t, p.closed, "end"); end.Cause != messages.CauseRemote || !end.Clean || end.Unsent != 0 {
		t.Errorf("ended by %s, clean %v, %d unsent: %v; want remote, clean, 0", end.Cause, end.Clean, end.Unsent, end.Err)
	}
}
