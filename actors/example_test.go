package actors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/target"
)

// greeter says hello once it is connected, and leaves when it is answered.
type greeter struct{ done chan struct{} }

func (g greeter) On(c *actors.Connection, ev messages.Event) {
	switch e := ev.(type) {
	case *messages.Opened:
		_ = c.SendText([]byte("hello"))
	case *messages.Message:
		fmt.Printf("%s %q\n", e.Op, e.Payload)
		_ = c.Disconnect(0, "")
	case *messages.Closed:
		fmt.Println("closed:", e.Cause, e.Code)
		close(g.done)
	}
}

// A player against an echo server.
func Example() {
	server, err := target.Listen(target.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	go func() { _ = server.Serve() }()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m, err := actors.NewManager(actors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)

	player := greeter{make(chan struct{})}
	id, err := m.Open(player)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Do(ctx, id, &messages.Reconnect{}))
	if err := m.Do(ctx, id, &messages.Connect{URL: server.URL()}); err != nil {
		fmt.Println(err)
		return
	}
	<-player.done
	// Output:
	// reconnect refused in idle: never connected: connect first
	// text "hello"
	// closed: local 1000 normal closure
}
