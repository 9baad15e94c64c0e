package wstest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"
)

// proxied gives a proxy to a server that sends back what it reads.
func proxied(t *testing.T, f Faults) *FaultProxy {
	t.Helper()
	srv := Serve(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := ServeFaultProxy(t, ln, srv.Addr(), 1)
	p.Set(f)
	return p
}

// behind gives a connection through such a proxy.
func behind(t *testing.T, f Faults) (net.Conn, *FaultProxy) {
	t.Helper()
	p := proxied(t, f)
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, p
}

// echo has b come back.
func echo(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(b))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("got %d bytes back, %v, want the %d that were sent", len(got), err, len(b))
	}
}

func TestFaultProxyPassesOn(t *testing.T) {
	for name, f := range map[string]Faults{
		"nothing":   {},
		"latency":   {Latency: time.Millisecond, Jitter: time.Millisecond},
		"bandwidth": {Bandwidth: 1 << 20},
		"slices":    {Slices: 3},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := behind(t, f)
			echo(t, c, bytes.Repeat([]byte("0123456789"), 2000))
			_ = c.(*net.TCPConn).CloseWrite()
			if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
				t.Errorf("after the end of one side, got %q, %v, want the end of the other", b, err)
			}
			for what, n := range p.Injected() {
				if (n > 0) != (Fault(what).String() == name) {
					t.Errorf("%s: %d were injected", Fault(what), n)
				}
			}
		})
	}
}

// TestFaultProxyTakesItsTime: no sooner than the faults say. Later it may always be.
func TestFaultProxyTakesItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		f    Faults
		want time.Duration
	}{
		// All are there and back.
		"latency":   {Faults{Latency: 30 * time.Millisecond}, 60 * time.Millisecond},
		"bandwidth": {Faults{Bandwidth: 10_000}, 100 * time.Millisecond}, // 2 × 500 bytes
		"end":       {Faults{SlowClose: 30 * time.Millisecond}, 60 * time.Millisecond},
		"all":       {Faults{Latency: 30 * time.Millisecond, Bandwidth: 10_000}, 160 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := behind(t, c.f)
			began := time.Now()
			echo(t, conn, make([]byte, 500))
			_ = conn.(*net.TCPConn).CloseWrite()
			if _, err := io.ReadAll(conn); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < c.want {
				t.Errorf("took %v, want at least %v", took, c.want)
			}
		})
	}
}

func TestFaultProxyEnds(t *testing.T) {
	for what, c := range map[Fault]struct {
		f    Faults
		want error // what the client reads
	}{
		FaultReset:    {Faults{Reset: 1}, syscall.ECONNRESET},
		FaultCut:      {Faults{Cut: 1}, io.EOF},
		FaultHalfOpen: {Faults{HalfOpen: 1, Hold: 10 * time.Millisecond}, syscall.ECONNRESET}, // once it was held
	} {
		t.Run(what.String(), func(t *testing.T) {
			conn, p := behind(t, c.f)
			_, _ = conn.Write([]byte("hello")) // may find it reset
			if n, err := conn.Read(make([]byte, 5)); n > 0 || !errors.Is(err, c.want) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("read %d, %v, want %v", n, err, c.want)
			}
			if n := p.Injected()[what]; n != 1 {
				t.Errorf("%d were injected", n)
			}
		})
	}
}

// TestFaultProxyRefuses: the reset may come while the client is still connecting.
func TestFaultProxyRefuses(t *testing.T) {
	p := proxied(t, Faults{Refuse: 1})
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if n := p.Injected()[FaultRefuse]; !errors.Is(err, syscall.ECONNRESET) || n != 1 {
		t.Errorf("got %v and %d injected, want a reset and 1", err, n)
	}
}

// TestFaultProxyCutsShort: a connection carries so much before it meets with its fate, and no more.
func TestFaultProxyCutsShort(t *testing.T) {
	const within = 1000
	c, _ := behind(t, Faults{Cut: 1, Within: within})
	_, _ = c.Write(make([]byte, 4*within))
	if b, err := io.ReadAll(c); err != nil || len(b) > within {
		t.Errorf("got %d bytes, %v, want at most %d and the end", len(b), err, within)
	}
}

// TestFaultProxyStrikes: a fault that comes while nothing is said.
func TestFaultProxyStrikes(t *testing.T) {
	for what, want := range map[Fault]error{FaultReset: syscall.ECONNRESET, FaultCut: io.EOF, FaultHalfOpen: syscall.ECONNRESET} {
		t.Run(what.String(), func(t *testing.T) {
			c, p := behind(t, Faults{Hold: 10 * time.Millisecond})
			echo(t, c, []byte("hello"))
			p.Strike(what, 1, rand.New(rand.NewPCG(1, 1)))
			if _, err := c.Read(make([]byte, 5)); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			p.Strike(what, 1, rand.New(rand.NewPCG(1, 1)))
			if n := p.Injected()[what]; n != 1 {
				t.Errorf("%d were injected, want 1: what was struck is not struck again", n)
			}
		})
	}
}

// TestFaultProxyFates: what a connection meets with depends on the seed and its number alone, and comes as often
// as it should.
func TestFaultProxyFates(t *testing.T) {
	f := Faults{Refuse: 0.1, Reset: 0.2, Cut: 0.3, HalfOpen: 0.4, Within: 9}
	var n [NumFaults + 1]int
	for seed := range uint64(1000) {
		draw := func() (Fault, int) {
			r := rand.New(rand.NewPCG(seed, 0))
			return f.fate(r.Float64(), r.IntN)
		}
		what, after := draw()
		again, after2 := draw()
		if what != again || after != after2 || after > f.Within {
			t.Fatalf("seed %d: got %s after %d, then %s after %d", seed, what, after, again, after2)
		}
		n[what]++
	}
	for what, share := range map[Fault]int{FaultRefuse: 100, FaultReset: 200, FaultCut: 300, FaultHalfOpen: 400, NumFaults: 0} {
		if got := n[what]; got < share-60 || got > share+60 {
			t.Errorf("fault %d: got %d of 1000, want about %d", what, got, share)
		}
	}
}
