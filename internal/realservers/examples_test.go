package realservers

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/loadrig/loadrig/internal/cli"
	"github.com/loadrig/loadrig/report"
)

// example runs one of the examples by its command line, for about a second, in which everything must go well.
func example(t *testing.T, name string, args ...string) *report.Summary {
	t.Helper()
	var out, talk bytes.Buffer
	code := cli.Main(cli.Process{
		Args: append([]string{"run", "../../examples/" + name + ".yaml", "--json", "--max-lag", "1m"}, args...),
		// --max-lag: these servers are slow when they share two cores with the race detector.
		Stdin: &bytes.Buffer{}, Stdout: &out, Stderr: &talk, Getenv: func(string) string { return "" }, Executable: os.Executable,
		Interrupted: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
	})
	t.Log(talk.String())
	s := new(report.Summary)
	if err := json.Unmarshal(out.Bytes(), s); err != nil {
		t.Fatalf("got exit code %d and no summary: %v", code, err)
	}
	var text bytes.Buffer
	_ = s.WriteText(&text)
	t.Log(text.String())
	if code != cli.ExitPass {
		t.Errorf("got exit code %d, want %d", code, cli.ExitPass)
	}
	well(t, s)
	return s
}

// well checks that all that an example does was done.
func well(t *testing.T, s *report.Summary) {
	t.Helper()
	c := s.Scenario
	players := 0
	for _, p := range c.Populations {
		players += p.Players
	}
	if players == 0 || c.Iterations < uint64(players) || c.PlayersLost > 0 || c.Faults > 0 || c.Starts.Missed > 0 {
		t.Errorf("got %d iterations of %d players, %d lost, %d faults (%s), %d never started; want one or more of each player, and none",
			c.Iterations, players, c.PlayersLost, c.Faults, c.FirstFault, c.Starts.Missed)
	}
	for _, k := range c.Checks {
		if k.Failed > 0 || k.Held == 0 {
			t.Errorf("check %q: held %d times and failed %d times, want some and none", k.Name, k.Held, k.Failed)
		}
	}
	for _, r := range c.Requests {
		if r.Lost > 0 || r.Response.Count == 0 {
			t.Errorf("request %q: %d answered and %d lost, want some and none", r.Name, r.Response.Count, r.Lost)
		}
	}
	for _, d := range c.Deliveries {
		if d.Published == 0 || d.InOrder != d.Expected || d.Late+d.Duplicate+d.Lost > 0 {
			t.Errorf("delivery %q: got %+v, want all that was expected, once and in order", d.Name, d)
		}
	}
	for _, k := range c.Ticks {
		if k.Deviation.Count == 0 {
			t.Errorf("ticks %q: got none", k.Name)
		}
	}
	if s.Rig.Conservation != "ok" {
		t.Errorf("the counts do not add up: %s", s.Rig.Conservation)
	}
}

// requests gives how many requests of a name were answered.
func requests(s *report.Summary, name string) uint64 {
	for _, r := range s.Scenario.Requests {
		if r.Name == name {
			return r.Response.Count
		}
	}
	return 0
}

// same checks what the server counted against what loadrig did.
func same(t *testing.T, what string, server, loadrig uint64) {
	t.Helper()
	if server != loadrig {
		t.Errorf("%s: the server counted %d, and loadrig %d", what, server, loadrig)
	}
}

// agrees is same for what all servers on Node count.
func agrees(t *testing.T, s *report.Summary, saw counts) {
	t.Helper()
	same(t, "connections", uint64(saw.Connections), s.Connections.Opened)
	same(t, "messages to the server", saw.Received, s.Messages.Sent)
	same(t, "messages from the server", saw.Sent, s.Messages.Received)
}

func TestExampleEcho(t *testing.T) {
	srv := node(t)
	s := example(t, "echo", "--url", srv.url(), "-c", "10", "-d", "1s", "-e", "word=hi")
	agrees(t, s, srv.stop())
	same(t, "answers", requests(s, "round trip"), s.Messages.Sent)
}

// TestExampleChat: of 20 players 2 talk, 4 times each.
func TestExampleChat(t *testing.T) {
	srv := onNode(t, "rooms.js", "ws")
	s := example(t, "chat", "--url", srv.url(), "-c", "20", "-e", "room=attic")
	agrees(t, s, srv.stop())
	d := s.Scenario.Deliveries[0]
	if d.Published != 2*4 || d.Expected != 2*4*20 {
		t.Errorf("got %d published for %d, want %d for %d", d.Published, d.Expected, 2*4, 2*4*20)
	}
	// Beside what was said, two requests of each were answered.
	same(t, "messages received", d.InOrder+2*20, s.Messages.Received)
}

// TestExampleStorm: of 50 players 45 come twice.
func TestExampleStorm(t *testing.T) {
	srv := onNode(t, "rooms.js", "ws")
	s := example(t, "storm", "--url", srv.url(), "-c", "50")
	saw := srv.stop()
	agrees(t, s, saw)
	same(t, "connections", uint64(saw.Connections), 50+45)
	same(t, "closes by the storm", uint64(saw.Closes["4000"]), 45)
	same(t, "times that a player entered", saw.Received, requests(s, "enter the lobby"))
}

// TestExampleGame: 10 players move 10 times a second, for a second.
func TestExampleGame(t *testing.T) {
	srv := onNode(t, "rooms.js", "ws")
	s := example(t, "game", "--url", srv.url(), "-c", "10")
	agrees(t, s, srv.stop())
	same(t, "moves and entries", s.Messages.Sent, 10*10+10)
	same(t, "ticks and answers", s.Messages.Received, s.Scenario.Ticks[0].Deviation.Count+10+s.RoundTrip.Count)
}

func TestExampleJSONRPC(t *testing.T) {
	srv := onNode(t, "jsonrpc.js", "rpc-websockets")
	s := example(t, "jsonrpc", "--url", srv.url(), "--rate", "20/s", "-d", "1s")
	saw := srv.stop()
	agrees(t, s, saw)
	same(t, "notifications", uint64(saw.Seen), s.Scenario.Iterations)
	same(t, "calls", saw.Received-uint64(saw.Seen), requests(s, "add"))
}

// TestExampleGraphQL: each of 10 players has 5 queries answered, each by its data and its end, and one
// subscription.
func TestExampleGraphQL(t *testing.T) {
	srv := onNode(t, "graphql.js", "graphql-ws")
	s := example(t, "graphql", "--url", srv.url()+"graphql", "-c", "10")
	saw := srv.stop()
	agrees(t, s, saw)
	same(t, "messages to the server", saw.Received, 10*(1+5+2)) // connection_init, queries, subscribe and complete
	same(t, "queries", requests(s, "query"), 10*5)
}

// TestExampleAuth: the server of this test lets in only those whose token its key set verifies, and says whom it took them
// for.
func TestExampleAuth(t *testing.T) {
	key, jwks := keyFiles(t)
	srv := node(t, "JWKS_FILE="+jwks, "WHOAMI=1")
	s := example(t, "auth", "--url", srv.url(), "--token-key", key, "-c", "10")
	saw := srv.stop()
	agrees(t, s, saw)
	same(t, "users", uint64(saw.Users), 10)
	same(t, "connections", uint64(saw.Connections), 10*2) // each comes back once
	same(t, "questions", requests(s, "who am i"), 10*2)
	same(t, "rejected", uint64(saw.Rejected), 0)
}
