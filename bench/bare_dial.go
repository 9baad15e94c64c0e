//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"syscall"

	"golang.org/x/sys/unix"
)

// prepare makes ready what all handshakes have in common.
func (c *bareClient) prepare() error {
	u, err := url.Parse(c.job.URL)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		return err
	}
	c.to = unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
	c.request = fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", u.Host)
	return nil
}

// accepted answers the key in the request, which is the one in RFC 6455 §1.3.
var accepted = []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

// dialMore starts connections as long as the window has room.
func (c *bareClient) dialMore() {
	for c.dialing < window && c.dialed < c.job.Connections {
		c.dialed++
		c.dialing++
		if err := c.dial(c.dialed - 1); err != nil {
			select {
			case c.started <- err:
			default:
			}
		}
	}
}

// dial starts the i-th connection.
func (c *bareClient) dial(i int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.fds = append(c.fds, int32(fd))
	for fd >= len(c.conns) {
		c.conns = append(c.conns, make([]bareConn, max(64, len(c.conns)))...)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if ip, ok := source(i); ok {
		if err := leavePort(fd); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: ip}); err != nil {
			return err
		}
	}
	if err := unix.Connect(fd, &c.to); err != nil && err != unix.EINPROGRESS {
		return err
	}
	c.conns[fd].stage = bareConnecting
	return c.poll.add(fd, unix.EPOLLOUT)
}

// connected asks for the upgrade.
func (c *bareClient) connected(fd int, conn *bareConn) error {
	e, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if e != 0 {
		return syscall.Errno(e)
	}
	if err := c.poll.modify(fd, unix.EPOLLIN); err != nil {
		return err
	}
	conn.stage = bareUpgrading
	n, err := rawWrite(fd, c.request)
	if err == nil && n < len(c.request) {
		err = errBareShort
	}
	return err
}

// upgraded takes the answer, which the embedded server sends in one piece.
func (c *bareClient) upgraded(fd int, conn *bareConn) error {
	n, err := rawRead(fd, c.in)
	if err != nil || n == 0 {
		return err
	}
	head := c.in[:n]
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) || !bytes.HasSuffix(head, []byte("\r\n\r\n")) || !bytes.Contains(head, accepted) {
		return fmt.Errorf("upgrade: got %q, want status 101 and %s", head[:min(n, 64)], accepted)
	}
	conn.stage = bareOpen
	c.dialing--
	if c.opened.Add(1) == int64(c.job.Connections) {
		c.started <- nil
	}
	if c.job.Mode == modeClosed {
		return c.send(fd, conn)
	}
	return nil
}
