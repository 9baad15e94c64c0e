package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
)

// dialFD starts a non-blocking TCP connect in the loop's epoll set.
func (c *Conn) dialFD(to netip.AddrPort) error {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	s := &fdStream{conn: c, fd: fd, lease: c.loop.net.sources.take(to, &c.hs.sources)}
	fail := func(call string, err error) error {
		closeFD(fd, false)
		s.lease.release()
		return fmt.Errorf("%s: %w", call, err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return fail("setsockopt", err)
	}
	if c.loop.net.opts.KernelTimestamps {
		if err := epoll.StampArrivals(fd); err != nil {
			return fail("setsockopt SO_TIMESTAMPNS", err)
		}
	}
	if from := s.lease.addr(); from.IsValid() {
		if err := bindSource(fd, from); err != nil {
			return fail("bind "+from.String(), err)
		}
	}
	err = unix.Connect(fd, sockaddr(to))
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fail("connect", err)
	}
	if err2 := c.loop.poller.(*epoller).add(s, epoll.Out); err2 != nil {
		return fail("epoll", err2)
	}
	c.st = s
	return nil
}

// adopt makes a stream of what was dialed off the loop. In epoll, the socket leaves Go's own poller: what
// stays registered there costs a wake-up for each packet.
func (c *Conn) adopt(d *dialed, from lease) error {
	l := c.loop
	if l.net.opts.Engine != EngineEpoll || d.over != nil { // TLS to a proxy is more than a socket
		c.st = newNetStream(c, d, from)
		return nil
	}
	fd, err := takeFD(d.wire.Conn)
	if err != nil {
		return err
	}
	if l.net.opts.KernelTimestamps && l.net.opts.UnixSocket == "" { // those the kernel does not stamp
		if err := epoll.StampArrivals(fd); err != nil {
			closeFD(fd, false)
			return fmt.Errorf("setsockopt SO_TIMESTAMPNS: %w", err)
		}
	}
	s := &fdStream{conn: c, fd: fd, lease: from}
	if err := l.poller.(*epoller).add(s, epoll.In); err != nil {
		closeFD(fd, false)
		return fmt.Errorf("epoll: %w", err)
	}
	d.wire.harvest(&l.traffic)
	if d.tls != nil {
		s.tls = &tlsLayer{tc: d.tls, s: s}
		d.wire.Conn = s.tls
	}
	c.st = s
	return nil
}

// takeFD gives a descriptor of its own for the socket of nc, and closes nc.
func takeFD(nc net.Conn) (fd int, err error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("%T is no socket", nc)
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := rc.Control(func(old uintptr) {
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); e != nil {
		return 0, e
	}
	if err != nil {
		return 0, fmt.Errorf("dup: %w", err)
	}
	_ = nc.Close()
	return fd, nil
}

// connectDone takes the outcome of the connect that dialFD started.
func (c *Conn) connectDone(s *fdStream) {
	e, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && e != 0 {
		err = syscall.Errno(e)
	}
	if err == nil && selfConnected(s.fd) {
		err = unix.ECONNREFUSED
	}
	if err != nil {
		c.connectFailed(err)
		return
	}
	c.leave()
	s.poller().watch(s, epoll.In)
	c.begin()
}

// selfConnected tells whether the kernel has joined the socket to itself, as it does when it happens to
// pick the destination's own port, on which nobody listens, for the source (RFC 9293 §3.5, simultaneous
// open). It would keep the server from coming back to that port.
func selfConnected(fd int) bool {
	local, err1 := unix.Getsockname(fd)
	peer, err2 := unix.Getpeername(fd)
	if err1 != nil || err2 != nil {
		return false
	}
	switch l := local.(type) {
	case *unix.SockaddrInet4:
		p, ok := peer.(*unix.SockaddrInet4)
		return ok && l.Port == p.Port && l.Addr == p.Addr
	case *unix.SockaddrInet6:
		p, ok := peer.(*unix.SockaddrInet6)
		return ok && l.Port == p.Port && l.Addr == p.Addr
	}
	return false
}

// bindSource binds to an address and leaves the port to connect, so that only the (source, destination)
// pair must be unique.
func bindSource(fd int, from netip.Addr) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0)))
}

// sockaddr makes the kernel's form of a. A zone must be a number.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	zone, _ := strconv.ParseUint(a.Addr().Zone(), 10, 32)
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: uint32(zone)}
}

func closeFD(fd int, reset bool) {
	if reset {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	_ = unix.Close(fd)
}

func wouldBlock(err error) bool { return err == unix.EAGAIN }

// bindControl sets up a socket of net.Dialer that is bound to a source address.
func bindControl(_, _ string, rc syscall.RawConn) error {
	var err error
	if e := rc.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}); e != nil {
		return e
	}
	return err
}
