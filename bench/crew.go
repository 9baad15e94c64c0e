//go:build linux

package main

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// crew is what the clients with a goroutine for each connection have in common: goroutines that dial,
// counts, and one histogram for all, of atomic counters, as Prometheus's is.
type crew struct {
	job     job
	latency sharedHistogram

	// Atomic.
	answered atomic.Uint64
	opened   atomic.Int64

	// Guarded by mu.
	mu    sync.Mutex
	conns []net.Conn
}

// dialAll calls dial for each connection, window of them at a time. dial starts the connection's own
// goroutine.
func (c *crew) dialAll(dial func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, window) // the first of each goroutine
	for g := range window {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < c.job.Connections && errs[g] == nil; i = int(next.Add(1)) - 1 {
				errs[g] = dial(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// joined takes a connection that is open.
func (c *crew) joined(nc net.Conn) {
	c.opened.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, nc)
}

// left tells that a connection has ended.
func (c *crew) left() { c.opened.Add(-1) }

// took counts the echo of what was sent at that time.
func (c *crew) took(sent time.Time) {
	c.latency.record(time.Since(sent))
	c.answered.Add(1)
}

func (c *crew) trips() uint64 { return c.answered.Load() }
func (c *crew) open() int     { return int(c.opened.Load()) }

func (c *crew) pace() error { return errors.New("paced: only loadrig and bare know how to") }

func (c *crew) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		if tc, ok := nc.(*tls.Conn); ok {
			nc = tc.NetConn()
		}
		if tc, ok := nc.(*net.TCPConn); ok {
			_ = tc.SetLinger(0)
		}
		_ = nc.Close()
	}
}
