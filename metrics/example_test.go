package metrics_test

import (
	"fmt"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// Two shards count, each on its own goroutine in a run, and one snapshot adds them up.
func Example() {
	var shards [2]metrics.Shard
	for i := range shards {
		s := &shards[i]
		s.Added(1)
		s.Observe(&messages.StateChanged{From: messages.Idle, To: messages.Connecting})
		s.Observe(&messages.StateChanged{From: messages.Connecting, To: messages.Connected})
		s.Observe(&messages.Opened{Handshake: messages.Handshake{Total: 3 * time.Millisecond}})

		// Due at 0, sent 1 ms late, answered 2 ms after that.
		due := messages.Stamp(0)
		sent := due.Add(time.Millisecond)
		s.Response(due, sent, sent.Add(2*time.Millisecond))
	}

	sum := new(metrics.Snapshot)
	for i := range shards {
		shards[i].AddTo(sum)
	}
	fmt.Println("players:", sum.Players(), "connected:", sum.States[messages.Connected])
	fmt.Println("round trip:", sum.RoundTrip.Quantile(0.5), "response:", sum.Response.Quantile(0.5))
	fmt.Println("broken laws:", sum.Check())
	// Output:
	// players: 2 connected: 2
	// round trip: 2ms response: 3ms
	// broken laws: <nil>
}
