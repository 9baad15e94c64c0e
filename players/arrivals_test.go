package players

import (
	"context"
	"testing"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// stamped has the kernel stamp what arrives, or skips the test.
func stamped(t *testing.T) transport.Options {
	t.Helper()
	o := transport.Options{KernelTimestamps: true}
	if o.Validate() != nil {
		t.Skip("SKIPPED: the kernel does not stamp what arrives here")
	}
	wstest.KernelStamps(t)
	return o
}

// check tells whether arrivals were told of answers, right after each, of which there is one a message.
func (m *meter) check(t *testing.T) {
	t.Helper()
	if len(m.arrivals) == 0 || len(m.arrivals) > len(m.answers) {
		t.Fatalf("got %d arrivals of %d answers", len(m.arrivals), len(m.answers))
	}
	received := make(map[messages.Stamp]messages.Stamp) // by when it was sent
	for _, a := range m.answers {
		received[a.sent] = a.received
	}
	for _, a := range m.arrivals {
		if got, ok := received[a.sent]; !ok || a.received < a.sent || a.received > got {
			t.Fatalf("what was sent at %d arrived at %d, and was read at %d", a.sent, a.received, got)
		}
	}
}

// TestArrivals: players pass on when the kernel had an answer.
func TestArrivals(t *testing.T) {
	o := stamped(t)
	for _, traffic := range []Traffic{{Kind: PingPong, Size: 5}, {Kind: Paced, Rate: 100, Size: 64}} {
		t.Run(string(traffic.Kind), func(t *testing.T) {
			m, _ := playOver(t, o, traffic, 3, 100)
			m.check(t)
		})
	}
}

// TestNoArrivals: where the kernel was not asked, nobody says that it has told.
func TestNoArrivals(t *testing.T) {
	m, _ := play(t, Traffic{Kind: PingPong, Size: 5}, 3, 100)
	if len(m.arrivals) != 0 {
		t.Errorf("got %d arrivals, want none", len(m.arrivals))
	}
}

// TestArrivalsOfRequests: a request's answer is one, also as a part of a message; other messages are none.
func TestArrivalsOfRequests(t *testing.T) {
	o := stamped(t)
	srv := scripted(t, func(p *wstest.Peer) error {
		if err := hear(p, `{"id":1}`); err != nil {
			return err
		}
		_, _ = p.Write(wstest.Text(`{"other":1}` + "\n" + `{"id":1}`))
		return hear(p, "done")
	})
	const text = `
players:
  one:
    split: lines
    steps:
      - connect
      - request: {name: a, json: {id: 1}, id: id}
      - send: done
`
	// The kernel begins to stamp a moment after the first socket on the machine asks for it.
	for end := time.Now().Add(20 * time.Second); ; {
		tr := performOver(t, o, srv.URL(), text, 1, nil)
		if tr.responses != 1 || tr.requests[0] != 1 {
			t.Fatalf("got %+v", tr.tally)
		}
		if tr.arrivals == 1 {
			return
		}
		if tr.arrivals > 1 || time.Now().After(end) {
			t.Fatalf("got %d arrivals, want 1", tr.arrivals)
		}
	}
}

// prober is a Behavior that has its messages echoed, and says so once more when a timer fires.
type prober struct {
	Quiet
	sent  messages.Stamp
	count int
	late  chan struct{}
}

func (b *prober) OnOpen(p *Bot) { b.send(p) }

func (b *prober) send(p *Bot) {
	b.sent = messages.Now()
	_ = p.Connection().SendText([]byte("probe"))
}

func (b *prober) OnMessage(p *Bot, _ messages.Op, _ []byte) {
	p.Answered(b.sent, b.sent)
	if b.count++; b.count < 50 {
		b.send(p)
		return
	}
	b.sent = messages.Now()
	p.After(time.Millisecond)
}

func (b *prober) OnTimer(p *Bot, _ messages.Stamp) {
	p.Answered(b.sent, b.sent)
	close(b.late)
}

// TestArrivalsOfBots: what Answered is said of in a message arrived when that did; in a timer, nobody knows.
func TestArrivalsOfBots(t *testing.T) {
	o := stamped(t)
	srv := wstest.Serve(t, wstest.Echo)
	m := &meter{enough: make(chan struct{}), want: 51}
	mgr, err := actors.NewManager(actors.Options{Shards: 1, Transport: o})
	if err != nil {
		t.Fatal(err)
	}
	defer mgr.Stop(context.Background())
	b := &prober{late: make(chan struct{})}
	id, err := mgr.Open(NewBot(b, m))
	if err != nil {
		t.Fatal(err)
	}
	if err := mgr.Tell(id, &messages.Connect{URL: srv.URL()}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.late:
	case <-time.After(20 * time.Second):
		t.Fatal("the bot did not come to its timer")
	}
	m.check(t)
	for _, a := range m.arrivals {
		if a.sent == b.sent {
			t.Error("got the arrival of what no message answered")
		}
	}
}
