package target

import (
	"errors"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// defaultEngine is what Listen uses here.
var defaultEngine makeEngine = newEpollEngine

// epollEngine runs the sessions on event loops. The first loop also accepts, and deals the sockets
// out in turn: SO_REUSEPORT would let the kernel pick the loop by a hash of the ports, which is uneven
// for as few loops as there are here.
type epollEngine struct {
	// Static after construction.
	loops []*loop
}

func newEpollEngine(ln net.Listener, o *Options, t *totals) (engine, error) {
	fd, err := takeListener(ln)
	if err != nil {
		return nil, err
	}
	e := &epollEngine{}
	for range o.Loops {
		l, err := newLoop(o, t)
		if err != nil {
			_ = unix.Close(fd)
			e.release()
			return nil, err
		}
		e.loops = append(e.loops, l)
	}
	if err := e.loops[0].listen(fd, e.loops); err != nil {
		e.release()
		return nil, err
	}
	return e, nil
}

// takeListener takes the socket out of package net: a descriptor that stayed with Go's own poller
// would wake it at each connection too.
func takeListener(ln net.Listener) (fd int, err error) {
	defer func() { err = errors.Join(err, ln.Close()) }()
	rc, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		return -1, err
	}
	ctlErr := rc.Control(func(old uintptr) {
		if fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return
		}
		// Accepted sockets inherit it, which saves a system call for each.
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			_ = unix.Close(fd)
		}
	})
	return fd, errors.Join(ctlErr, err)
}

func (e *epollEngine) serve() {
	var wg sync.WaitGroup
	for _, l := range e.loops {
		wg.Go(l.run)
	}
	wg.Wait()
}

func (e *epollEngine) goAway() {
	for _, l := range e.loops {
		l.order(func(in *inbox) { in.away = true })
		l.host.holder.rush()
	}
}

func (e *epollEngine) stop() {
	for _, l := range e.loops {
		l.order(func(in *inbox) { in.stop = true })
		l.host.holder.rush()
	}
}

func (e *epollEngine) release() {
	for _, l := range e.loops {
		l.release()
	}
}
