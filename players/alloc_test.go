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
	stamped         int  // answers whose arrival is known
	unstamped       bool // none is yet, and only from then on answers count
	first, last     runtime.MemStats
	done            chan struct{}
}

func (m *allocMeter) Lag(time.Duration) {}

func (m *allocMeter) Stray(messages.Stray) {}

// Arrived implements Meter. The kernel begins to stamp a moment after it was asked.
func (m *allocMeter) Arrived(_, _ messages.Stamp) {
	m.unstamped = false
	if m.count < m.to {
		m.stamped++
	}
}

// Response implements Meter.
func (m *allocMeter) Response(_, _, _ messages.Stamp) {
	if m.unstamped {
		return
	}
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
	pingPong, paced := Traffic{Kind: PingPong, Size: 64}, Traffic{Kind: Paced, Rate: 1000, Size: 64}
	for _, c := range []struct {
		name    string
		traffic Traffic
		stamped bool
	}{
		{"pingpong", pingPong, false}, {"paced", paced, false},
		{"pingpong, kernel timestamps", pingPong, true}, {"paced, kernel timestamps", paced, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			traffic := c.traffic
			srv := wstest.Serve(t, wstest.QuietEcho)
			meter := &allocMeter{from: 2000, to: 6000, unstamped: c.stamped, done: make(chan struct{})}
			traffic.Players, traffic.Meters = 10, []Meter{meter}
			crowd, err := NewCrowd(traffic)
			if err != nil {
				t.Fatal(err)
			}
			m, err := actors.NewManager(actors.Options{Shards: 1, Transport: transport.Options{KernelTimestamps: c.stamped}})
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
			if want := map[bool]int{true: meter.to}[c.stamped]; meter.stamped != want {
				t.Errorf("got %d answers whose arrival is known, want %d", meter.stamped, want)
			}
		})
	}
}
