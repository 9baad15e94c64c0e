package actors

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// inBubble runs a test where no time passes but what is waited for, over in-memory pipes to a server.
func inBubble(t *testing.T, server func(net.Conn), o transport.Options, test func(t *testing.T, m *Manager)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// To the next tick of the wheel of timers, so that none is late.
		time.Sleep(time.Millisecond - time.Duration(messages.Now())%time.Millisecond)
		o.Dial = wstest.Pipes(t, server)
		m, err := NewManager(Options{Shards: 2, Transport: o, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := m.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		test(t, m)
	})
}

// journal is a behaviour that notes what it is told, and when.
type journal struct {
	began messages.Stamp
	timer time.Duration // set when it is opened; 0: none
	lines []string
}

func (j *journal) On(c *Connection, ev messages.Event) {
	what := place(ev)
	switch m := ev.(type) {
	case *messages.Message:
		what = fmt.Sprintf("%s %q", m.Op, m.Payload)
	case *messages.Closed:
		what = fmt.Sprintf("%s, %s, clean %v, unsent %d", m.Cause, m.Code, m.Clean, m.Unsent)
	case *messages.TimerFired:
		what = fmt.Sprintf("timer, %v late", m.At.Sub(m.Intended))
		_ = c.SendText([]byte("tick"))
	case *messages.Opened:
		if j.timer != 0 {
			c.SetTimer(messages.Now().Add(j.timer))
		}
	}
	j.lines = append(j.lines, fmt.Sprintf("%v %s", messages.Now().Sub(j.began), what))
}

// TestSession is a whole life in a bubble, to the instant.
func TestSession(t *testing.T) {
	inBubble(t, wstest.Echo, transport.Options{}, func(t *testing.T, m *Manager) {
		ctx := t.Context()
		j := &journal{began: messages.Now(), timer: 1500 * time.Millisecond}
		id, err := m.Open(j)
		if err != nil {
			t.Fatal(err)
		}
		do := func(cmd messages.Command) {
			t.Helper()
			if err := m.Do(ctx, id, cmd); err != nil {
				t.Errorf("%s: %v", cmd.Kind(), err)
			}
			synctest.Wait()
		}
		do(&messages.Connect{URL: "ws://server/"})
		do(text("hello"))
		time.Sleep(2 * time.Second)
		do(&messages.Ping{Payload: []byte("p")})
		do(&messages.Disconnect{})
		time.Sleep(time.Hour) // in which nothing happens
		do(&messages.Reconnect{})
		if err := m.Drain(ctx); err != nil {
			t.Error(err)
		}
		want := []string{
			"0s to connecting", "0s to connected", "0s Opened", `0s text "hello"`,
			"1.5s timer, 0s late", `1.5s text "tick"`,
			`2s pong "p"`, "2s to disconnected", "2s local, 1000 normal closure, clean true, unsent 0",
			"1h0m2s to connecting", "1h0m2s to connected", "1h0m2s Opened",
			"1h0m2s to disconnected", "1h0m2s shutdown, 1000 normal closure, clean true, unsent 0",
		}
		if !slices.Equal(j.lines, want) {
			t.Errorf("got  %q\nwant %q", j.lines, want)
		}
	})
}

// TestTimeouts: each limit ends a connection at its instant, and with its cause.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		name   string
		server func(net.Conn)
		o      transport.Options
		cmds   []messages.Command
		want   []string
	}{{
		name:   "the peer does not answer the close frame",
		server: hosts["stubborn"],
		o:      transport.Options{CloseTimeout: 5 * time.Second},
		cmds:   []messages.Command{&messages.Disconnect{Code: 4000}},
		want:   []string{"0s to connecting", "0s to connected", "0s Opened", "5s to disconnected", "5s local, 4000 private use, clean false, unsent 0"},
	}, {
		name:   "the peer does not answer the upgrade",
		server: swallow,
		o:      transport.Options{DialTimeout: 7 * time.Second},
		want:   []string{"0s to connecting", "7s to disconnected", "7s connect_timeout, 1006 abnormal closure, clean false, unsent 0"},
	}, {
		name:   "the peer says nothing",
		server: hosts["stubborn"],
		o:      transport.Options{IdleTimeout: time.Second, CloseTimeout: 2 * time.Second},
		want:   []string{"0s to connecting", "0s to connected", "0s Opened", "3s to disconnected", "3s idle_timeout, 1001 going away, clean false, unsent 0"},
	}, {
		name: "the peer does not read",
		server: func(c net.Conn) {
			_, _ = wstest.Accept(c)
			time.Sleep(time.Minute)
		},
		o:    transport.Options{WriteTimeout: 3 * time.Second},
		cmds: []messages.Command{text("x"), text("y")},
		want: []string{"0s to connecting", "0s to connected", "0s Opened", "3s to disconnected", "3s write_timeout, 1006 abnormal closure, clean false, unsent 2"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, c.server, c.o, func(t *testing.T, m *Manager) {
				j := &journal{began: messages.Now()}
				id, err := m.Open(j)
				if err != nil {
					t.Fatal(err)
				}
				for _, cmd := range append([]messages.Command{&messages.Connect{URL: "ws://server/"}}, c.cmds...) {
					if err := m.Do(t.Context(), id, cmd); err != nil {
						t.Errorf("%s: %v", cmd.Kind(), err)
					}
					synctest.Wait()
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if !slices.Equal(j.lines, c.want) {
					t.Errorf("got  %q\nwant %q", j.lines, c.want)
				}
			})
		})
	}
}
