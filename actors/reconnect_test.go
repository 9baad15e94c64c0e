package actors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// counting is an Authorizer that counts how often it is asked.
type counting struct{ asked atomic.Int64 }

func (c *counting) HandshakeHeaders(context.Context) (http.Header, error) {
	return http.Header{"X-Attempt": {fmt.Sprint(c.asked.Add(1))}}, nil
}

// TestNoReconnection: 200 connections whose server is killed end with a cause, and stay so until they are
// told to reconnect, which asks for the auth afresh. Another server takes the address at once and counts
// who comes.
func TestNoReconnection(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 200
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		auth := new(counting)
		f.openMany(t, n, nil)
		f.connectAll(t, n, &messages.Connect{URL: srv.URL(), Auth: auth})
		addr := srv.Addr()
		srv.Kill()
		for range n {
			end := await(t, f.ev, "end", func(messages.Closed) bool { return true })
			if end.Cause != messages.CauseReset && end.Cause != messages.CauseEOF {
				t.Errorf("got the cause %s, want reset or eof", end.Cause)
			}
		}
		attempts := make(chan string, 10*n)
		again := wstest.ServeAt(t, addr, func(c net.Conn) {
			if r, err := wstest.Accept(c); err == nil {
				attempts <- r.Header.Get("X-Attempt")
				_ = wstest.EchoFrames(c)
			}
		})
		// All shards have had a hundred turns, and another player has come and gone, before it is judged.
		other := f.open(t, nil)
		for range 100 {
			f.snapshot(t)
		}
		f.connect(t, other, again.URL())
		f.must(t, other, &messages.Disconnect{})
		f.ev.state(t, other, messages.Disconnected)
		if err := f.Remove(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		<-attempts
		if s := f.snapshot(t); s.States != [4]int{messages.Disconnected: n} || again.Total() != 1 || auth.asked.Load() != n {
			t.Errorf("before a Reconnect: %v, %d dialed, asked %d times", s.States, again.Total(), auth.asked.Load())
		}
		f.connectAll(t, n, &messages.Reconnect{})
		if again.Total() != 1+n || auth.asked.Load() != 2*n {
			t.Errorf("after it: %d dialed, asked %d times, want %d and %d", again.Total(), auth.asked.Load(), 1+n, 2*n)
		}
		fresh := make(map[string]bool)
		for range n {
			fresh[<-attempts] = true
		}
		for i := range n {
			if want := fmt.Sprint(n + 1 + i); !fresh[want] {
				t.Errorf("no attempt with the headers of answer %s", want)
			}
		}
	})
}

var errNoToken = errors.New("no token today")

// flaky is an Authorizer that fails at first.
type flaky struct{ asked atomic.Bool }

func (f *flaky) HandshakeHeaders(context.Context) (http.Header, error) {
	if !f.asked.Swap(true) {
		return nil, errNoToken
	}
	return nil, nil
}

// TestAuthFails: without auth there is no connection, and the next attempt asks again.
func TestAuthFails(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{})
	id := f.open(t, nil)
	f.must(t, id, &messages.Connect{URL: srv.URL(), Auth: new(flaky)})
	if end := f.ev.end(t, id); end.Cause != messages.CauseAuth || end.Opened || !errors.Is(end.Err, errNoToken) {
		t.Errorf("got %+v, want auth", end)
	}
	f.must(t, id, &messages.Reconnect{})
	f.ev.state(t, id, messages.Connected)
	if srv.Total() != 1 {
		t.Errorf("%d dialed, want 1", srv.Total())
	}
}

// TestCookiesOnReconnect: each player has the cookies that it was given, and sends them when it is told to
// reconnect; no other's.
func TestCookiesOnReconnect(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 20
		var visits atomic.Int64
		seen := make(chan string, 2*n)
		srv := wstest.Serve(t, func(c net.Conn) {
			r, err := wstest.Accept(c, fmt.Sprintf("Set-Cookie: player=%d", visits.Add(1)))
			if err == nil {
				seen <- r.Header.Get("Cookie")
				_ = wstest.EchoFrames(c)
			}
		})
		o.Transport.Cookies = true
		f := start(t, o)
		f.openMany(t, n, nil)
		f.connectAll(t, n, &messages.Connect{URL: srv.URL()})
		f.tellAll(t, &messages.Disconnect{})
		for range n {
			await(t, f.ev, "end", func(m messages.StateChanged) bool { return m.To == messages.Disconnected })
			if got := <-seen; got != "" {
				t.Errorf("the first time: got %q, want none", got)
			}
		}
		f.connectAll(t, n, &messages.Reconnect{})
		mine := make(map[string]bool)
		for range n {
			mine[<-seen] = true
		}
		for i := range n {
			if want := fmt.Sprintf("player=%d", i+1); !mine[want] {
				t.Errorf("nobody came with %s", want)
			}
		}
	})
}
