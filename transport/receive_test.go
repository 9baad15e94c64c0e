package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// serve runs script for each connection once it is upgraded, and hands its error on.
func serve(t *testing.T, script func(*wstest.Peer) error) (*wstest.Server, <-chan error) {
	t.Helper()
	return serveOn(t, nil, script)
}

func serveOn(t *testing.T, ln net.Listener, script func(*wstest.Peer) error) (*wstest.Server, <-chan error) {
	t.Helper()
	done := make(chan error, 100)
	run := func(c net.Conn) {
		p, err := wstest.Upgrade(c)
		if err == nil {
			err = script(p)
		}
		done <- err
	}
	if ln == nil {
		return wstest.Serve(t, run), done
	}
	return wstest.ServeOn(t, ln, run), done
}

func checkServer(t *testing.T, done <-chan error) {
	t.Helper()
	if err := await(t, done, "the server"); err != nil {
		t.Errorf("server: %v", err)
	}
}

// answerClose reads up to the client's close frame, checks its code, answers and ends TCP.
func answerClose(p *wstest.Peer, code int) error {
	_, f, err := p.AwaitClose()
	if err != nil {
		return fmt.Errorf("before the close frame: %w", err)
	}
	if got := wstest.CloseCode(f); got != code {
		return fmt.Errorf("close code: got %d, want %d", got, code)
	}
	_, err = p.Write(wstest.Close(code, ""))
	return err
}

// A client that has found a fault goes on reading, so that its close frame is not destroyed by the reset
// that unread bytes would cause. The peer here says a lot more before it looks at what the client said.
func TestCloseFrameSurvivesAFlood(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault string
		code  messages.CloseCode
		cause messages.Cause
	}{
		{"reserved opcode", frame(0x83, "x"), messages.CloseProtocolError, messages.CauseProtocolError},
		{"bad utf-8", frame(0x81, "\xff"), messages.CloseInvalidPayload, messages.CauseBadUTF8},
		{"too big", "\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", messages.CloseTooBig, messages.CauseTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv, done := serve(t, func(p *wstest.Peer) error {
					if _, err := p.Write([]byte(c.fault)); err != nil {
						return err
					}
					for range 16 {
						if _, err := p.Write(make([]byte, 64<<10)); err != nil {
							return fmt.Errorf("flood: %w", err)
						}
					}
					_, f, err := p.AwaitClose()
					if err == nil && wstest.CloseCode(f) != int(c.code) {
						err = fmt.Errorf("close code: got %d, want %d", wstest.CloseCode(f), c.code)
					}
					return err
				})
				b := newLab(t, Options{Engine: e})
				p := b.open(srv.URL())
				checkOutcome(t, p.awaitClosed(), outcome{Cause: c.cause, Code: c.code, Opened: true})
				checkServer(t, done)
				if all := p.gotAll(); len(all) != 0 {
					t.Errorf("received %v, want nothing", all)
				}
			})
		})
	}
}

// Big messages cross whole and in fragments with pings between, both ways.
func TestBigMessages(t *testing.T) {
	text := strings.Repeat("loadrig €", 1<<20/11)
	eachEngine(t, func(t *testing.T, e Engine) {
		srv, done := serve(t, func(p *wstest.Peer) error {
			var out []byte
			third := len(text) / 3
			out = append(out, wstest.Frame(ws.OpText, true, []byte(text))...)
			out = append(out, wstest.Frame(ws.OpText, false, []byte(text[:third]))...)
			out = append(out, wstest.Frame(ws.OpPing, true, []byte("1"))...)
			out = append(out, wstest.Frame(ws.OpContinuation, false, []byte(text[third:2*third]))...)
			out = append(out, wstest.Frame(ws.OpPong, true, []byte("2"))...)
			out = append(out, wstest.Frame(ws.OpContinuation, true, []byte(text[2*third:]))...)
			if _, err := p.Write(out); err != nil {
				return err
			}
			before, _, err := p.AwaitClose()
			if err != nil {
				return err
			}
			if len(before) != 2 || before[0].Header.OpCode != ws.OpPong || string(before[0].Payload) != "1" ||
				before[1].Header.OpCode != ws.OpBinary || !bytes.Equal(before[1].Payload, []byte(text)) {
				return fmt.Errorf("got %d frames, want a pong of 1 and the text", len(before))
			}
			_, err = p.Write(wstest.Close(1000, ""))
			return err
		})
		b := newLab(t, Options{Engine: e})
		p := b.open(srv.URL())
		p.awaitGot(got{messages.OpText, text}, got{messages.OpPing, "1"}, got{messages.OpPong, "2"}, got{messages.OpText, text})
		p.do(func() {
			if err := p.conn.Send(messages.OpBinary, []byte(text)); err != nil {
				t.Error(err)
			}
			p.conn.Close(messages.CloseNormal, "")
		})
		checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
		checkServer(t, done)
		tr := b.traffic()
		if want := uint64(2 * len(text)); tr.ReceivedBytes != want || tr.SentBytes != uint64(len(text)) {
			t.Errorf("payload bytes: got %d received and %d sent, want %d and %d", tr.ReceivedBytes, tr.SentBytes, want, len(text))
		}
	})
}

