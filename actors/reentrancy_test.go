package actors

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// story is a behaviour that notes what it is told, and what its own commands give, in order.
type story struct {
	lines []string
	react func(s *story, c *Connection, ev messages.Event)
}

func (s *story) On(c *Connection, ev messages.Event) {
	switch m := ev.(type) {
	case *messages.Message:
		s.note("%s %q", m.Op, m.Payload)
	case *messages.Closed:
		s.note("Closed %s", m.Cause)
	default:
		s.note("%s", place(ev))
	}
	s.react(s, c, ev)
}

func (s *story) note(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// TestReentrancy: what a behaviour is told, in order, when it gives commands from within an event.
func TestReentrancy(t *testing.T) {
	for _, c := range []struct {
		name  string
		react func(s *story, c *Connection, ev messages.Event)
		want  []string
	}{{
		name: "disconnects while connecting",
		react: func(s *story, c *Connection, ev messages.Event) {
			if place(ev) == "to connecting" {
				s.note("%v", c.Disconnect(0, ""))
			}
		},
		want: []string{"to connecting", "<nil>", "to disconnected", "Closed local"},
	}, {
		name: "sends in the change to connected",
		react: func(s *story, c *Connection, ev messages.Event) {
			switch place(ev) {
			case "to connected":
				s.note("%v", c.SendText([]byte("hi")))
			case "Message":
				_ = c.Disconnect(0, "")
			}
		},
		want: []string{"to connecting", "to connected", "<nil>", "Opened", `text "hi"`, "to disconnected", "Closed local"},
	}, {
		name: "disconnects in the change to connected",
		react: func(s *story, c *Connection, ev messages.Event) {
			switch place(ev) {
			case "to connected":
				s.note("%v", c.Disconnect(0, ""))
			case "Opened":
				s.note("closing %v", c.Closing())
			}
		},
		want: []string{"to connecting", "to connected", "<nil>", "Opened", "closing true", "to disconnected", "Closed local"},
	}, {
		name: "disconnects in Opened, and will not stop",
		react: func(s *story, c *Connection, ev messages.Event) {
			if place(ev) == "Opened" {
				s.note("%v", c.Disconnect(4000, "bye"))
				s.note("%v", c.SendText([]byte("too late")))
				s.note("%v", c.Disconnect(0, ""))
				s.note("%v", c.Reconnect())
			}
		},
		want: []string{"to connecting", "to connected", "Opened", "<nil>",
			"send_text refused in connected: closing handshake under way",
			"disconnect refused in connected: closing handshake under way",
			"reconnect refused in connected: already connected",
			"to disconnected", "Closed local"},
	}, {
		name: "reconnects in Closed, once",
		react: func(s *story, c *Connection, ev messages.Event) {
			switch {
			case place(ev) == "Opened":
				_ = c.Disconnect(0, "")
			case place(ev) == "Closed" && len(s.lines) < 8:
				s.note("%v", c.SendText(nil))
				s.note("%v", c.Reconnect())
				s.note("%v", c.Reconnect())
			}
		},
		want: []string{"to connecting", "to connected", "Opened", "to disconnected", "Closed local",
			"send_text refused in disconnected: not connected",
			"to connecting", "<nil>", "reconnect refused in connecting: already connecting",
			"to connected", "Opened", "to disconnected", "Closed local"},
	}, {
		name: "reconnects in the change to disconnected, once",
		react: func(s *story, c *Connection, ev messages.Event) {
			switch {
			case place(ev) == "Opened":
				_ = c.Disconnect(0, "")
			case place(ev) == "to disconnected" && len(s.lines) < 8:
				s.note("%v", c.Reconnect())
			}
		},
		want: []string{"to connecting", "to connected", "Opened", "to disconnected", "to connecting", "<nil>", "Closed local",
			"to connected", "Opened", "to disconnected", "Closed local"},
	}, {
		name: "tries again what is refused", // told again, it would try again, for ever
		react: func(s *story, c *Connection, ev messages.Event) {
			switch place(ev) {
			case "to connecting", "Refused":
				s.note("%v", c.SendText(nil))
			case "Opened":
				_ = c.Disconnect(0, "")
			}
		},
		want: []string{"to connecting", "send_text refused in connecting: not connected", "to connected", "Opened", "to disconnected", "Closed local"},
	}, {
		name: "sets its timer",
		react: func(s *story, c *Connection, ev messages.Event) {
			switch place(ev) {
			case "TimerFired":
				_ = c.Disconnect(0, "")
			case "Opened":
				c.SetTimer(c.Now())
			case "Closed":
				c.SetTimer(c.Now())
				c.StopTimer()
			}
		},
		want: []string{"to connecting", "to connected", "Opened", "TimerFired", "to disconnected", "Closed local"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, o Options) {
				srv := wstest.Serve(t, wstest.Echo)
				f := start(t, o)
				s := &story{react: c.react}
				id := f.open(t, s)
				f.must(t, id, &messages.Connect{URL: srv.URL()})
				for _, line := range c.want {
					if line == "Closed local" {
						f.ev.end(t, id)
					}
				}
				if got := f.lines(t, id, s); !slices.Equal(got, c.want) {
					t.Errorf("got  %q\nwant %q", got, c.want)
				}
			})
		})
	}
}

// lines reads a story on the shard of its player.
func (f *fixture) lines(t *testing.T, id messages.ConnID, s *story) (lines []string) {
	t.Helper()
	if err := f.Each(t.Context(), func(shard int) {
		if shard == id.Shard() {
			lines = slices.Clone(s.lines)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestRefusedIsTold: a behaviour hears of what others asked of it in vain, and may act on it; the error
// says what was at the time.
func TestRefusedIsTold(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{})
	url := srv.URL()
	id := f.open(t, script(func(c *Connection, ev messages.Event) {
		if m, ok := ev.(*messages.Refused); ok && m.Command == messages.KindSendText {
			_ = c.Connect(&messages.Connect{URL: url})
		}
	}))
	var refused *messages.RefusedError
	if err := f.do(t, id, text("x")); !errors.As(err, &refused) || refused.State != messages.Idle {
		t.Errorf("got %v, want it refused in idle, whatever came of that", err)
	}
	f.ev.state(t, id, messages.Connected)
}
