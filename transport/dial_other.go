//go:build !linux

package transport

import (
	"errors"
	"net/netip"
	"syscall"
)

func (c *Conn) adopt(d *dialed, from lease) error {
	c.st = newNetStream(c, d, from)
	return nil
}

func (c *Conn) dialFD(netip.AddrPort) error { return errors.ErrUnsupported }

func bindControl(string, string, syscall.RawConn) error { return nil }
