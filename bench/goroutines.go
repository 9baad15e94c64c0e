//go:build linux

package main

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/lxzan/gws"
)

// crew is what the clients with a goroutine for each connection have in common: dialing with 64
// goroutines, and the counts.
type crew struct {
	j    job
	done atomic.Uint64
	hist latencies

	mu    sync.Mutex
	conns []net.Conn
}

func (c *crew) trips() uint64 { return c.done.Load() }

func (c *crew) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		_ = nc.Close()
	}
}

func (c *crew) keep(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, nc)
}

func (c *crew) answered(sent time.Time) {
	c.hist.record(time.Since(sent))
	c.done.Add(1)
}

// dialAll calls dial for 0 to n-1.
func dialAll(n int, dial func(i int) error) (first error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := dial(i); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	wg.Wait()
	select {
	case first = <-errs:
	default:
	}
	return first
}

// gobwasClient uses the library's own helpers, as its documentation has it.
type gobwasClient struct{ crew }

func newGobwas(j job) (client, error) { return &gobwasClient{crew{j: j}}, nil }

func (c *gobwasClient) connect(n int) error {
	return dialAll(n, func(i int) error {
		d := ws.Dialer{NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer(i).DialContext(ctx, network, addr)
		}}
		nc, br, _, err := d.Dial(context.Background(), c.j.URL)
		if err != nil {
			return err
		}
		if br != nil {
			ws.PutReader(br)
		}
		c.keep(nc)
		go c.play(nc)
		return nil
	})
}

func (c *gobwasClient) play(nc net.Conn) {
	for {
		sent := time.Now()
		if c.j.Mode == "closed" && wsutil.WriteClientText(nc, payload) != nil {
			return
		}
		b, _, err := wsutil.ReadServerData(nc)
		if err != nil {
			return
		}
		if bytes.Equal(b, payload) {
			c.answered(sent)
		}
	}
}

// gwsClient is lxzan/gws with its own read loop.
type gwsClient struct{ crew }

func newGWS(j job) (client, error) { return &gwsClient{crew{j: j}}, nil }

// gwsPlayer handles the events of one connection.
type gwsPlayer struct {
	gws.BuiltinEventHandler
	c    *gwsClient
	sent time.Time
}

func (p *gwsPlayer) send(s *gws.Conn) {
	p.sent = time.Now()
	_ = s.WriteMessage(gws.OpcodeText, payload)
}

// OnOpen implements gws.Event.
func (p *gwsPlayer) OnOpen(s *gws.Conn) {
	if p.c.j.Mode == "closed" {
		p.send(s)
	}
}

// OnMessage implements gws.Event.
func (p *gwsPlayer) OnMessage(s *gws.Conn, m *gws.Message) {
	p.c.answered(p.sent)
	_ = m.Close()
	p.send(s)
}

// gwsDialer dials from the i-th connection's source address.
type gwsDialer int

// Dial implements gws.Dialer.
func (d gwsDialer) Dial(network, addr string) (net.Conn, error) {
	return dialer(int(d)).Dial(network, addr)
}

func (c *gwsClient) connect(n int) error {
	return dialAll(n, func(i int) error {
		s, _, err := gws.NewClient(&gwsPlayer{c: c}, &gws.ClientOption{
			Addr: c.j.URL, NewDialer: func() (gws.Dialer, error) { return gwsDialer(i), nil },
		})
		if err != nil {
			return err
		}
		c.keep(s.NetConn())
		go s.ReadLoop()
		return nil
	})
}
