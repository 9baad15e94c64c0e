//go:build linux

package main

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// barePoll is epoll, level-triggered. It looks without telling Go's scheduler and waits with it told, as
// any loop in Go that is busy does best.
type barePoll struct {
	fd, bell int
	events   [512]unix.EpollEvent
}

func newBarePoll() (*barePoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	p := &barePoll{fd: fd, bell: bell}
	if err := p.add(bell, unix.EPOLLIN); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *barePoll) add(fd int, bits uint32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: bits, Fd: int32(fd)})
}

func (p *barePoll) modify(fd int, bits uint32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: bits, Fd: int32(fd)})
}

func (p *barePoll) remove(fd int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil)
}

// ready gives how many events there are now.
func (p *barePoll) ready() int {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// wait waits for events, for at most ns nanoseconds; below 0 for ever. It gives 0 too if interrupted.
func (p *barePoll) wait(ns int64) int {
	var timeout *unix.Timespec
	if ns >= 0 {
		ts := unix.NsecToTimespec(ns)
		timeout = &ts
	}
	n, _, e := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)), uintptr(unsafe.Pointer(timeout)), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// wake rings the bell, which ends a wait. Any goroutine may call it.
func (p *barePoll) wake() {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	_, _ = unix.Write(p.bell, b[:])
}

// mute stops the bell.
func (p *barePoll) mute() {
	var b [8]byte
	_, _ = unix.Read(p.bell, b[:])
}

func (p *barePoll) close() {
	_ = unix.Close(p.fd)
	_ = unix.Close(p.bell)
}

// rawRead reads from a non-blocking socket without telling Go's scheduler; the end of the stream is an
// error, as it is no plan here.
func rawRead(fd int, b []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	switch {
	case e == unix.EAGAIN || e == unix.EINTR:
		return 0, nil
	case e != 0:
		return 0, e
	case n == 0:
		return 0, unix.ECONNRESET
	}
	return int(n), nil
}

// rawWrite writes likewise.
func rawWrite(fd int, b []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// closeWithReset closes a socket so that it leaves no TIME_WAIT.
func closeWithReset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(fd)
}
