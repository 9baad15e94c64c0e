package main

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/loadrig/loadrig/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPlay: the players are through with their games, each of which one has won and another lost, or both have
// drawn. A few may have found no opponent for their last.
func TestPlay(t *testing.T) {
	s, err := target.Listen(target.Options{Kind: target.Room})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		_ = s.Close()
		<-served
	})
	const n = 40
	var out strings.Builder
	if err := play(t.Context(), &out, s.URL(), n); err != nil {
		t.Fatal(err)
	}
	var players, won, lost, drawn, moves, refused int
	if _, err := fmt.Sscanf(out.String(), "%d players: %d games won, %d lost, %d drawn, in %d moves, of which %d were refused", &players, &won, &lost, &drawn, &moves, &refused); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	games := won + lost + drawn // each is counted by both
	if players != n || won != lost || drawn%2 != 0 || games > n*gamesEach || games < n*(gamesEach-1) || moves < 5*games/2 || refused != 0 {
		t.Errorf("got %s", out.String())
	}
}
