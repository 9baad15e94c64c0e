package epoll

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Interest and readiness bits.
const (
	In    = unix.EPOLLIN
	Out   = unix.EPOLLOUT
	RDHup = unix.EPOLLRDHUP
	Err   = unix.EPOLLERR
	Hup   = unix.EPOLLHUP
)

// Event is the readiness of one descriptor. Gen is the generation the descriptor was added with: the
// kernel gives a closed descriptor's number to the next socket, so an event may be older than the
// number's present owner.
type Event struct {
	FD   int
	Gen  int32
	Bits uint32
}

// Poll is an epoll instance with an eventfd. Only Wake may be called from other goroutines than the
// one that waits.
type Poll struct {
	fd     int
	wake   int
	buf    []unix.EpollEvent
	coarse bool // the kernel has no epoll_pwait2
}

// New makes a Poll that reports at most events descriptors a wait.
func New(events int) (*Poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	p := &Poll{fd: fd, wake: wake, buf: make([]unix.EpollEvent, events)}
	if err := p.Add(wake, 0, In); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// Add watches fd, level-triggered.
func (p *Poll) Add(fd int, gen int32, bits uint32) error {
	return p.ctl(unix.EPOLL_CTL_ADD, fd, gen, bits)
}

// Modify changes what is watched of fd.
func (p *Poll) Modify(fd int, gen int32, bits uint32) error {
	return p.ctl(unix.EPOLL_CTL_MOD, fd, gen, bits)
}

// Remove ends the watch of fd. Closing the last descriptor of a socket does the same.
func (p *Poll) Remove(fd int) error { return p.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0) }

func (p *Poll) ctl(op, fd int, gen int32, bits uint32) error {
	ev := unix.EpollEvent{Events: bits, Fd: int32(fd), Pad: gen}
	if err := unix.EpollCtl(p.fd, op, fd, &ev); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// Ready asks for readiness without waiting. It does not tell Go's scheduler of the call, which costs
// as much as the call itself; that is right only because it returns at once. It gives the number of
// events for Event; 0 also when interrupted.
func (p *Poll) Ready() int {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.buf[0])), uintptr(len(p.buf)), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// Wait waits for readiness, for at most timeout; a negative timeout waits until there is some. It gives
// the number of events for Event; 0 also when interrupted. The timeout is kept to some 50 µs; on kernels
// before 5.11, which lack epoll_pwait2, it is rounded up to the millisecond.
func (p *Poll) Wait(timeout time.Duration) int {
	if timeout > 0 && !p.coarse {
		ts := unix.NsecToTimespec(int64(timeout))
		n, _, e := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.buf[0])), uintptr(len(p.buf)), uintptr(unsafe.Pointer(&ts)), 0, 0)
		switch e {
		case 0:
			return int(n)
		case unix.ENOSYS:
			p.coarse = true
		default:
			return 0
		}
	}
	ms := -1
	if timeout >= 0 {
		ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(p.fd, p.buf, ms)
	if err != nil {
		return 0
	}
	return n
}

// Event gives the i-th event of the last Ready or Wait; ok is false where it was only a Wake, which it
// takes.
func (p *Poll) Event(i int) (ev Event, ok bool) {
	e := &p.buf[i]
	if int(e.Fd) == p.wake {
		var b [8]byte
		_, _ = Read(p.wake, b[:])
		return Event{}, false
	}
	return Event{FD: int(e.Fd), Gen: e.Pad, Bits: e.Events}, true
}

// Wake ends a Wait under way, or the next one. Any goroutine may call it.
func (p *Poll) Wake() {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	_, _ = Write(p.wake, b[:])
}

// Close releases both descriptors.
func (p *Poll) Close() error {
	return errors.Join(unix.Close(p.fd), unix.Close(p.wake))
}

// Read reads from a non-blocking descriptor. Like Ready it bypasses Go's scheduler.
func Read(fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch e {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, e
		}
	}
}

// Write writes to a non-blocking descriptor. Like Ready it bypasses Go's scheduler. The descriptor
// must not raise SIGPIPE: Go ignores it for all but standard output and error.
func Write(fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch e {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, e
		}
	}
}
