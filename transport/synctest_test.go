package transport

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// In a bubble with in-memory connections limits of time are exact, but for the wheel's tick.
func TestLimitsUnderFakeTime(t *testing.T) {
	mute := func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.Copy(io.Discard, c)
	}
	deaf := func(c net.Conn) { // answers, then neither reads nor writes, until the client has gone
		_, _ = wstest.Accept(c)
		_ = c.SetReadDeadline(time.Now().Add(time.Hour))
		waitForEnd(c)
	}
	reader := func(c net.Conn) {
		_, _ = wstest.Accept(c)
		_, _ = io.Copy(io.Discard, c)
	}
	for _, c := range []struct {
		name   string
		server func(net.Conn)
		client func(*Conn) // once it is open
		after  time.Duration
		want   outcome
		err    error
	}{
		{"dial", mute, nil, 7 * time.Second, outcome{Cause: messages.CauseConnectTimeout, Code: messages.CloseAbnormal}, errDialTimeout},
		{"close", reader, func(c *Conn) { c.Close(1000, "") }, 3 * time.Second, outcome{Cause: messages.CauseLocal, Code: 1000, Opened: true}, errCloseTimeout},
		{"write", deaf, func(c *Conn) { _ = c.Send(messages.OpText, []byte("x")) }, 11 * time.Second, outcome{Cause: messages.CauseWriteTimeout, Code: messages.CloseAbnormal, Opened: true}, errWriteTimeout},
		// 20 s of silence, then 3 s for the peer to answer the close frame.
		{"idle", reader, nil, 23 * time.Second, outcome{Cause: messages.CauseIdleTimeout, Code: messages.CloseGoingAway, Opened: true}, errIdleTimeout},
		{"close, with a peer that is deaf", deaf, func(c *Conn) { c.Close(1000, "") }, 3 * time.Second, outcome{Cause: messages.CauseLocal, Code: messages.CloseAbnormal, Opened: true}, errCloseTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newLab(t, Options{Dial: wstest.Pipes(t, c.server), DialTimeout: 7 * time.Second, CloseTimeout: 3 * time.Second,
					WriteTimeout: 11 * time.Second, IdleTimeout: 20 * time.Second})
				p := b.player()
				p.onOpened = c.client
				began := time.Now()
				p.dial(&messages.Connect{URL: "ws://game.example/"})
				m := <-p.closed
				checkOutcome(t, m, c.want)
				if !errors.Is(m.Err, c.err) {
					t.Errorf("got error %v, want %v", m.Err, c.err)
				}
				if took := time.Since(began); took < c.after || took > c.after+wheelTick {
					t.Errorf("took %v, want %v", took, c.after)
				}
				b.stop()
			})
		})
	}
}

// waitForEnd returns when the other end of a pipe is closed, without reading from it: writing nothing
// fails then.
func waitForEnd(c net.Conn) {
	for {
		time.Sleep(time.Second / 2)
		if _, err := c.Write(nil); err != nil {
			return
		}
	}
}

// Whatever is heard, or taken by the socket, moves its limit.
func TestLimitsMoveUnderFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := func(c net.Conn) {
			p, err := wstest.Upgrade(c)
			if err != nil {
				return
			}
			for range 10 { // 10 × 30 s: each message within the idle limit, all together far beyond it
				time.Sleep(30 * time.Second)
				_, _ = p.Write(wstest.Frame(ws.OpPong, true, nil))
			}
			// A slow reader: 10 KiB a second, so that 256 KiB, and the 64 that are written at once, take
			// longer than the write limit.
			b := make([]byte, 10<<10)
			for range 25 {
				time.Sleep(time.Second)
				if _, err := io.ReadFull(c, b); err != nil {
					t.Errorf("reading slowly: %v", err)
					return
				}
			}
		}
		b := newLab(t, Options{Dial: wstest.Pipes(t, server), WriteTimeout: 2 * time.Second, IdleTimeout: 40 * time.Second})
		p := b.player()
		n := 0
		p.onMessage = func(c *Conn, _ *messages.Message) {
			if n++; n == 10 {
				_ = c.Send(messages.OpBinary, make([]byte, 250<<10-14))
			}
		}
		p.dial(&messages.Connect{URL: "ws://game.example/"})
		m := <-p.closed
		checkOutcome(t, m, outcome{Cause: messages.CauseEOF, Code: messages.CloseAbnormal, Opened: true})
		if n != 10 || m.Unsent != 0 {
			t.Errorf("got %d messages, %d unsent, want 10 and 0", n, m.Unsent)
		}
		b.stop()
	})
}
