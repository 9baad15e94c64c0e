package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/report"
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

// TestDeliveries: what a server loses, sends twice and sends out of order is what the run reports, exactly, and
// so is everything else that both count.
func TestDeliveries(t *testing.T) {
	t.Setenv("LOADRIG_TEST_AS_PROGRAM", "1")
	for _, c := range []struct {
		name                      string
		flags                     []string
		wantLost, wantTwice, late bool
	}{
		{"all at once", []string{"--lose-every", "97", "--duplicate-every", "89", "--reorder-every", "83"}, true, true, true},
		{"none", nil, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "crowd.yaml")
			if err := os.WriteFile(file, []byte(crowd), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, talk bytes.Buffer
			parent := ThisProcess()
			parent.Stderr = &talk
			server, err := startChild(&parent, "room", c.flags...)
			if err != nil {
				t.Fatal(err, talk.String())
			}
			code := Main(Process{
				Args:  []string{"run", file, "-q", "--json", "--url", server.url, "--max-lag", "1m"},
				Stdin: new(bytes.Buffer), Stdout: &out, Stderr: &talk,
				Getenv: func(string) string { return "" }, Executable: os.Executable,
				Interrupted: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
			})
			sum := gjson.Parse(out.String())
			stats, err := server.stop()
			if err != nil || code != ExitPass || sum.Get("verdict").Str != string(report.Pass) {
				t.Fatalf("got %v, code %d, %s\n%s", err, code, out.String(), talk.String())
			}
			d := sum.Get("scenario.deliveries.0")
			for _, w := range []struct {
				what      string
				got, want uint64
			}{
				{"published", d.Get("published").Uint(), 100},
				{"broadcasts", stats.Broadcasts, 100},
				{"expected", d.Get("expected").Uint(), 200_000},
				{"lost", d.Get("lost").Uint(), stats.Lost},
				{"duplicate", d.Get("duplicate").Uint(), stats.Duplicated},
				{"late", d.Get("late").Uint(), stats.Reordered},
				{"all that came", d.Get("in_order").Uint() + d.Get("late").Uint() + d.Get("duplicate").Uint(), stats.Deliveries},
				{"expected less what was lost", d.Get("expected").Uint() - d.Get("lost").Uint(), stats.Deliveries - stats.Duplicated},
				{"dropped by the server", stats.Dropped, 0},
				{"received", sum.Get("messages.received").Uint(), stats.Sent},
				{"sent", sum.Get("messages.sent").Uint(), stats.Received},
				{"opened", sum.Get("connections.opened").Uint(), stats.Opened},
			} {
				if w.got != w.want {
					t.Errorf("%s: got %d, want %d", w.what, w.got, w.want)
				}
			}
			if (stats.Lost > 0) != c.wantLost || (stats.Duplicated > 0) != c.wantTwice || (stats.Reordered > 0) != c.late {
				t.Errorf("got %d lost, %d duplicated, %d reordered", stats.Lost, stats.Duplicated, stats.Reordered)
			}
			t.Logf("%d published, %d copies expected: %d lost, %d twice, %d late", stats.Broadcasts, d.Get("expected").Uint(), stats.Lost, stats.Duplicated, stats.Reordered)
		})
	}
}
