//go:build linux

package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/transport"
)

// rigClient is loadrig as `loadrig run` has it: a Manager, players and recorders. The players' own
// histograms are two of three significant digits, round trip and response.
type rigClient struct {
	job     job
	chat    int // messages that each player has sent, on average, before it is idle
	manager *actors.Manager
	crowd   *players.Crowd

	recorders []*rigRecorder // by shard
	slots     chan struct{}  // one taken for each connection being opened
	done      chan struct{}  // closed when all have opened or failed

	// Atomic.
	settled, failed atomic.Int64
}

// rigRecorder counts as a run's recorder does, and tells who opens connections that one has opened.
type rigRecorder struct {
	metrics.Shard
	client *rigClient
}

// Observe implements actors.Observer.
func (r *rigRecorder) Observe(ev messages.Event) {
	r.Shard.Observe(ev)
	if e, ok := ev.(*messages.StateChanged); ok && e.From == messages.Connecting {
		r.client.attempted(e.To)
	}
}

func (c *rigClient) attempted(to messages.State) {
	<-c.slots
	if to != messages.Connected {
		c.failed.Add(1)
	}
	if c.settled.Add(1) == int64(c.job.Connections) {
		close(c.done)
	}
}

func newRigClient(j job) (client, error) { return newRig(j, transport.Options{TLS: trustAll()}, 0) }

// chatter is how many messages compressed players have sent before they are idle: what compression keeps of
// a connection, if anything, it does not keep before.
const chatter = 20

// newDeflateClient has the server compress too, as it echoes what came compressed. It is loadrig else.
func newDeflateClient(j job) (client, error) {
	return newRig(j, transport.Options{Compress: &transport.Compression{}}, chatter)
}

// newStampedClient has the kernel stamp what arrives. It is loadrig else.
func newStampedClient(j job) (client, error) {
	return newRig(j, transport.Options{TLS: trustAll(), KernelTimestamps: true}, 0)
}

func newRig(j job, o transport.Options, chat int) (client, error) {
	c := &rigClient{job: j, slots: make(chan struct{}, window), done: make(chan struct{})}
	c.recorders = make([]*rigRecorder, j.Shards)
	traffic := players.Traffic{Kind: players.Idle, Size: payloadSize, Players: j.Connections}
	for i := range c.recorders {
		c.recorders[i] = &rigRecorder{client: c}
		traffic.Meters = append(traffic.Meters, c.recorders[i])
	}
	if j.Mode == modeIdle && chat > 0 {
		c.chat = chat
		traffic.Kind = players.PingPong
	}
	switch j.Mode {
	case modeClosed, modeTLS:
		traffic.Kind = players.PingPong
	case modePaced:
		traffic.Kind = players.Paced
		setRate(&traffic.Rate, j.Rate/float64(j.Connections))
	}
	var err error
	if c.crowd, err = players.NewCrowd(traffic); err != nil {
		return nil, err
	}
	c.manager, err = actors.NewManager(actors.Options{
		Shards:    j.Shards,
		Transport: o,
		Recorder:  func(shard int) actors.Recorder { return c.recorders[shard] },
	})
	return c, err
}

// setRate converts to a type that is load's, which is not ours to import.
func setRate[R ~float64](r *R, perSecond float64) { *r = R(perSecond) }

func (c *rigClient) connect() error {
	number := make([]int, c.job.Shards) // players so far, by shard; each is its shard's own
	ids, err := c.manager.OpenMany(c.job.Connections, func(id messages.ConnID) actors.Behavior {
		shard := id.Shard()
		n := number[shard]*c.job.Shards + shard
		number[shard]++
		return c.crowd.Player(shard, n)
	})
	if err != nil {
		return err
	}
	connect := &messages.Connect{URL: c.job.URL}
	for _, id := range ids {
		c.slots <- struct{}{}
		if err := c.manager.Tell(id, connect); err != nil {
			return err
		}
	}
	<-c.done
	if n := c.failed.Load(); n > 0 {
		return fmt.Errorf("%d of %d failed", n, len(ids))
	}
	return c.converse()
}

// converse waits until all have said what they have to say before they are idle, and heard the answers.
func (c *rigClient) converse() error {
	want := uint64(c.chat * c.job.Connections)
	for end := time.Now().Add(time.Minute); c.chat > 0; time.Sleep(time.Millisecond) {
		t := c.snapshot().Traffic
		if t.Received[messages.OpText] >= want {
			c.crowd.Quiet()
			if t.Received[messages.OpText] == t.Sent[messages.OpText] && t.Pending == 0 {
				return nil
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d messages were answered in a minute", t.Received[messages.OpText], want)
		}
	}
	return nil
}

// pace has nothing to do: a paced player keeps its schedule from the moment that it is open.
func (c *rigClient) pace() error { return nil }

func (c *rigClient) snapshot() actors.Snapshot {
	s, _ := c.manager.Snapshot(context.Background()) // fails only for a Manager that was stopped
	return s
}

func (c *rigClient) trips() uint64 {
	s := c.snapshot()
	return s.Traffic.Received[messages.OpText]
}

func (c *rigClient) open() int {
	s := c.snapshot()
	return s.States[messages.Connected]
}

func (c *rigClient) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = c.manager.Stop(ctx)
}
