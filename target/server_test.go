package target

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
)

func TestEcho(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{})
		c := dial(t, s)
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20, 5} {
			for _, op := range []ws.OpCode{ws.OpText, ws.OpBinary} {
				sent := []byte(big(n))
				if op == ws.OpBinary && n > 0 {
					sent[n-1] = 0xff
				}
				if err := wsutil.WriteClientMessage(c, op, bytes.Clone(sent)); err != nil {
					t.Fatal(err)
				}
				got, gotOp, err := wsutil.ReadServerData(c)
				if err != nil || gotOp != op || !bytes.Equal(got, sent) {
					t.Fatalf("%d bytes of opcode %d: got %d bytes of %d, %v", n, op, len(got), gotOp, err)
				}
			}
		}
	})
}

func TestWire(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{MaxMessage: wireLimit})
		for _, c := range wireCases {
			for _, size := range []int{1, 1 << 20} {
				if size == 1 && len(c.in) > 1000 {
					continue
				}
				conn := dial(t, s)
				for rest := c.in; len(rest) > 0; {
					k := min(size, len(rest))
					if _, err := conn.Write(rest[:k]); err != nil && !c.ends {
						t.Fatal(err)
					}
					rest = rest[k:]
				}
				got := make([]byte, len(c.want))
				if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, c.want) {
					t.Errorf("%s, in pieces of %d: got %.80x, %v; want %.80x", c.name, size, got, err, c.want)
				}
				if c.ends {
					if n, err := conn.Read(got); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%s: after the last frame: got %d bytes and %v, want the end", c.name, n, err)
					}
				}
				_ = conn.Close()
			}
		}
		eventually(t, "no connection is open", func() bool { return s.Stats().Open == 0 })
	})
}

// A frame in the same segment as the request is a frame.
func TestFrameGluedToRequest(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{})
		c := dialRaw(t, s)
		if _, err := c.Write(join(goodHead(""), cf(ws.OpText, true, "early"), cclose(1000, ""))); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || !bytes.HasSuffix(got, join([]byte("\r\n\r\n"), sf(ws.OpText, "early"), sclose(1000, ""))) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// The reason for a close must reach a peer that is still sending.
func TestTooBigReachesSender(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{MaxMessage: 1000})
		c := dial(t, s)
		if _, err := c.Write(cf(ws.OpBinary, true, big(1<<20))); err != nil {
			t.Fatal(err)
		}
		_ = c.CloseWrite()
		got, err := io.ReadAll(c)
		if want := sclose(1009, "more than 1000 bytes"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %.80x, %v; want %x", got, err, want)
		}
	})
}

// A peer may send a lot before it reads anything, and loses nothing by it.
func TestSlowReader(t *testing.T) {
	const n, size = 250, 64 << 10 // 16 MiB: more than the sockets and the backlog hold
	frame := cf(ws.OpBinary, true, big(size))
	want := sf(ws.OpBinary, big(size))
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{MaxBacklog: 1000})
		c := dial(t, s)
		_ = c.SetReadBuffer(32 << 10)
		some, sent := make(chan struct{}), make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < n && err == nil; i++ {
				if i == n/10 {
					close(some)
				}
				_, err = c.Write(frame)
			}
			sent <- err
		}()
		<-some
		got := make([]byte, len(want))
		for i := range n {
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	})
}

// What a peer is owed reaches it even if it has ended its direction of TCP.
func TestHalfClose(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{})
		c := dial(t, s)
		want := sf(ws.OpBinary, big(4<<20))
		if _, err := c.Write(cf(ws.OpBinary, true, big(4<<20))); err != nil {
			t.Fatal(err)
		}
		_ = c.CloseWrite()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
		}
	})
}

func TestReset(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{})
		c, other := dial(t, s), dial(t, s)
		_, _ = c.Write(cf(ws.OpText, false, "half"))
		_ = c.SetLinger(0)
		_ = c.Close()
		eventually(t, "the reset connection is gone", func() bool { return s.Stats().Open == 1 })
		echo(t, other, "still here")
	})
}

func echo(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write(cf(ws.OpText, true, text)); err != nil {
		t.Fatal(err)
	}
	if f, err := ws.ReadFrame(c); err != nil || string(f.Payload) != text {
		t.Fatalf("got %q, %v; want %q", f.Payload, err, text)
	}
}

