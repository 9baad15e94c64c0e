package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/loadrig/loadrig/internal/figures"
)

// crowd is 2,000 players in a room, 10 of whom say 10 things each, once all are there. They go when all has been
// said: each talker then makes a room of its own.
const crowd = `
target: {limits: {max_backlog: 16MiB}}
vars: {members: 0, rooms: 0}
fragments:
  enter:
    - connect
    - join: crowd
    - request: {name: join, json: {op: join, id: "{{ seq }}", room: crowd}, id: $.id, timeout: 1m, save: {members: $.members}}
    - while:
        when: members < 2000
        do:
          - think: 500ms
          - request: {name: join, json: {op: join, id: "{{ seq }}", room: crowd}, id: $.id, timeout: 1m, save: {members: $.members}}
  go:
    - while:
        when: rooms < 11
        do:
          - think: 500ms
          - request: {name: list, json: {op: list, id: "{{ seq }}"}, id: $.id, timeout: 1m, save: {rooms: $.total}}
    - think: 1s
players:
  talker:
    weight: 1
    on: [{json: {op: say}, delivery: say, stamp: $.stamp}]
    steps:
      - call: enter
      - every:
          interval: 100ms
          times: 10
          do:
            - publish: {name: say, audience: crowd, json: {op: say, room: crowd, stamp: "{{ stamp }}"}}
      - request: {name: said, json: {op: join, id: "{{ seq }}", room: "said by {{ n }}"}, id: $.id, timeout: 1m}
      - call: go
  listener:
    weight: 199
    on: [{json: {op: say}, delivery: say, stamp: $.stamp}]
    steps:
      - call: enter
      - call: go
load: {players: 2000, iterations: 1, duration: 3m}
`

// TestDeliveries: what a server loses, sends twice, sends out of order and changes is what the run reports, exactly,
// and so is everything else that both count.
func TestDeliveries(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []string
	}{
		{"all at once", []string{"--lose-every", "97", "--duplicate-every", "89", "--reorder-every", "83", "--corrupt-every", "79"}},
		{"none", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "crowd.yaml")
			if err := os.WriteFile(file, []byte(crowd), 0o600); err != nil {
				t.Fatal(err)
			}
			server := served(t, "room", c.flags...)
			o := carryOut(t, file, "--url", server.url)
			stats, err := server.stop()
			if err != nil {
				t.Fatal(err, o.talked)
			}
			faults, reason := c.flags != nil, ""
			if faults {
				reason = fmt.Sprintf(`%s deliveries of "say" came with another stamp than was sent`, figures.Count(stats.Corrupted))
			}
			judged(t, o, reason)
			d := o.sum.Get("scenario.deliveries.0")
			inOrder, late, corrupt := d.Get("in_order").Uint(), d.Get("late").Uint(), d.Get("corrupt").Uint()
			agree(t,
				same{"published", d.Get("published").Uint(), 100},
				same{"broadcasts", stats.Broadcasts, 100},
				same{"expected", d.Get("expected").Uint(), 200_000},
				same{"lost", d.Get("lost").Uint(), stats.Lost},
				same{"duplicate", d.Get("duplicate").Uint(), stats.Duplicated},
				same{"late", late, stats.Reordered},
				same{"corrupt", corrupt, stats.Corrupted},
				same{"all that came", inOrder + late + corrupt + d.Get("duplicate").Uint(), stats.Deliveries},
				same{"latencies", d.Get("latency_seconds.count").Uint(), inOrder + late},
				same{"expected less what was lost", d.Get("expected").Uint() - d.Get("lost").Uint(), stats.Deliveries - stats.Duplicated},
				same{"dropped by the server", stats.Dropped, 0},
				same{"received", o.sum.Get("messages.received").Uint(), stats.Sent},
				same{"sent", o.sum.Get("messages.sent").Uint(), stats.Received},
				same{"opened", o.sum.Get("connections.opened").Uint(), stats.Opened},
			)
			for what, n := range map[string]uint64{"lost": stats.Lost, "duplicated": stats.Duplicated, "reordered": stats.Reordered, "corrupted": stats.Corrupted} {
				if (n > 0) != faults {
					t.Errorf("got %d %s", n, what)
				}
			}
			t.Logf("%d published, %d copies expected: %d lost, %d twice, %d late, %d changed",
				stats.Broadcasts, d.Get("expected").Uint(), stats.Lost, stats.Duplicated, stats.Reordered, stats.Corrupted)
		})
	}
}