// A peer that floods with pings and does not read gets as many pongs as the backlog holds; the others are
// dropped and counted. Those it gets are in order and whole.
func TestPingFlood(t *testing.T) {
	const pings = 60_000 // pongs of 131 bytes: 7.9 MB, more than the kernel takes for one socket
	eachEngine(t, func(t *testing.T, e Engine) {
		pongs := make(chan int, 1)
		// Its receive buffer is the system's, which grows. One of a fixed size drops small segments although the window
		// has room for their bytes; what the client sends from then on is beyond the window, so that no
		// acknowledgement in it counts, and the server never gets to the end of its pings.
		srv, done := serve(t, func(p *wstest.Peer) error {
			payload := make([]byte, 125)
			for i := range pings {
				copy(payload, fmt.Sprintf("%08d", i))
				if _, err := p.Write(wstest.Frame(ws.OpPing, true, payload)); err != nil {
					return err
				}
			}
			if _, err := p.Write(wstest.Close(1001, "")); err != nil {
				return err
			}
			before, f, err := p.AwaitClose()
			if err == nil && wstest.CloseCode(f) != 1001 {
				err = fmt.Errorf("close code: got %d, want 1001", wstest.CloseCode(f))
			}
			last := ""
			for _, f := range before {
				if f.Header.OpCode != ws.OpPong || string(f.Payload[:8]) <= last {
					return fmt.Errorf("got %v %q after %q", f.Header.OpCode, f.Payload[:8], last)
				}
				last = string(f.Payload[:8])
			}
			pongs <- len(before)
			return err
		})
		const bound = 64 << 10
		b := newLab(t, Options{Engine: e, MaxBacklog: bound})
		p := b.player()
		p.got = make(chan got, pings)
		p.onMessage = func(c *Conn, _ *messages.Message) {
			// The bound, the frame that reached it, and what is left of the first.
			if n := c.Pending() * 131; n > bound+2*131 {
				t.Errorf("%d bytes are pending, want at most %d", n, bound+2*131)
			}
		}
		p.dial(&messages.Connect{URL: srv.URL()})
		checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseRemote, Code: messages.CloseGoingAway, Clean: true, Opened: true})
		checkServer(t, done)
		tr := b.traffic()
		n := uint64(await(t, pongs, "the number of pongs"))
		if tr.Received[messages.OpPing] != pings || tr.Sent[messages.OpPong] != n || n+tr.Dropped[messages.DropBacklog] != pings || n == pings {
			t.Errorf("the server has %d pongs; got %+v", n, tr)
		}
	})
}

// A connection on epoll has no goroutine.
func TestNoGoroutinePerConn(t *testing.T) {
	if defaultEngine != EngineEpoll {
		t.Skip("SKIPPED: there is no epoll here")
	}
	wstest.NoLeaks(t)
	const conns = 200
	srv := wstest.Serve(t, wstest.Echo) // one goroutine for each
	b := newLab(t, Options{})
	p := b.open(srv.URL())
	before := runtime.NumGoroutine()
	connect := &messages.Connect{URL: srv.URL()}
	players := make([]*player, conns)
	for i := range players {
		players[i] = b.player().dial(connect)
	}
	for _, p := range players {
		p.awaitOpened()
	}
	if n := runtime.NumGoroutine() - before; n > conns {
		t.Errorf("%d connections and as many at the server have %d goroutines, want %d", conns, n, conns)
	}
	if n := b.net.sources.routes; len(n) != 1 {
		t.Errorf("got %d routes, want 1", len(n))
	}
	b.do(func() {
		for _, p := range append(players, p) {
			p.conn.Close(messages.CloseNormal, "")
		}
	})
	for _, p := range append(players, p) {
		checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
	}
}

// Nothing of a connection is listened to once the handler has aborted it, however much was read already.
func TestAbortInMessage(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv, _ := serve(t, func(p *wstest.Peer) error {
			_, err := p.Write(bytes.Repeat(wstest.Text("x"), 10))
			return errors.Join(err, p.AwaitEnd())
		})
		b := newLab(t, Options{Engine: e})
		p := b.player()
		p.onMessage = func(c *Conn, m *messages.Message) {
			c.Abort(messages.CauseBacklog, errors.New("enough"))
			if string(m.Payload) != "x" {
				t.Errorf("the payload became %q", m.Payload)
			}
		}
		p.dial(&messages.Connect{URL: srv.URL()})
		m := p.awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseBacklog, Code: messages.CloseAbnormal, Opened: true})
		if m.Err == nil || m.Err.Error() != "enough" {
			t.Errorf("got error %v, want enough", m.Err)
		}
		if all := p.gotAll(); len(all) != 1 {
			t.Errorf("received %v, want one message", all)
		}
	})
}

// Text is refused at its first bad byte, not at the end of its frame, which may never come.
func TestBadUTF8FailsFast(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv, done := serve(t, func(p *wstest.Peer) error {
			if _, err := p.Write(append([]byte("\x81\x7e\x03\xe8"), "good \xff"...)); err != nil { // 1000 bytes announced
				return err
			}
			return answerClose(p, 1007)
		})
		b := newLab(t, Options{Engine: e, CloseTimeout: time.Minute})
		p := b.open(srv.URL())
		checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseBadUTF8, Code: messages.CloseInvalidPayload, Opened: true})
		checkServer(t, done)
	})
}
