//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gobwas/ws"
)

// bareTLSClient is the reference over wss: crypto/tls as it is meant to be used, a goroutine for each
// connection that blocks in Read, and on it nothing that could be left out: no buffered reader, no checks
// beyond the frame header, one write and one read a message.
type bareTLSClient struct{ crew }

func newBareTLSClient(j job) (client, error) { return &bareTLSClient{crew{job: j}}, nil }

// trustAll is what all contestants have over wss: the server's certificate is its own word.
func trustAll() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func (c *bareTLSClient) connect() error {
	cfg := trustAll()
	return c.dialAll(func(i int) error {
		d := ws.Dialer{TLSConfig: cfg, ReadBufferSize: 512, NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
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

func (c *bareTLSClient) play(nc net.Conn) {
	defer c.left()
	b := make([]byte, 2+4+payloadSize)
	for {
		sent := time.Now()
		if isClosed(c.job.Mode) {
			b[0], b[1] = 0x81, 0x80|payloadSize
			binary.LittleEndian.PutUint32(b[2:], rand.Uint32())
			copy(b[6:], payload[:])
			ws.Cipher(b[6:], [4]byte(b[2:6]), 0)
			if _, err := nc.Write(b); err != nil {
				return
			}
		}
		for n := 0; n < 2+payloadSize; {
			m, err := nc.Read(b[n : 2+payloadSize])
			if err != nil {
				return
			}
			n += m
		}
		if b[0] != 0x81 || b[1] != payloadSize {
			panic(fmt.Sprintf("got a frame that starts with %x: %v", b[:2], io.ErrUnexpectedEOF))
		}
		c.took(sent)
	}
}
