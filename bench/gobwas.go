//go:build linux

package main

import (
	"context"
	"net"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// gobwasClient is gobwas/ws with its own helpers, as its README has them: a goroutine of each connection
// that writes a message and reads one.
type gobwasClient struct{ crew }

func newGobwasClient(j job) (client, error) { return &gobwasClient{crew{job: j}}, nil }

func (c *gobwasClient) connect() error {
	return c.dialAll(func(i int) error {
		d := ws.Dialer{NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer(i).DialContext(ctx, network, addr)
		}}
		nc, early, _, err := d.Dial(context.Background(), c.job.URL)
		if err != nil {
			return err
		}
		if early != nil { // the server has nothing to say yet
			ws.PutReader(early)
		}
		c.joined(nc)
		go c.play(nc)
		return nil
	})
}

func (c *gobwasClient) play(nc net.Conn) {
	defer c.left()
	for {
		sent := time.Now()
		if c.job.Mode == modeClosed {
			if err := wsutil.WriteClientMessage(nc, ws.OpText, payload[:]); err != nil {
				return
			}
		}
		if _, _, err := wsutil.ReadServerData(nc); err != nil {
			return
		}
		c.took(sent)
	}
}
