package transport

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestWallClock: 1 s after the clocks were looked at, at 10 s by the one and 1,000 s by the other.
func TestWallClock(t *testing.T) {
	const second = int64(time.Second)
	at := func(s float64) messages.Stamp { return messages.Stamp(s * float64(time.Second)) }
	for _, c := range []struct {
		name string
		wall int64 // the kernel's stamp
		want messages.Stamp
	}{
		{"half a second ago", 1000*second + second/2, at(10.5)},
		{"now", 1001 * second, at(11)},
		{"at the first look", 1000 * second, at(10)},
		{"no stamp", 0, 0},
		{"before the first look", 1000*second - 1, 0},
		{"in the future", 1001*second + 1, 0},
		{"far in the future", 1 << 62, 0},
	} {
		var w wallClock
		w.set(at(10), 1000*second)
		if !w.agrees(at(11), 1001*second) {
			t.Fatalf("%s: the clocks disagree", c.name)
		}
		if got := w.stamp(c.wall, at(11)); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

// TestWallClockIsSet: what was stamped before the wall clock was set, either way, cannot be converted; what is
// stamped after, is.
func TestWallClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour, -time.Millisecond, time.Millisecond} {
		w := newStamps().clock
		w.ahead -= int64(by) // as if the other clock had been set on by so much since
		before := time.Now().Add(-by).UnixNano()
		now := w.read()
		if w.since != now {
			t.Fatalf("set by %v: not noticed", by)
		}
		if got := w.stamp(before, now); got != 0 {
			t.Errorf("set by %v: got %v before now for what came before, want none", by, now.Sub(got))
		}
		arrived := time.Now().UnixNano()
		then := w.read()
		if got := w.stamp(arrived, then); got < now || got > then {
			t.Errorf("set by %v: got %d for what came after, want %d to %d", by, got, now, then)
		}
	}
}

// TestWallClockIsNotSet: a thread that sleeps between its looks at the two clocks sees a step; the next look
// does not.
func TestWallClockIsNotSet(t *testing.T) {
	w := newStamps().clock
	since := w.since
	now := messages.Now()
	if w.agrees(now, time.Now().Add(-time.Second).UnixNano()) {
		t.Error("the clocks agree, a second apart")
	}
	w.doubt()
	if w.since != since {
		t.Error("the clock was taken to have been set")
	}
}

// stampedPlayer sends what is to be echoed and is told of the echo.
type stampedPlayer struct {
	*peer
	echoed chan messages.Message
}

func newStampedPlayer() *stampedPlayer {
	p := &stampedPlayer{peer: newPeer(), echoed: make(chan messages.Message, 1)}
	p.reply = func(m *messages.Message) {
		got := *m
		got.Payload = nil
		p.echoed <- got
	}
	return p
}

// TestKernelTimestamps: when the loop stalls while an answer comes, the answer was read late but is known to
// have arrived early.
func TestKernelTimestamps(t *testing.T) {
	const stall = 20 * time.Millisecond
	_, pool := wstest.Certificate()
	for _, c := range []struct {
		name string
		srv  *wstest.Server
	}{
		{"ws", wstest.Serve(t, wstest.Echo)},
		{"wss", wstest.ServeTLS(t, wstest.Echo)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := new(tachometer)
			l, stop := metered(t, m, Options{KernelTimestamps: true, TLS: &tls.Config{RootCAs: pool}})
			f := fixture{l}
			p := newStampedPlayer()
			conn := f.dial(&messages.Connect{URL: c.srv.URL()}, p.peer)
			within(t, p.opened, "handshake")
			// The kernel begins to stamp a moment after the first socket on the machine asks for it.
			for tries := 0; ; tries++ {
				f.on(func() { _ = conn.Send(messages.OpText, []byte("early")) })
				if within(t, p.echoed, "echo").Arrived != 0 {
					break
				}
				if tries > 1000 {
					t.Fatal("the kernel does not stamp")
				}
			}
			var sent, there messages.Stamp
			f.on(func() {
				sent = messages.Now()
				_ = conn.Send(messages.OpText, []byte("late"))
				fds := []unix.PollFd{{Fd: int32(conn.st.(*fdStream).fd), Events: unix.POLLIN}}
				for n, err := 0, error(nil); n == 0; {
					if n, err = unix.Poll(fds, int(patience.Milliseconds())); err != nil && err != unix.EINTR {
						break
					}
				}
				there = messages.Now()
				time.Sleep(stall)
			})
			got := within(t, p.echoed, "late echo")
			stop()
			if got.Arrived < sent || got.Arrived > there {
				t.Errorf("arrived %v after it was sent, want 0 to %v", got.Arrived.Sub(sent), there.Sub(sent))
			}
			if lag := got.At.Sub(got.Arrived); lag < stall {
				t.Errorf("got read %v after it had arrived, want %v or more", lag, stall)
			}
			longest := func(list []time.Duration) (d time.Duration) {
				for _, v := range list {
					d = max(d, v)
				}
				return d
			}
			if d := longest(m.lags); d < stall {
				t.Errorf("got read lags of at most %v, want one of %v", d, stall)
			}
			if d := longest(m.turns); d < stall {
				t.Errorf("got turns of at most %v, want one of %v", d, stall)
			}
		})
	}
}

// TestNoKernelTimestamps: without the option, and where it has no effect, all is as ever and nothing is told.
func TestNoKernelTimestamps(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	path := filepath.Join(t.TempDir(), "s")
	unixListener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	wstest.ServeOn(t, unixListener, wstest.Echo)
	for _, c := range []struct {
		name    string
		url     string
		options Options
	}{
		{"off", srv.URL(), Options{}},
		{"goroutine engine", srv.URL(), Options{Engine: EngineGoroutine, KernelTimestamps: true}},
		{"unix socket", "ws://game.example/", Options{UnixSocket: path, KernelTimestamps: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := new(tachometer)
			l, stop := metered(t, m, c.options)
			f := fixture{l}
			p := newStampedPlayer()
			conn := f.dial(&messages.Connect{URL: c.url}, p.peer)
			within(t, p.opened, "handshake")
			for range 10 {
				f.on(func() { _ = conn.Send(messages.OpText, []byte("x")) })
				if got := within(t, p.echoed, "echo"); got.Arrived != 0 {
					t.Errorf("got arrived at %d, want nothing known", got.Arrived)
				}
			}
			stop()
			if len(m.lags) != 0 {
				t.Errorf("got read lags %v, want none", m.lags)
			}
			if len(m.turns) == 0 {
				t.Error("got no turns")
			}
		})
	}
}
