package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

func law(t testing.TB, text string) Law {
	t.Helper()
	l, err := ParseLaw(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// entry is a line of a log.
type entry struct {
	what                string
	number              uint64
	begin, planned, end int64
}

// entries reads a log.
func entries(t testing.TB, log string) (all []entry) {
	t.Helper()
	for line := range strings.Lines(log) {
		var e entry
		if n, err := fmt.Sscanf(line, "%s %d %d %d %d\n", &e.what, &e.number, &e.begin, &e.planned, &e.end); n != 5 {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// logged is a log in memory.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// TestDelayed: no answer comes before its time, one may overtake another, and the log says of each when it was
// read and sent, within what the client saw.
func TestDelayed(t *testing.T) {
	const n = 200
	onEngines(t, func(t *testing.T, mk makeEngine) {
		var log logged
		s := start(t, mk, Options{Delay: law(t, "uniform:5ms-50ms"), DelayLog: &log})
		c := dial(t, s)
		before := time.Now().UnixNano()
		for i := range n {
			if _, err := c.Write(cf(ws.OpText, true, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		seen, ordered := make([]bool, n), true
		for i := range n {
			var got int
			if _, err := fmt.Sscan(hear(t, c), &got); err != nil || seen[got] {
				t.Fatalf("got %d, %v", got, err)
			}
			seen[got] = true
			ordered = ordered && got == i
		}
		after := time.Now().UnixNano()
		if ordered {
			t.Error("no answer overtook another")
		}
		counts(t, s, func(st *Stats) { st.Received, st.Sent, st.Delayed, st.Forgone, st.Overheld = n, n, n, 0, 0 })
		_ = s.Close()
		all := entries(t, log.b.String())
		if len(all) != n {
			t.Fatalf("the log has %d lines, want %d", len(all), n)
		}
		for _, e := range all {
			// The real time may have been set a little while the process ran.
			const slack = int64(time.Second)
			switch {
			case e.what != "answer" || e.number != 1:
				t.Fatalf("got %+v, want an answer on connection 1", e)
			case e.planned < 5e6 || e.planned > 50e6 || e.end-e.begin < e.planned:
				t.Fatalf("got %+v, want 5 ms to 50 ms and not less than planned", e)
			case e.begin < before-slack || e.end > after+slack:
				t.Fatalf("got %+v, want it between %d and %d", e, before, after)
			}
		}
	})
}

// TestDelaySeed: the same seed makes the same delays, another seed others.
func TestDelaySeed(t *testing.T) {
	planned := func(seed uint64) (all []int64) {
		var log logged
		s := start(t, defaultEngine, Options{Delay: law(t, "uniform:1us-1ms"), DelaySeed: seed, DelayLog: &log, Loops: 1})
		c := dial(t, s)
		for range 20 {
			echo(t, c, "x")
		}
		_ = s.Close()
		for _, e := range entries(t, log.b.String()) {
			all = append(all, e.planned)
		}
		return all
	}
	a, b, other := fmt.Sprint(planned(1)), fmt.Sprint(planned(1)), fmt.Sprint(planned(2))
	if a != b || a == other {
		t.Errorf("got %s and %s with one seed, %s with another", a, b, other)
	}
}

// stalled serves, and has the stall begin as it does so. It gives when the stall is over.
func stalled(t *testing.T, mk makeEngine, o Options) (*Server, messages.Stamp) {
	t.Helper()
	s, err := listen(o, mk)
	if err != nil {
		t.Fatal(err)
	}
	now := messages.Now()
	s.totals.shared.delays.start = now.Add(-o.Stall.Every)
	var served sync.WaitGroup
	served.Go(func() { _ = s.Serve() })
	t.Cleanup(func() {
		_ = s.Close()
		served.Wait()
	})
	return s, now.Add(o.Stall.For)
}

// TestStall: nothing is answered until the stall is over, be it a handshake, and the log has it.
func TestStall(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		var log logged
		o := Options{Stall: Stall{300 * time.Millisecond, time.Hour}, DelayLog: &log, Loops: 2}
		s, over := stalled(t, mk, o)
		c := dial(t, s)
		if now := messages.Now(); now < over {
			t.Errorf("the handshake was answered %v before the end of the stall", over.Sub(now))
		}
		echo(t, c, "x")
		_ = s.Close()
		want := s.Stats().Stalls
		stalls, answers := uint64(0), 0
		for _, e := range entries(t, log.b.String()) {
			if e.what == "answer" {
				answers++
			} else {
				stalls++
			}
			switch end := e.begin + e.planned; {
			case e.what == "answer" && (e.planned != 0 || e.begin < nanos(over) || e.end < e.begin):
				t.Errorf("got %+v, want an answer after %d", e, nanos(over))
			case e.what == "stall" && (end != nanos(over) || e.end < end):
				t.Errorf("got %+v, want a stall that was to end at %d", e, nanos(over))
			}
		}
		if answers != 1 || stalls == 0 || stalls != want {
			t.Errorf("the log has %d answers and %d stalls, want 1 and %d", answers, stalls, want)
		}
	})
}

// TestStallEnds: a server that stands still is not kept from its end.
func TestStallEnds(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s, over := stalled(t, mk, Options{Stall: Stall{50 * time.Minute, time.Hour}})
		c := dialRaw(t, s)
		if _, err := c.Write(goodHead("")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil || messages.Now() > over {
			t.Errorf("got %v", err)
		}
	})
}

// TestForgone: who leaves before an answer is due does without it, and its close is answered at once.
func TestForgone(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Delay: law(t, "1m")})
		c := dial(t, s)
		want := sclose(1000, "")
		if _, err := c.Write(join(cf(ws.OpText, true, "x"), cclose(1000, ""))); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %x, %v, want %x", got, err, want)
		}
		_ = s.Close()
		counts(t, s, func(st *Stats) { st.Received, st.Sent, st.Delayed, st.Forgone = 1, 1, 1, 1 })
	})
}

