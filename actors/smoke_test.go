package actors

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

type logObserver struct{ ch chan string }

func (l logObserver) Observe(ev messages.Event) {
	switch e := ev.(type) {
	case *messages.StateChanged:
		l.ch <- e.From.String() + ">" + e.To.String()
	case *messages.Message:
		l.ch <- "message " + string(e.Payload)
	case *messages.Closed:
		l.ch <- "closed " + e.Cause.String() + " " + e.Code.String()
	case *messages.Refused:
		l.ch <- "refused " + e.Err.Error()
	}
}

func TestSmoke(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	m, err := NewManager(Options{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	obs := logObserver{make(chan string, 1000)}
	m.Subscribe(obs)
	id, err := m.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Do(ctx, id, &messages.Reconnect{}); !errors.Is(err, messages.ErrNeverConnected) {
		t.Fatal(err)
	}
	if err := m.Do(ctx, id, &messages.Connect{URL: srv.URL()}); err != nil {
		t.Fatal(err)
	}
	t.Log(<-obs.ch, <-obs.ch, <-obs.ch)
	m.Tell(id, &messages.SendText{Payload: []byte("hello")})
	t.Log(<-obs.ch)
	m.Tell(id, &messages.Disconnect{})
	t.Log(<-obs.ch, <-obs.ch)
	if err := m.Do(ctx, id, &messages.Reconnect{}); err != nil {
		t.Fatal(err)
	}
	t.Log(<-obs.ch, <-obs.ch)
	s, _ := m.Snapshot(ctx)
	t.Logf("%+v", s)
	if err := m.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log(<-obs.ch, <-obs.ch)
}
