//go:build linux

package main

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// perSource is how many connections come from one address: the kernel finds ports quickly while at most
// half of its range, some 14,100 by default, is taken (DESIGN §8).
const perSource = 10000

// source gives the source address of the i-th connection of the clients that dial themselves; ok is
// false where the kernel chooses, as it does for the first ones.
func source(i int) (ip [4]byte, ok bool) {
	return [4]byte{127, 0, 0, byte(1 + i/perSource)}, i >= perSource
}

// dialer makes the dialer of the i-th connection of a client with goroutines. It sends no keep-alives,
// as no contestant does.
func dialer(i int) *net.Dialer {
	d := &net.Dialer{KeepAlive: -1, Timeout: 30 * time.Second}
	if ip, ok := source(i); ok {
		d.LocalAddr = &net.TCPAddr{IP: net.IP(ip[:])}
		d.Control = func(_, _ string, rc syscall.RawConn) (err error) {
			if e := rc.Control(func(fd uintptr) { err = leavePort(int(fd)) }); e != nil {
				return e
			}
			return err
		}
	}
	return d
}

// leavePort has bind take an address only and connect the port, so that just the pair must be unique.
func leavePort(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}
