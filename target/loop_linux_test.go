package target

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
	"github.com/loadrig/loadrig/messages"
)

// pair gives a loop that the test turns by hand, a peer of it that is past its opening handshake, and
// the other end of its socket, non-blocking too.
func pair(t testing.TB, o Options) (*loop, *peer, int) {
	t.Helper()
	o, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	all := newTotals()
	if all.shared, err = newShared(&o); err != nil {
		t.Fatal(err)
	}
	l, err := newLoop(&o, all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.release)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fds[1]) })
	l.adopt(fds[0])
	p := l.peers[fds[0]]
	p.session.phase = open
	l.deadline(p, 0)
	return l, p, fds[1]
}

func TestLoopAllocs(t *testing.T) {
	l, p, fd := pair(t, Options{})
	frame := cf(ws.OpText, true, big(64))
	answer := make([]byte, 1000)
	echo := func() {
		if n, err := epoll.Write(fd, frame); n != len(frame) {
			t.Fatal(n, err)
		}
		l.turn(time.Second)
		if n, err := epoll.Read(fd, answer); n != len(frame)-4 {
			t.Fatal(n, err)
		}
	}
	if n := testing.AllocsPerRun(1000, echo); n != 0 {
		t.Errorf("got %v allocations an echo, want 0", n)
	}
	if p.backlog != nil || p.session.part != nil {
		t.Error("an idle peer holds a buffer")
	}
}

// Holding an answer back and logging it takes no allocation either, once there are buffers for as many as are held.
func TestHeldAllocs(t *testing.T) {
	l, _, fd := pair(t, Options{Delay: law(t, "1us"), DelayLog: io.Discard})
	frame := cf(ws.OpText, true, big(64))
	answer := make([]byte, 1000)
	echo := func() {
		if n, err := epoll.Write(fd, frame); n != len(frame) {
			t.Fatal(n, err)
		}
		for l.host.tally.received.Load() == 0 || len(l.host.holder.queue) > 0 {
			l.turn(l.timeout())
		}
		if n, err := epoll.Read(fd, answer); n != len(frame)-4 {
			t.Fatal(n, err)
		}
		l.host.tally.received.Store(0)
	}
	if n := testing.AllocsPerRun(1000, echo); n != 0 {
		t.Errorf("got %v allocations an echo, want 0", n)
	}
	if got := l.host.holder.bytes; got != 0 {
		t.Errorf("got %d bytes held back with no answer held, want 0", got)
	}
}

// A peer that does not read is not read either once its backlog is full, and is again when there is
// room. The backlog overshoots by what one read completes at most.
func TestLoopBackPressure(t *testing.T) {
	const bound, size = 100_000, 10_000
	l, p, fd := pair(t, Options{MaxBacklog: bound})
	frame, sent := cf(ws.OpBinary, true, big(size)), 0
	for part := []byte(nil); ; {
		if len(part) == 0 {
			part = frame
		}
		n, err := epoll.Write(fd, part)
		if err == unix.EAGAIN && p.bits == epoll.Out {
			break
		}
		if sent += n; sent > 1<<30 {
			t.Fatal("the server never stopped reading")
		}
		part = part[n:]
		l.turn(0)
	}
	if w := p.waiting(); w < bound || w > bound+readSize+size {
		t.Errorf("%d bytes wait, want %d and at most %d more", w, bound, readSize+size)
	}
	before := l.host.tally.received.Load()
	l.turn(0)
	if got := l.host.tally.received.Load(); got != before {
		t.Errorf("it read %d messages more", got-before)
	}
	// Each whole frame of len(frame) bytes comes back 4 shorter.
	want, got, b := sent/len(frame)*(len(frame)-4), 0, make([]byte, readSize)
	for got < want {
		if n, err := epoll.Read(fd, b); err == nil {
			got += n
		} else if err != unix.EAGAIN {
			t.Fatal(err)
		}
		l.turn(0)
	}
	if p.backlog != nil || p.bits != epoll.In {
		t.Errorf("drained: %d bytes held, epoll bits %x; want none, %x", cap(p.backlog), p.bits, epoll.In)
	}
}

