//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
)

// bareClient is an event loop with nothing on it that a load generator could do without: no actors, no
// states, no timers, no checks but the length of the echo. It makes the same system calls as loadrig,
// takes two stamps a round trip and counts it in an array. It is the reference.
type bareClient struct {
	j     job
	poll  *epoll.Poll
	conns []bareConn // by descriptor
	rb    []byte
	wb    []byte
	base  time.Time
	hist  [64]uint64
	done  atomic.Uint64 // of trips, stored once a turn
	count uint64
}

type bareConn struct {
	sent time.Duration
	left int // of a frame that came in pieces
}

func newBare(j job) (client, error) {
	p, err := epoll.New(512)
	if err != nil {
		return nil, err
	}
	return &bareClient{j: j, poll: p, rb: make([]byte, 64<<10), base: time.Now()}, nil
}

func (c *bareClient) connect(n int) error {
	u, err := url.Parse(c.j.URL)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		return err
	}
	for i := range n {
		if err := c.dial(i, to); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	go c.loop()
	return nil
}

// dial connects and upgrades, blocking; then the socket goes to the loop.
func (c *bareClient) dial(i int, to netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	var from [4]byte
	copy(from[:], source(i).To4())
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from}); err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
		return err
	}
	request := "GET / HTTP/1.1\r\nHost: " + to.String() + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := unix.Write(fd, []byte(request)); err != nil {
		return err
	}
	if n, err := unix.Read(fd, c.rb); err != nil || n < 12 || string(c.rb[9:12]) != "101" {
		return fmt.Errorf("upgrade refused: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	for fd >= len(c.conns) {
		c.conns = append(c.conns, make([]bareConn, max(64, len(c.conns)))...)
	}
	if c.j.Mode == "closed" {
		c.send(fd)
	}
	return c.poll.Add(fd, 0, epoll.In)
}

func (c *bareClient) send(fd int) {
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], rand.Uint32())
	b := append(c.wb[:0], 0x81, 0x80|payloadSize)
	b = append(b, key[:]...)
	b = append(b, payload...)
	ws.Cipher(b[6:], key, 0)
	c.wb = b
	c.conns[fd].sent = time.Since(c.base)
	_, _ = epoll.Write(fd, b)
}

func (c *bareClient) loop() {
	for {
		n := c.poll.Ready()
		if n == 0 {
			n = c.poll.Wait(-1)
		}
		for i := range n {
			if ev, ok := c.poll.Event(i); ok {
				c.read(ev.FD)
			}
		}
		c.done.Store(c.count)
	}
}

// read takes whole echoes off a socket; they have a header of two bytes.
func (c *bareClient) read(fd int) {
	n, err := epoll.Read(fd, c.rb)
	if err != nil || n == 0 {
		return
	}
	now := time.Since(c.base)
	conn := &c.conns[fd]
	for conn.left += n; conn.left >= 2+payloadSize; conn.left -= 2 + payloadSize {
		d, bin := now-conn.sent, 0
		for ; d > 1; d >>= 1 {
			bin++
		}
		c.hist[bin]++
		c.count++
		c.send(fd)
	}
}

func (c *bareClient) trips() uint64 { return c.done.Load() }
func (c *bareClient) close()        {}
