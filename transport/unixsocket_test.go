//go:build unix

package transport

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestUnixSocket: by path and, on Linux, by an abstract name, with and without TLS; the URL gives the rest.
func TestUnixSocket(t *testing.T) {
	_, pool := wstest.Certificate()
	paths := []string{filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		paths = append(paths, "@loadrig-test-"+filepath.Base(t.TempDir())+time.Now().Format(".150405.000000000"))
	}
	eachEngine(t, func(t *testing.T, e Engine) {
		for _, path := range paths {
			for _, secure := range []bool{false, true} {
				hosts := make(chan string, 1)
				ln, err := net.Listen("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				url := "ws://localhost:7/path"
				if secure {
					cert, _ := wstest.Certificate()
					ln, url = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}}), "wss://localhost:7/path"
				}
				srv := wstest.ServeOn(t, ln, func(c net.Conn) {
					if r, err := wstest.Accept(c); err == nil {
						hosts <- r.Host + r.URL.Path
						_ = wstest.EchoFrames(c)
					}
				})
				b := newLab(t, Options{Engine: e, UnixSocket: path, TLS: &tls.Config{RootCAs: pool}})
				p := b.player().dial(&messages.Connect{URL: url})
				o := p.awaitOpened()
				if o.Handshake.Phases[messages.PhaseConnect] <= 0 || o.Handshake.Phases[messages.PhaseResolve] != 0 {
					t.Errorf("got the phases %v, want connect and no resolve", o.Handshake.Phases)
				}
				if got, want := isNetStream(p), e == EngineGoroutine; got != want {
					t.Errorf("has goroutines: %v, want %v", got, want)
				}
				roundTrip(t, p)
				if got := await(t, hosts, "the server"); got != "localhost:7/path" {
					t.Errorf("the server saw %s, want localhost:7/path", got)
				}
				b.stop()
				srv.Kill()
			}
		}
	})
}

// TestUnixSocketFails: nobody there, in each way, is a refusal.
func TestUnixSocketFails(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	ln, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = ln.Close()
	eachEngine(t, func(t *testing.T, e Engine) {
		for _, path := range []string{filepath.Join(dir, "absent"), stale} {
			b := newLab(t, Options{Engine: e, UnixSocket: path})
			m := b.connect("ws://localhost/").awaitClosed()
			checkOutcome(t, m, outcome{Cause: messages.CauseRefused, Code: messages.CloseAbnormal})
			if m.Phase != messages.PhaseConnect || m.Err == nil || !strings.Contains(m.Err.Error(), path) {
				t.Errorf("got %s: %v, want connect, and the path named", m.Phase, m.Err)
			}
			b.stop()
		}
	})
}

// fullUnix listens at path with a queue that the first connection fills.
func fullUnix(t *testing.T, path string) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	return fd
}

// TestUnixSocketQueue: where the server's queue is full, connections wait for it as in TCP, and the dial timeout
// holds.
func TestUnixSocketQueue(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: how full a queue gets is Linux's")
	}
	eachEngine(t, func(t *testing.T, e Engine) {
		path := filepath.Join(t.TempDir(), "s")
		fd := fullUnix(t, path)
		f := os.NewFile(uintptr(fd), path)
		defer f.Close()
		first, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		if _, err := net.Dial("unix", path); err == nil {
			t.Fatal("the queue holds more than one")
		}

		late := newLab(t, Options{Engine: e, UnixSocket: path, DialTimeout: 30 * time.Millisecond})
		m := late.connect("ws://localhost/").awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseConnectTimeout, Code: messages.CloseAbnormal})
		if m.Phase != messages.PhaseConnect {
			t.Errorf("got %s, want connect", m.Phase)
		}
		late.stop()

		// One is turned away before the server begins to take connections, and the others may be.
		attempts, reached := make(chan bool), make(chan error, 1)
		go func() {
			d := net.Dialer{Control: func(string, string, syscall.RawConn) error { attempts <- true; return nil }}
			nc, err := reachUnix(t.Context(), &d, path)
			if err == nil {
				err = nc.Close()
			}
			close(attempts)
			reached <- err
		}()
		await(t, attempts, "the first attempt")
		await(t, attempts, "the second attempt")
		b := newLab(t, Options{Engine: e, UnixSocket: path})
		var all []*player
		for range 10 {
			all = append(all, b.connect("ws://localhost/"))
		}
		ln, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		srv := wstest.ServeOn(t, ln, wstest.Echo)
		defer srv.Kill()
		for range attempts {
		}
		if err := await(t, reached, "a connection"); err != nil {
			t.Error(err)
		}
		for _, p := range all {
			roundTrip(t, waitOpen(p))
		}
		b.stop()
	})
}

func TestCheckUnix(t *testing.T) {
	dir := t.TempDir()
	file, stream, datagrams := filepath.Join(dir, "file"), filepath.Join(dir, "stream"), filepath.Join(dir, "datagrams")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", stream)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dg, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: datagrams, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer dg.Close()
	for path, want := range map[string]string{
		filepath.Join(dir, "absent"):    "want the path of a socket that a server listens on: file does not exist",
		filepath.Join(file, "beneath"):  "want the path of a socket that a server listens on: not a directory",
		file:                            "which is no socket",
		datagrams:                       "which is a socket of datagrams, want one of streams",
		stream:                          "",
		"@loadrig-test-nobody-has-this": "", // nobody listens: a refusal
	} {
		if strings.HasPrefix(path, "@") && !abstractSockets {
			continue
		}
		err := checkUnix(path)
		if (err == nil) != (want == "") || (err != nil && !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	// The server was not disturbed.
	_ = ln.(*net.UnixListener).SetDeadline(time.Now().Add(20 * time.Millisecond))
	if c, err := ln.Accept(); err == nil {
		_ = c.Close()
		t.Error("the server saw a connection")
	}
}