// A reset ends also a peer that is not read because of its backlog.
func TestLoopResetUnderBackPressure(t *testing.T) {
	l, p, fd := pair(t, Options{MaxBacklog: 1})
	for p.bits&epoll.In != 0 {
		_, _ = epoll.Write(fd, cf(ws.OpBinary, true, big(10_000)))
		l.turn(0)
	}
	_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	for i := 0; l.count > 0; i++ {
		if i > 10 {
			t.Fatal("still there")
		}
		l.turn(time.Second)
	}
	if l.timed != 0 {
		t.Errorf("%d deadlines left", l.timed)
	}
}

// Accepted sockets inherit TCP_NODELAY from the listener.
func TestNoDelay(t *testing.T) {
	s, err := Listen(Options{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dialRaw(t, s)
	l := s.engine.(*epollEngine).loops[0]
	l.turn(time.Second)
	for _, p := range l.peers {
		if p == nil {
			continue
		}
		if v, err := unix.GetsockoptInt(p.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); v == 0 || err != nil {
			t.Errorf("got %d, %v; want 1", v, err)
		}
		return
	}
	t.Error("nothing accepted")
}

// dialPlain opens a connection that costs this process a descriptor and no Go memory.
func dialPlain(t testing.TB, s *Server) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	connectPlain(t, s, fd)
	return fd
}

func connectPlain(t testing.TB, s *Server, fd int) {
	t.Helper()
	to := &unix.SockaddrInet4{Port: s.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Connect(fd, to); err != nil {
		t.Fatal(err)
	}
}

func TestIdleMemory(t *testing.T) {
	const conns = 2000
	s := start(t, defaultEngine, Options{Loops: 1})
	request, answer := goodHead(""), make([]byte, 1000)
	open := func(n int) {
		for range n {
			fd := dialPlain(t, s)
			_, _ = unix.Write(fd, request)
			if n, err := unix.Read(fd, answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 101 ")) {
				t.Fatalf("got %q, %v", answer[:max(n, 0)], err)
			}
		}
	}
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	open(10)
	goroutines, before := runtime.NumGoroutine(), used()
	open(conns)
	each := (int64(used()) - int64(before)) / conns
	t.Logf("%d bytes a connection, of which t.Cleanup is a part", each)
	if each > 1024 {
		t.Errorf("got %d bytes an idle connection, want 1024 at most", each)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 2 {
		t.Errorf("%d goroutines more for %d connections", n, conns)
	}
}

// Out of descriptors, the server waits without spinning, and goes on when there are some.
func TestOutOfDescriptors(t *testing.T) {
	// The sweep that tries again is every 50 ms.
	s := start(t, defaultEngine, Options{Loops: 1, CloseTimeout: 50 * time.Millisecond})
	echo(t, dial(t, s), "before")
	var fds []int
	for range 5 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	// New descriptors get the lowest free number, so the limit must be the lowest free one.
	free, err := unix.FcntlInt(uintptr(fds[0]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(free)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(free), Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	begin := messages.Now()
	for _, fd := range fds {
		connectPlain(t, s, fd)
	}
	eventually(t, "accepting paused twice", func() bool { return s.Stats().AcceptPauses >= 2 })
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are accepted", func() bool { return s.Stats().Accepted == 6 })
	took := messages.Now().Sub(begin)
	if n := s.Stats().AcceptPauses; n > 2+uint64(took/(50*time.Millisecond)) {
		t.Errorf("%d pauses in %v: it spins", n, took)
	}
	answer := make([]byte, 12)
	for _, fd := range fds {
		_, _ = unix.Write(fd, goodHead(""))
		if _, err := unix.Read(fd, answer); err != nil || string(answer) != "HTTP/1.1 101" {
			t.Errorf("got %q, %v", answer, err)
		}
	}
}

// An idle server sleeps: no deadline, no turn.
func TestIdleSleeps(t *testing.T) {
	l, _, _ := pair(t, Options{})
	if d := l.timeout(); d >= 0 {
		t.Errorf("got %v, want for ever", d)
	}
}
