package realservers

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
)

// tally counts what connections go through; its channel tells of every change of state.
type tally struct {
	closed  [messages.NumCauses]atomic.Int64
	changed chan struct{}
}

// Observe implements actors.Observer.
func (o *tally) Observe(ev messages.Event) {
	switch e := ev.(type) {
	case *messages.Closed:
		o.closed[e.Cause].Add(1)
	case *messages.StateChanged:
		select {
		case o.changed <- struct{}{}:
		default:
		}
	}
}

// await waits until n connections are in state st.
func (o *tally) await(t *testing.T, m *actors.Manager, st messages.State, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		snap, err := m.Snapshot(ctx)
		if err != nil {
			t.Fatalf("await %d %s: %v", n, st, err)
		}
		if snap.States[st] == n {
			return
		}
		select {
		case <-o.changed:
		case <-ctx.Done():
			t.Fatalf("await %d %s: got %v", n, st, snap.States)
		}
	}
}

// TestServerKilled kills the server under 1,000 players: all end Disconnected with a cause, nothing
// reconnects by itself, and a Reconnect of all of them works once the server is back, with tokens that
// are new.
func TestServerKilled(t *testing.T) {
	const n = 1000
	auth, jwks := worldAuth(t)
	first := node(t, "JWKS_FILE="+jwks)
	port := first.addr[strings.LastIndex(first.addr, ":")+1:]

	m, err := actors.NewManager(actors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(context.Background())
	o := &tally{changed: make(chan struct{}, 1)}
	m.Subscribe(o)
	ids, err := m.OpenMany(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Do(t.Context(), ids[0], &messages.Reconnect{}); !errors.Is(err, messages.ErrNeverConnected) {
		t.Errorf("Reconnect before Connect: got %v, want ErrNeverConnected", err)
	}
	for i, id := range ids {
		if err := m.Tell(id, &messages.Connect{URL: first.url(), Auth: auth(i)}); err != nil {
			t.Fatal(err)
		}
	}
	o.await(t, m, messages.Connected, n)
	first.kill()
	o.await(t, m, messages.Disconnected, n)
	if got := o.closed[messages.CauseReset].Load() + o.closed[messages.CauseEOF].Load(); got != n {
		t.Errorf("ended with reset or eof: got %d, want %d", got, n)
	}

	time.Sleep(tokenLife) // every token has expired then
	second := node(t, "JWKS_FILE="+jwks, "PORT="+port)
	if snap, _ := m.Snapshot(t.Context()); snap.States[messages.Disconnected] != n {
		t.Errorf("before a Reconnect was told: got %v, want all disconnected", snap.States)
	}
	if err := m.TellAll(&messages.Reconnect{}); err != nil {
		t.Fatal(err)
	}
	o.await(t, m, messages.Connected, n)
	if err := m.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	saw := second.stop()
	if saw.Connections != n || saw.Users != n || saw.Tokens != n || saw.Rejected != 0 {
		t.Errorf("after the Reconnect the server saw %+v, want %d connections with tokens of as many users", saw, n)
	}
}
