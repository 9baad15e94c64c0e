//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/scenario"
)

// storySteps is what the players of a scenario do: ten steps a round, with timers and templates, of which two
// send a message and two wait for its echo.
const (
	stepsPerRound = 10
	tripsPerRound = 2
	storySteps    = `
vars: {room: "room-{{ n }}", x: 0, last: ""}
players:
  one:
    on:
      - {contains: '"never"', do: [ping]}
    steps:
      - connect
      - for:
          duration: 24h
          do:
            - send: {json: {op: move, seq: "{{ seq }}", room: "{{ room }}", say: "player {{ n }} says \"hi\""}}
            - expect: {contains: '"move"'}
            - set: {x: "{{ seq }}"}
            - set: {last: "in {{ room }} at {{ x }}"}
            - choose:
                - {weight: 1, do: [{send: "left {{ x }}"}]}
                - {weight: 1, do: [{send: "right {{ last }}"}]}
            - expect: {contains: "t "}
            - set: {last: "{{ last }}"}
            - set: {x: "{{ iteration }}"}
            - think: PAUSE
`
)

// storyClient is loadrig with a scenario.
type storyClient struct {
	job      job
	manager  *actors.Manager
	cast     *players.Cast
	opened   atomic.Int64
	finished chan struct{}
}

// storyRecorder is the recorder of one shard.
type storyRecorder struct {
	metrics.Shard
	*metrics.ScenarioShard
	client *storyClient
}

// Observe implements actors.Observer.
func (r *storyRecorder) Observe(ev messages.Event) {
	r.Shard.Observe(ev)
	if _, ok := ev.(*messages.Opened); ok && r.client.opened.Add(1) == int64(r.client.job.Connections) {
		close(r.client.finished)
	}
}

func newStoryClient(j job) (client, error) {
	pause := "{uniform: [1s, 3s]}" // memory is of players at an ordinary pace
	if j.Mode == modeStory {
		pause = "1ms"
	}
	sc, err := scenario.Read(strings.NewReader(strings.Replace(storySteps, "PAUSE", pause, 1)), "bench", ".", scenario.Options{})
	if err != nil {
		return nil, err
	}
	names, err := metrics.NewScenario(metrics.Names{Requests: sc.Requests, Checks: sc.Checks, Deliveries: sc.Deliveries, Ticks: sc.Ticks, Populations: sc.Populations})
	if err != nil {
		return nil, err
	}
	c := &storyClient{job: j, finished: make(chan struct{})}
	recorders := make([]*storyRecorder, j.Shards)
	o := players.CastOptions{
		Scenario: sc, Seed: 1, Players: j.Connections, Spread: true,
		Connect: func(int, players.Opening) *messages.Connect { return &messages.Connect{URL: j.URL} },
		Signal:  func(id messages.ConnID, v any) error { return c.manager.Signal(id, v) },
	}
	connect := &messages.Connect{URL: j.URL}
	o.Connect = func(int, players.Opening) *messages.Connect { return connect }
	for i := range recorders {
		recorders[i] = &storyRecorder{client: c, ScenarioShard: names.NewShard()}
		o.Series = append(o.Series, recorders[i])
	}
	if c.cast, err = players.NewCast(o); err != nil {
		return nil, err
	}
	c.manager, err = actors.NewManager(actors.Options{Shards: j.Shards, Recorder: func(i int) actors.Recorder { return recorders[i] }})
	return c, err
}

func (c *storyClient) connect() error {
	n := 0
	ids, err := c.manager.OpenMany(c.job.Connections, func(id messages.ConnID) actors.Behavior {
		n++
		return c.cast.Player(id.Shard(), n-1)
	})
	if err != nil {
		return err
	}
	for i, id := range ids {
		for int64(i)-c.opened.Load() >= window {
			time.Sleep(time.Millisecond)
		}
		if err := c.manager.Signal(id, players.Begin{N: i}); err != nil {
			return err
		}
	}
	select {
	case <-c.finished:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%d of %d are open", c.opened.Load(), len(ids))
	}
}

func (c *storyClient) pace() error { return nil }

// trips gives the steps taken so far.
func (c *storyClient) trips() uint64 {
	s, _ := c.manager.Snapshot(context.Background()) // fails only for a Manager that was stopped
	return s.Traffic.Received[messages.OpText] * stepsPerRound / tripsPerRound
}

func (c *storyClient) open() int {
	s, _ := c.manager.Snapshot(context.Background())
	return s.States[messages.Connected]
}

func (c *storyClient) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = c.manager.Stop(ctx)
	c.cast.Stop()
}
