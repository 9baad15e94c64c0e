package target

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/epoll"
)

// BenchmarkEcho measures the whole server, one loop in a process of its own, driven by the cheapest
// client there can be: one epoll loop that writes one ready-made frame and looks only at lengths. An
// operation is a round trip. server-us/op is the CPU time of the server's process, user and system;
// its inverse is what one core can echo, whatever the client's share of the machine was.
// server-B/conn is what its resident memory grew by per connection while they were opened, garbage of
// their handshakes included.
//
//	go test -run '^$' -bench Echo -benchtime 2s ./target
func BenchmarkEcho(b *testing.B) {
	for _, c := range []struct{ conns, flight, size int }{
		{1, 1, 64}, {1000, 64, 64}, {1000, 64, 1 << 10}, {5000, 5000, 64}, {19_000, 64, 64},
	} {
		b.Run(fmt.Sprintf("conns=%d/flight=%d/size=%d", c.conns, c.flight, c.size), func(b *testing.B) {
			child := startChild(b)
			empty := child.resident(b)
			d := newDriver(b, child.addr, c.conns, c.size)
			d.roundTrips(b, c.flight, c.flight)
			grown := child.resident(b) - empty
			before := child.cpu(b)
			b.ResetTimer()
			d.roundTrips(b, b.N, c.flight)
			b.StopTimer()
			used := child.cpu(b) - before
			b.ReportMetric(float64(used.Microseconds())/float64(b.N), "server-us/op")
			if c.conns > 1 {
				b.ReportMetric(float64(grown)/float64(c.conns), "server-B/conn")
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "echoes/s")
		})
	}
}

// child is this test binary as a server; see serveChild.
type child struct {
	pid  int
	addr string
}

func startChild(b *testing.B) child { return startChildOf(b, Echo) }

func startChildOf(b *testing.B, k Kind) child {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+string(k))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("server: %v", err)
		}
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return child{cmd.Process.Pid, strings.TrimSpace(addr)}
}

// cpu gives the user and system time of the process, in the kernel's ticks of 10 ms (proc(5)).
func (c child) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatalf("stat: %q", stat)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// resident gives the resident memory of the process in bytes.
func (c child) resident(b *testing.B) int {
	b.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.pid))
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// driver is the client.
type driver struct {
	poll  *epoll.Poll
	fds   []int
	frame []byte
	in    []byte
	left  []int // by descriptor: bytes of the echo still to come
}

func newDriver(b *testing.B, addr string, conns, size int) *driver {
	b.Helper()
	p, err := epoll.New(256)
	if err != nil {
		b.Fatal(err)
	}
	d := &driver{poll: p, frame: cf(ws.OpBinary, true, big(size)), in: make([]byte, 64<<10)}
	b.Cleanup(func() {
		for _, fd := range d.fds {
			_ = unix.Close(fd)
		}
		_ = p.Close()
	})
	_, port, _ := strings.Cut(addr, ":")
	to := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	to.Port, _ = strconv.Atoi(port)
	for i := range conns {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		d.fds = append(d.fds, fd)
		// Ports run out, and connect slows down before that, past 14,000 to one pair of addresses;
		// a reset at the end leaves no TIME_WAIT to the next run.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + i/8000)}}); err != nil {
			b.Fatal(err)
		}
		if err := unix.Connect(fd, to); err != nil {
			b.Fatal(err)
		}
		_, _ = unix.Write(fd, goodHead(""))
		if n, err := unix.Read(fd, d.in); err != nil || !strings.HasPrefix(string(d.in[:n]), "HTTP/1.1 101 ") {
			b.Fatalf("got %q, %v", d.in[:max(n, 0)], err)
		}
		_ = unix.SetNonblock(fd, true)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if err := p.Add(fd, 0, epoll.In); err != nil {
			b.Fatal(err)
		}
	}
	d.left = make([]int, d.fds[len(d.fds)-1]+1)
	return d
}

// roundTrips does n of them, flight at a time, on connections in turn.
func (d *driver) roundTrips(b *testing.B, n, flight int) {
	b.Helper()
	next, sent, got := 0, 0, 0
	send := func() {
		fd := d.fds[next%len(d.fds)]
		next, sent = next+1, sent+1
		d.left[fd] += len(d.frame) - 4
		if _, err := epoll.Write(fd, d.frame); err != nil {
			b.Fatal(err)
		}
	}
	for sent < min(n, flight) {
		send()
	}
	for got < n {
		k := d.poll.Ready()
		if k == 0 {
			k = d.poll.Wait(patience)
		}
		for i := range k {
			ev, _ := d.poll.Event(i)
			m, err := epoll.Read(ev.FD, d.in)
			if err != nil || m == 0 {
				b.Fatalf("read: %d, %v", m, err)
			}
			before := d.left[ev.FD]
			d.left[ev.FD] -= m
			// More than one echo may be on its way where connections are few.
			size := len(d.frame) - 4
			for range (before+size-1)/size - (d.left[ev.FD]+size-1)/size {
				got++
				if sent < n {
					send()
				}
			}
		}
	}
}
