//go:build linux

package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
)

// rigClient is loadrig as it runs: actors, players and the recorder.
type rigClient struct {
	j       job
	manager *actors.Manager
	crowd   *players.Crowd
	opened  chan struct{}
	failed  atomic.Int64
}

// recorder tells of connections besides counting.
type recorder struct {
	metrics.Shard
	c *rigClient
}

func (r *recorder) Observe(ev messages.Event) {
	r.Shard.Observe(ev)
	if s, ok := ev.(*messages.StateChanged); ok && s.From == messages.Connecting {
		if s.To != messages.Connected {
			r.c.failed.Add(1)
		}
		r.c.opened <- struct{}{}
	}
}

func newRig(j job) (client, error) {
	c := &rigClient{j: j, opened: make(chan struct{}, j.Connections)}
	rec := &recorder{c: c}
	kind := players.Idle
	if j.Mode == "closed" {
		kind = players.PingPong
	}
	var err error
	if c.crowd, err = players.NewCrowd(players.Traffic{Kind: kind, Size: payloadSize, Players: j.Connections, Meters: []players.Meter{rec}}); err != nil {
		return nil, err
	}
	c.manager, err = actors.NewManager(actors.Options{Shards: 1, Recorder: func(int) actors.Recorder { return rec }})
	return c, err
}

func (c *rigClient) connect(n int) error {
	number := 0
	ids, err := c.manager.OpenMany(n, func(messages.ConnID) actors.Behavior {
		number++
		return c.crowd.Player(0, number-1)
	})
	if err != nil {
		return err
	}
	const window = 256
	connect := &messages.Connect{URL: c.j.URL}
	for i, id := range ids {
		if i >= window {
			<-c.opened
		}
		if err := c.manager.Tell(id, connect); err != nil {
			return err
		}
	}
	for range min(n, window) {
		<-c.opened
	}
	if f := c.failed.Load(); f > 0 {
		return fmt.Errorf("%d of %d connections failed", f, n)
	}
	return nil
}

func (c *rigClient) trips() uint64 {
	s, err := c.manager.Snapshot(context.Background())
	if err != nil {
		return 0
	}
	return s.Traffic.Received[messages.OpText]
}

func (c *rigClient) close() { _ = c.manager.Stop(context.Background()) }
