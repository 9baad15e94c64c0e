package players

import (
	"runtime"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// tenSteps is the behaviour that the figures of scenarios are of: timers, templates, a wait for the answer,
// a choice and a rule.
const tenSteps = `
vars: {room: "room-{{ n }}", x: 0}
players:
  one:
    on:
      - contains: '"never"'
        do: [ping]
    steps:
      - connect
      - every:
          interval: 1ms
          do:
            - send: {json: {op: move, seq: "{{ seq }}", room: "{{ room }}", text: "player {{ n }} says \"hi\""}}
            - expect: {contains: '"move"'}
            - set: {x: "{{ seq }}"}
            - choose:
                - {weight: 1, do: [{send: {text: "a {{ x }}"}}]}
                - {weight: 1, do: [{send: {text: "b {{ room }}"}}]}
            - think: {uniform: [100us, 300us]}
`

// TestStepsDoNotAllocate pins that steps in the steady state allocate nothing.
func TestStepsDoNotAllocate(t *testing.T) {
	if (transport.Options{Engine: transport.EngineEpoll}).Validate() != nil {
		t.Skip("SKIPPED: there is no epoll here")
	}
	srv := wstest.Serve(t, wstest.QuietEcho)
	tr := prepare(t, srv.URL(), tenSteps, 10, func(o *CastOptions) { o.Series = []Series{quiet{}} })
	tr.begin(t)
	trips := func() uint64 {
		s, err := tr.mgr.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Traffic.Received[0]
	}
	await := func(n uint64) {
		for end := time.Now().Add(20 * time.Second); trips() < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("got %d messages, want %d", trips(), n)
			}
		}
	}
	await(4000)
	least := 1.0
	for range 5 {
		var before, after runtime.MemStats
		from := trips()
		runtime.ReadMemStats(&before)
		await(from + 3000)
		runtime.ReadMemStats(&after)
		// Each look at the counts allocates; the best window has few of them.
		least = min(least, float64(after.Mallocs-before.Mallocs)/float64(trips()-from))
	}
	if least > 0.1 {
		t.Errorf("got %.3f allocations a message, want 0", least)
	}
	tr.cast.Quiet()
}

// quiet is a Series that does nothing.
type quiet struct{ Series }

func (quiet) Lag(time.Duration)           {}
func (quiet) Arrived(_, _ messages.Stamp) {}
func (quiet) Check(int, bool)             {}
func (quiet) Iteration(int)               {}
func (quiet) Lost(int)                    {}
func (quiet) Began(int)                   {}
func (quiet) Ended(int)                   {}
