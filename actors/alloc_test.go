package actors

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
	"unsafe"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// pacer counts what it does, and reads the allocations of the whole process between two counts.
type pacer struct {
	from, to    int
	count       int
	first, last runtime.MemStats
	done        chan struct{}
}

func (p *pacer) tick() {
	switch p.count++; p.count {
	case p.from:
		runtime.ReadMemStats(&p.first)
	case p.to:
		runtime.ReadMemStats(&p.last)
		close(p.done)
	}
}

// perTick waits until it was counted to the end, and gives the allocations for each.
func (p *pacer) perTick(t *testing.T) float64 {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatal("never came to the end")
	}
	return float64(p.last.Mallocs-p.first.Mallocs) / float64(p.to-p.from)
}

var payload = bytes.Repeat([]byte("x"), 64)

// TestSteadyState pins that a message that goes out and comes back, through behaviour, actor, recorder and
// transport, allocates nothing; nor does one that a timer sends. The peer is a goroutine that allocates
// nothing itself; what the runtime does now and then is allowed for.
func TestSteadyState(t *testing.T) {
	if (transport.Options{Engine: transport.EngineEpoll}).Validate() != nil {
		t.Skip("SKIPPED: there is no epoll here")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, c := range []struct {
		name  string
		react func(p *pacer, c *Connection, ev messages.Event)
	}{
		{"round trip", func(p *pacer, c *Connection, ev messages.Event) {
			switch ev.(type) {
			case *messages.Message:
				p.tick()
				_ = c.SendText(payload)
			case *messages.Opened:
				_ = c.SendText(payload)
			}
		}},
		{"timer", func(p *pacer, c *Connection, ev messages.Event) {
			switch m := ev.(type) {
			case *messages.TimerFired:
				p.tick()
				_ = c.SendText(payload)
				c.SetTimer(m.Intended.Add(100 * time.Microsecond))
			case *messages.Opened:
				c.SetTimer(c.Now())
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := wstest.Serve(t, wstest.QuietEcho)
			m, err := NewManager(Options{Shards: 1, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Stop(context.Background())
			m.Subscribe(observer(func(messages.Event) {}))
			p := &pacer{from: 1_000, to: 11_000, done: make(chan struct{})}
			behavior := script(func(conn *Connection, ev messages.Event) {
				if p.count < p.to {
					c.react(p, conn, ev)
				}
			})
			if _, err := m.OpenMany(4, func(messages.ConnID) Behavior { return behavior }); err != nil {
				t.Fatal(err)
			}
			if err := m.TellAll(&messages.Connect{URL: srv.URL()}); err != nil {
				t.Fatal(err)
			}
			if got := p.perTick(t); got >= 0.01 {
				t.Errorf("got %.4f allocations each, want 0", got)
			}
		})
	}
}

// TestSize pins what a connection costs: its own struct, which holds the mailbox and the timer, and the
// heap of an actor that was never connected, all that the actor system keeps of it included.
func TestSize(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("SKIPPED: sizes are of 64-bit systems")
	}
	// shard 8, pid 8, id 8, behaviour 16, parameters 8, jar 8, connection 8, mailbox 40, timer 48, flags 8
	if got := unsafe.Sizeof(Connection{}); got != 160 {
		t.Errorf("a Connection has %d bytes, want 160", got)
	}
	if got := unsafe.Sizeof(mailbox{}); got != 40 {
		t.Errorf("a mailbox has %d bytes, want 40", got)
	}
	const n = 10_000
	f := start(t, Options{})
	f.openMany(t, n, nil) // what grows by doubling has grown
	before := heap()
	ids := f.openMany(t, n, nil)
	after := heap()
	got := (after - before) / n
	t.Logf("%d bytes of heap for each idle actor", got)
	if got > 700 {
		t.Errorf("an idle actor takes %d bytes of heap, want at most 700", got)
	}
	runtime.KeepAlive(ids)
}

// heap gives the bytes of live objects.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestGoroutines: a connection has no goroutine on epoll, however many there are.
func TestGoroutines(t *testing.T) {
	if (transport.Options{Engine: transport.EngineEpoll}).Validate() != nil {
		t.Skip("SKIPPED: there is no epoll here")
	}
	const n = 200
	srv := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{Shards: 2})
	f.openMany(t, n, nil)
	f.connectAll(t, n, &messages.Connect{URL: srv.URL()})
	stacks := make([]byte, 8<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	ours := 0
	for _, s := range bytes.Split(stacks, []byte("\n\n")) {
		if bytes.Contains(s, []byte("loadrig/transport.")) {
			ours++
		}
	}
	if ours != 2 {
		t.Errorf("%d goroutines in transport for %d connections, want the 2 loops", ours, n)
	}
}
