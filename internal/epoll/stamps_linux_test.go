package epoll

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair gives two ends of a TCP connection, the second as a non-blocking descriptor.
func pair(t *testing.T) (net.Conn, int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	f, err := far.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return near, fd
}

func await(t *testing.T, fd int) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Fatalf("poll: got %d, %v", n, err)
		}
		return
	}
}

// TestReceiver: the stamp is of when the bytes came, and only where the socket asks for it.
func TestReceiver(t *testing.T) {
	var r Receiver
	b := make([]byte, 100)
	for _, ask := range []bool{false, true, false} { // again without: no stamp of the read before
		near, fd := pair(t)
		if n, at, err := r.Read(fd, b); n != 0 || at != 0 || err != unix.EAGAIN {
			t.Fatalf("nothing there: got %d, %d, %v, want EAGAIN", n, at, err)
		}
		if ask {
			if err := StampArrivals(fd); err != nil {
				t.Fatal(err)
			}
		}
		for tries := 0; ; tries++ { // the kernel begins to stamp a moment after the first asks for it
			before := time.Now().UnixNano()
			if _, err := near.Write([]byte("some bytes")); err != nil {
				t.Fatal(err)
			}
			await(t, fd)
			after := time.Now().UnixNano()
			n, at, err := r.Read(fd, b)
			if err != nil || string(b[:n]) != "some bytes" {
				t.Fatalf("got %q, %v", b[:n], err)
			}
			if !ask && at != 0 {
				t.Errorf("got a stamp that was not asked for")
			}
			if at != 0 && (at < before || at > after) {
				t.Errorf("got a stamp %v after the write began, want 0 to %v", time.Duration(at-before), time.Duration(after-before))
			}
			if !ask || at != 0 {
				break
			}
			if tries > 1000 {
				t.Fatal("the kernel does not stamp")
			}
		}
		_ = near.Close()
		await(t, fd)
		if n, at, err := r.Read(fd, b); n != 0 || at != 0 || err != nil {
			t.Errorf("at the end: got %d, %d, %v, want zeros", n, at, err)
		}
		if n, at, err := r.Read(fd, nil); n != 0 || at != 0 || err != nil {
			t.Errorf("into nothing: got %d, %d, %v, want zeros", n, at, err)
		}
	}
	if _, _, err := r.Read(-1, b); err != unix.EBADF {
		t.Errorf("got %v, want EBADF", err)
	}
}
