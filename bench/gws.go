//go:build linux

package main

import (
	"net"
	"time"

	"github.com/lxzan/gws"
)

// gwsClient is lxzan/gws as its README has it: no compression, no parallel handling, and its ReadLoop in
// a goroutine of each connection.
type gwsClient struct{ crew }

func newGWSClient(j job) (client, error) { return &gwsClient{crew{job: j}}, nil }

func (c *gwsClient) connect() error {
	return c.dialAll(func(i int) error {
		s, _, err := gws.NewClient(&gwsPlayer{client: c}, &gws.ClientOption{
			Addr:      c.job.URL,
			NewDialer: func() (gws.Dialer, error) { return dialer(i), nil },
		})
		if err != nil {
			return err
		}
		c.joined(s.NetConn())
		go s.ReadLoop()
		return nil
	})
}

// gwsPlayer handles the events of one connection.
type gwsPlayer struct {
	gws.BuiltinEventHandler
	client *gwsClient
	sent   time.Time
}

func (p *gwsPlayer) send(s *gws.Conn) {
	p.sent = time.Now()
	_ = s.WriteMessage(gws.OpcodeText, payload[:]) // an error is told by OnClose too
}

// OnOpen implements gws.Event.
func (p *gwsPlayer) OnOpen(s *gws.Conn) {
	if p.client.job.Mode == modeClosed {
		p.send(s)
	}
}

// OnMessage implements gws.Event.
func (p *gwsPlayer) OnMessage(s *gws.Conn, m *gws.Message) {
	p.client.took(p.sent)
	_ = m.Close()
	p.send(s)
}

// OnClose implements gws.Event.
func (p *gwsPlayer) OnClose(*gws.Conn, error) { p.client.left() }

var _ gws.Dialer = (*net.Dialer)(nil)
