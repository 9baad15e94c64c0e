package epoll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// StampArrivals has the kernel stamp what the socket receives from now on, for a Receiver to tell.
func StampArrivals(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

// Receiver reads from sockets and tells when the kernel had what it read. The zero value is ready; it must not
// be copied once used. It is for one goroutine.
type Receiver struct {
	head unix.Msghdr
	part unix.Iovec
	// note is where the kernel writes the stamp. It asks for no more room than these two have together, and
	// both are laid out as it has them, on 32-bit systems too.
	note struct {
		head unix.Cmsghdr
		at   unix.Timespec
	}
}

// Read is as the function Read. arrived is when the last segment of what was read reached this machine, by
// the wall clock in nanoseconds since 1970; 0 where the kernel does not say.
func (r *Receiver) Read(fd int, b []byte) (n int, arrived int64, err error) {
	if len(b) == 0 {
		return 0, 0, nil
	}
	r.part.Base = &b[0]
	r.part.SetLen(len(b))
	r.head.Iov = &r.part
	r.head.SetIovlen(1)
	r.head.Control = (*byte)(unsafe.Pointer(&r.note))
	for {
		r.head.SetControllen(int(unsafe.Sizeof(r.note)))
		got, _, e := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.head)), 0)
		switch e {
		case 0:
			return int(got), r.stamp(), nil
		case unix.EINTR:
		default:
			return 0, 0, e
		}
	}
}

// stamp gives what the kernel wrote down, if it is a stamp.
func (r *Receiver) stamp() int64 {
	if uintptr(r.head.Controllen) < unsafe.Sizeof(r.note) ||
		r.note.head.Level != unix.SOL_SOCKET || r.note.head.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	return r.note.at.Nano()
}