// The server's counts are the client's.
func TestStats(t *testing.T) {
	const conns, rounds = 1000, 3
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Loops: 2})
		var want Stats
		cs := make([]net.Conn, conns)
		for i := range cs {
			cs[i] = dial(t, s)
		}
		for i := range rounds {
			for _, c := range cs {
				echo(t, c, big(i))
				want.Received++
				want.ReceivedBytes += uint64(i)
			}
		}
		want.Accepted, want.Opened, want.PeakOpen, want.Open = conns, conns, conns, conns
		want.Sent, want.SentBytes = want.Received, want.ReceivedBytes
		if d := cmp.Diff(want, s.Stats(), ignoreEmptyCloses); d != "" {
			t.Errorf("open (-want +got):\n%s", d)
		}
		want.Closes = map[messages.CloseCode]uint64{}
		for i, c := range cs {
			code := []messages.CloseCode{messages.CloseNormal, 4000, messages.CloseNoStatus}[i%3]
			frames := join(cf(ws.OpPing, true, ""), cclose(int(code), ""))
			if code == messages.CloseNoStatus {
				frames = join(cf(ws.OpPing, true, ""), cf(ws.OpClose, true, ""))
			}
			if i == 0 {
				frames = cf(ws.OpText, true, "\xff")
				want.Failed++
			} else {
				want.Pings++
				want.Closes[code]++
			}
			if _, err := c.Write(frames); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(c); err != nil {
				t.Fatal(err)
			}
		}
		want.Open = 0
		if d := cmp.Diff(want, s.Stats()); d != "" {
			t.Errorf("closed (-want +got):\n%s", d)
		}
	})
}

var ignoreEmptyCloses = cmp.FilterPath(
	func(p cmp.Path) bool { return p.Last().String() == ".Closes" },
	cmp.Comparer(func(a, b map[messages.CloseCode]uint64) bool { return len(a) == 0 && len(b) == 0 }),
)

func TestShutdown(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Loops: 2})
		cs := []*net.TCPConn{dial(t, s), dial(t, s), dial(t, s)}
		half := dialRaw(t, s) // in its opening handshake
		eventually(t, "all were accepted", func() bool { return s.Stats().Accepted == 4 })
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(context.Background()) }()
		for _, c := range cs {
			got := make([]byte, 4)
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sclose(1001, "")) {
				t.Fatalf("got %x, %v; want a close frame with 1001", got, err)
			}
			if _, err := c.Write(join(cf(ws.OpText, true, "crossing"), cclose(1001, ""))); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
				t.Errorf("after the closing handshake: got %x, %v", rest, err)
			}
		}
		if rest, err := io.ReadAll(half); len(rest) > 0 || err != nil {
			t.Errorf("while opening: got %q, %v", rest, err)
		}
		if err := <-down; err != nil {
			t.Error(err)
		}
		st := s.Stats()
		if st.Open != 0 || st.Closes[1001] != 3 || st.Received != 3 || st.Sent != 0 {
			t.Errorf("got %+v", st)
		}
		if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
			_ = c.Close()
			t.Error("still listening")
		}
	})
}

// Peers that do not answer hold up Shutdown for CloseTimeout, or until its context ends.
func TestShutdownMutePeers(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{CloseTimeout: 50 * time.Millisecond})
		dial(t, s)
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("close timeout: got %v, want nil", err)
		}

		s = start(t, mk, Options{CloseTimeout: time.Hour})
		dial(t, s)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context: got %v, want %v", err, context.DeadlineExceeded)
		}
		if n := s.Stats().Open; n != 0 {
			t.Errorf("%d open after shutdown", n)
		}
	})
}

func TestHandshakeTimeout(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{HandshakeTimeout: 20 * time.Millisecond})
		c := dialRaw(t, s)
		_, _ = c.Write([]byte("GET / HT"))
		if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
			t.Errorf("got %q, %v; want the end", got, err)
		}
		if st := s.Stats(); st.Refused != 1 || st.Accepted != 1 {
			t.Errorf("got %+v", st)
		}
		// An open connection has no deadline: it outlives one that came later and was refused.
		c = dial(t, s)
		late := dialRaw(t, s)
		_, _ = io.ReadAll(late)
		echo(t, c, "alive")
	})
}

// A refused peer that does not leave is made to.
func TestLingerTimeout(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{CloseTimeout: 20 * time.Millisecond})
		c := dial(t, s)
		_, _ = c.Write(sf(ws.OpText, "unmasked"))
		_, _ = io.ReadAll(c)
		// Our FIN was read; now writing must fail, by a reset, within the timeout.
		eventually(t, "writing fails", func() bool {
			_, err := c.Write([]byte("x"))
			return err != nil
		})
	})
}

func TestServeAndClose(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s, err := listen(Options{}, mk)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		_ = s.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown after close: %v", err)
		}
		if err := s.Serve(); err != nil {
			t.Errorf("serve after close: got %v, want nil", err)
		}
		s = start(t, mk, Options{})
		c := dial(t, s)
		err = s.Serve()
		if err == nil || !strings.Contains(err.Error(), "called twice") {
			t.Errorf("serve twice: got %v", err)
		}
		_ = s.Close()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("connection survived close")
		}
	})
}
