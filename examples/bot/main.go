// Command bot has players written in Go play noughts and crosses with each other on the embedded room server:
//
//	loadrig target room --listen 127.0.0.1:8080 &
//	go run ./examples/bot ws://127.0.0.1:8080/ 1000
//
// Each asks for a seat, plays its turns after a moment of thought, and asks for another when the game is over.
//
// What may live here: this one example. What may not: anything that a program of a user's own could not do.
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
)

// gamesEach is how many games a player plays before it leaves.
const gamesEach = 3

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bot URL PLAYERS, as ws://127.0.0.1:8080/ 1000; the number of players must be even")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil || n < 2 || n%2 != 0 {
		fmt.Fprintf(os.Stderr, "bot: got %q players, want an even number\n", os.Args[2])
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := play(ctx, os.Stdout, os.Args[1], n); err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		os.Exit(1)
	}
}

// score is what all players together have come to.
type score struct {
	won, lost, drawn, moves, refused atomic.Int64
	left                             atomic.Int64
	over                             chan struct{}
}

// play has n players play, and prints the score.
func play(ctx context.Context, out io.Writer, url string, n int) error {
	m, err := actors.NewManager(actors.Options{})
	if err != nil {
		return err
	}
	defer m.Stop(context.Background())
	s := &score{over: make(chan struct{})}
	s.left.Store(int64(n))
	ids, err := m.OpenMany(n, func(messages.ConnID) actors.Behavior {
		return players.NewBot(&gambler{score: s}, nil)
	})
	if err != nil {
		return err
	}
	connect := &messages.Connect{URL: url}
	for _, id := range ids {
		if err := m.Tell(id, connect); err != nil {
			return err
		}
	}
	select {
	case <-s.over:
	case <-ctx.Done():
		return fmt.Errorf("%d of %d players are still playing: %w", s.left.Load(), n, ctx.Err())
	}
	_, err = fmt.Fprintf(out, "%d players: %d games won, %d lost, %d drawn, in %d moves, of which %d were refused\n",
		n, s.won.Load(), s.lost.Load(), s.drawn.Load(), s.moves.Load(), s.refused.Load())
	return err
}

// gambler plays wherever there is room.
type gambler struct {
	players.Quiet
	score *score
	game  string
	mark  string // X or O
	taken [9]bool
	games int
}

// OnOpen implements players.Behavior.
func (g *gambler) OnOpen(p *players.Bot) { g.sit(p) }

// patience is how long a player waits for an opponent: the last ones may find none.
const patience = time.Second

func (g *gambler) sit(p *players.Bot) {
	g.game = ""
	p.After(patience)
	_ = p.SendJSON(map[string]any{"op": "seat"}) // an error means that the connection is gone: OnClose tells
}

// OnMessage implements players.Behavior.
func (g *gambler) OnMessage(p *players.Bot, _ messages.Op, payload []byte) {
	m := gjson.ParseBytes(payload)
	switch m.Get("op").Str {
	case "start":
		g.game, g.mark, g.taken = m.Get("game").String(), m.Get("you").String(), [9]bool{}
		p.Connection().StopTimer()
		if m.Get("turn").Str == g.mark {
			g.think(p)
		}
	case "played":
		if cell := m.Get("cell").Int(); cell >= 0 && cell < 9 {
			g.taken[cell] = true
		}
		if m.Get("turn").Str == g.mark {
			g.think(p)
		}
	case "over":
		g.count(m.Get("winner").Str)
		if g.games++; g.games == gamesEach {
			_ = p.Leave()
			return
		}
		g.sit(p)
	case "error":
		g.score.refused.Add(1)
	}
}

// think takes a moment, as a person would.
func (g *gambler) think(p *players.Bot) { p.After(time.Duration(1+rand.IntN(20)) * time.Millisecond) }

// OnTimer implements players.Behavior: it is time to play, or to wait no more.
func (g *gambler) OnTimer(p *players.Bot, _ messages.Stamp) {
	if g.game == "" { // nobody has come
		_ = p.Leave()
		return
	}
	var free []int
	for cell, taken := range g.taken {
		if !taken {
			free = append(free, cell)
		}
	}
	if len(free) == 0 {
		return
	}
	g.score.moves.Add(1)
	_ = p.SendJSON(map[string]any{"op": "play", "game": g.game, "cell": free[rand.IntN(len(free))]})
}

func (g *gambler) count(winner string) {
	switch winner {
	case g.mark:
		g.score.won.Add(1)
	case "":
		g.score.drawn.Add(1)
	default:
		g.score.lost.Add(1)
	}
}

// OnClose implements players.Behavior.
func (g *gambler) OnClose(*players.Bot, *messages.Closed) {
	if g.score.left.Add(-1) == 0 {
		close(g.score.over)
	}
}