// TestHeldIsBounded: a client that would have more held back than there is room for is told to come again later.
func TestHeldIsBounded(t *testing.T) {
	const size = 8 << 20
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Delay: law(t, "1m")})
		c := dial(t, s)
		frame := cf(ws.OpBinary, true, big(size))
		var sent sync.WaitGroup
		sent.Go(func() {
			for range maxHeld/size + 1 {
				_, _ = c.Write(frame) // the last may meet a closed connection
			}
		})
		want := sclose(1013, "too much is held back")
		if got, err := ws.ReadFrame(c); err != nil || !bytes.Equal(encode(got), want) {
			t.Errorf("got %.80x, %v, want %x", encode(got), err, want)
		}
		_ = c.Close()
		sent.Wait()
		counts(t, s, func(st *Stats) { st.Overheld = 1 })
		_ = s.Close()
		if st := s.Stats(); st.Forgone != st.Delayed || st.Delayed == 0 || st.Delayed > maxHeld/size {
			t.Errorf("got %d held back and %d of them never sent, want the same", st.Delayed, st.Forgone)
		}
	})
}

// TestHeldBackPressure: answers that were held back are not lost on a client that reads late.
func TestHeldBackPressure(t *testing.T) {
	const n, size = 200, 64 << 10
	frame, want := cf(ws.OpBinary, true, big(size)), sf(ws.OpBinary, big(size))
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{MaxBacklog: 1000, Delay: law(t, "1ms")})
		c := dial(t, s)
		_ = c.SetReadBuffer(32 << 10)
		var sent sync.WaitGroup
		sent.Go(func() {
			for range n {
				_, _ = c.Write(frame)
			}
		})
		got := make([]byte, len(want))
		for i := range n {
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		sent.Wait()
	})
}

type brokenDisk struct{}

func (brokenDisk) Write([]byte) (int, error) { return 0, errors.New("no space") }

// TestDelayLogFails: a log that could not be written is no truth, and Serve says so.
func TestDelayLogFails(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s, err := listen(Options{DelayLog: brokenDisk{}}, mk)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		echo(t, dial(t, s), "x")
		_ = s.Close()
		if err := <-served; err == nil || err.Error() != "target: delay log: no space" {
			t.Errorf("got %v, want that there is no space", err)
		}
	})
}
