package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// stuckConnect gives a port whose queue of connections is full, so that the kernel drops further ones' SYN.
func stuckConnect(t *testing.T) (stuckDial, bool) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, sockaddr(netip.MustParseAddrPort("127.0.0.1:0"))), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	c, err := net.Dial("tcp", to.String()) // a queue of 0 holds one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return stuckDial{phase: messages.PhaseConnect, name: "connect", connect: &messages.Connect{URL: "ws://" + to.String() + "/"}}, true
}

// Where the process has no descriptor left, the rig is to blame and says so. It runs in a process of its
// own, as it lowers the limit.
func TestNoDescriptorLeft(t *testing.T) {
	const mark = "LOADRIG_TEST_NO_DESCRIPTOR"
	if os.Getenv(mark) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoDescriptorLeft$", "-test.v")
		cmd.Env = append(os.Environ(), mark+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	eachEngine(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, wstest.Echo)
		b := newLab(t, Options{Engine: e})
		b.open(srv.URL()) // what is opened once and kept is open now
		var was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Dup(0) // the lowest number that is free
		if err != nil {
			t.Fatal(err)
		}
		_ = unix.Close(next)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		m := b.connect(srv.URL()).awaitClosed()
		_, pollErr := NewLoop(b.net)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		checkOutcome(t, m, outcome{Cause: messages.CauseLocalResource, Code: messages.CloseAbnormal})
		if !errors.Is(m.Err, syscall.EMFILE) || m.Phase != messages.PhaseConnect {
			t.Errorf("got %s: %v, want %v", m.Phase, m.Err, syscall.EMFILE)
		}
		if (pollErr != nil) != (e == EngineEpoll) {
			t.Errorf("a new loop: got %v", pollErr)
		}
		b.open(srv.URL()) // it goes on
	})
}

// The kernel joins a socket to itself if it picks the very port that nobody listens on.
func TestSelfConnect(t *testing.T) {
	wstest.NoLeaks(t)
	for _, self := range []bool{true, false} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		to := ln.Addr().(*net.TCPAddr).AddrPort()
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if self {
			_ = ln.Close()
			err = unix.Bind(fd, sockaddr(to))
		}
		if err := errors.Join(err, unix.Connect(fd, sockaddr(to))); err != nil {
			t.Fatal(err)
		}
		if got := selfConnected(fd); got != self {
			t.Errorf("got %v, want %v", got, self)
		}
		closeFD(fd, true)
		_ = ln.Close()
	}
	if selfConnected(-1) {
		t.Error("no socket is joined to itself")
	}
}

// An event of a descriptor that was closed earlier in the turn, whose number has a new owner, is not the
// new owner's.
func TestStaleEvent(t *testing.T) {
	wstest.NoLeaks(t)
	srv, _ := serve(t, func(p *wstest.Peer) error {
		if _, err := p.Write(wstest.Text("x")); err != nil {
			return err
		}
		return p.AwaitEnd()
	})
	b := newLab(t, Options{Engine: EngineEpoll})
	// Both become readable while the loop is here; the first to be told ends the other and dials anew, so
	// that the other's event of the same wait is stale.
	var ps [2]*player
	var third *player
	for i := range ps {
		ps[i] = b.player()
		ps[i].onMessage = func(*Conn, *messages.Message) {
			if third == nil {
				third = b.player()
				ps[1-i].conn.Abort(messages.CauseLocal, nil)
				third.conn = b.loop.Dial(&messages.Connect{URL: srv.URL()}, nil, third)
			}
		}
	}
	b.do(func() {
		for _, p := range ps {
			p.conn = b.loop.Dial(&messages.Connect{URL: srv.URL()}, nil, p)
		}
	})
	for {
		var d *player
		b.do(func() { d = third })
		if d != nil {
			d.awaitOpened()
			d.awaitGot(got{messages.OpText, "x"})
			return
		}
	}
}

// The zone of a link-local address gets to the kernel, by its number.
func TestZone(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	s := newSources([]netip.Addr{netip.MustParseAddr("fe80::1%lo"), netip.MustParseAddr("fe80::1%no-such-interface")})
	to := netip.MustParseAddrPort("[fe80::2%lo]:80")
	for _, want := range []int{lo.Index, 0} {
		l := s.take(to, new(tried))
		got, ok := sockaddr(netip.AddrPortFrom(l.addr(), 7)).(*unix.SockaddrInet6)
		if !ok || got.ZoneId != uint32(want) || got.Port != 7 || got.Addr != netip.MustParseAddr("fe80::1").As16() {
			t.Errorf("got %+v, want fe80::1 of the interface %d", got, want)
		}
	}
}
