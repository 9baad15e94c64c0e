package wstest

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// KernelStamps has the kernel stamp what arrives, until the test ends. It begins a moment after the first socket of
// the machine asks for it, so what asks for it only then finds some messages without a stamp.
func KernelStamps(t testing.TB) {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	if err := raw.Control(func(fd uintptr) {
		refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil || refused != nil {
		t.Fatal(err, refused)
	}
	control, b := make([]byte, 128), make([]byte, 1)
	for end := time.Now().Add(10 * time.Second); ; {
		if _, err := c.WriteTo(b, c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if _, n, _, _, err := c.ReadMsgUDP(b, control); err != nil {
			t.Fatal(err)
		} else if n > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the kernel does not begin to stamp")
		}
	}
}
