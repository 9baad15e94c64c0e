package players

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// allocMeter reads the allocations between two counts of answers.
type allocMeter struct {
	count, from, to int
	first, last     runtime.MemStats
	done            chan struct{}
}

func (m *allocMeter) Lag(time.Duration) {}
func (m *allocMeter) Response(_, _, _ messages.Stamp) {
	switch m.count++; m.count {
	case m.from:
		runtime.ReadMemStats(&m.first)
	case m.to:
		runtime.ReadMemStats(&m.last)
		close(m.done)
	}
}

// TestSteadyStateDoesNotAllocate pins that a message sent and its echo received allocate nothing, through
// player, actor, transport and timers, on epoll.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if (transport.Options{Engine: transport.EngineEpoll}).Validate() != nil {
		t.Skip("SKIPPED: there is no epoll here")
	}
	for _, traffic := range []Traffic{{Kind: PingPong, Size: 64}, {Kind: Paced, Rate: 1000, Size: 64}} {
		t.Run(string(traffic.Kind), func(t *testing.T) {
			srv := wstest.Serve(t, wstest.QuietEcho)
			meter := &allocMeter{from: 2000, to: 6000, done: make(chan struct{})}
			traffic.Players, traffic.Meters = 10, []Meter{meter}
			crowd, err := NewCrowd(traffic)
			if err != nil {
				t.Fatal(err)
			}
			m, err := actors.NewManager(actors.Options{Shards: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Stop(context.Background())
			if _, err := m.OpenMany(traffic.Players, func(messages.ConnID) actors.Behavior { return crowd.Player(0, 0) }); err != nil {
				t.Fatal(err)
			}
			if err := m.TellAll(&messages.Connect{URL: srv.URL()}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-meter.done:
			case <-time.After(60 * time.Second):
				t.Fatal("too few answers")
			}
			crowd.Quiet()
			if got := float64(meter.last.Mallocs-meter.first.Mallocs) / float64(meter.to-meter.from); got > 0.02 {
				t.Errorf("got %.3f allocations a message, want 0", got)
			}
		})
	}
}
