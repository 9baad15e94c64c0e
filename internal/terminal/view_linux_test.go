package terminal

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/report"
)

// soon bounds what is waited for; it is no time that anything should take.
const soon = 20 * time.Second

// tty is a terminal, of which this test is the other end.
type tty struct {
	t           *testing.T
	ours, inner *os.File
	reading     sync.WaitGroup
	mu          sync.Mutex
	shown       strings.Builder // guarded by mu
}

func open(t *testing.T) *tty {
	t.Helper()
	ours, inner, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(inner, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	c := &tty{t: t, ours: ours, inner: inner}
	c.reading.Go(func() {
		b := make([]byte, 4096)
		for {
			n, err := ours.Read(b)
			c.mu.Lock()
			c.shown.Write(b[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(c.close)
	return c
}

func (c *tty) close() {
	_ = c.inner.Close()
	_ = c.ours.Close()
	c.reading.Wait()
}

// await waits until the terminal was sent something.
func (c *tty) await(what string) {
	c.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) { // between two looks
		c.mu.Lock()
		got := c.shown.String()
		c.mu.Unlock()
		if strings.Contains(got, what) {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("the terminal was never sent %q: %q", what, got)
		}
	}
}

func (c *tty) settings() unix.Termios {
	c.t.Helper()
	s, err := unix.IoctlGetTermios(int(c.inner.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return *s
}

// halt has the terminal take nothing more, as Ctrl-S does.
func (c *tty) halt() { c.flow(unix.TCOOFF) }
func (c *tty) flow(how int) {
	c.t.Helper()
	if err := unix.IoctlSetInt(int(c.inner.Fd()), unix.TCXONC, how); err != nil {
		c.t.Fatal(err)
	}
}

// within fails if f takes for ever.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatalf("%s takes for ever", what)
	}
}

const alternateScreen, mainScreen, showCursor = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"

// show makes a View on the terminal.
func (c *tty) show(interrupt, kill func()) (*View, *Output) {
	out := NewOutput(c.inner)
	return New(Options{In: c.inner, Out: out, Environ: []string{"TERM=xterm-256color"}, Interrupt: interrupt, Kill: kill}), out
}

// TestView: on a real terminal it appears, takes keys, and is gone at the end of the run, with all as it was before.
func TestView(t *testing.T) {
	wstest.NoLeaks(t)
	c := open(t)
	before := c.settings()
	interrupted := make(chan bool, 1)
	v, out := c.show(func() { interrupted <- true }, func() { t.Error("killed") })
	defer out.Stop()
	s := good8(t, manifest(), false)
	if v.Alive() {
		t.Error("it is alive before it began")
	}
	s.ok(v.Begin(manifest()))
	c.await(alternateScreen)
	c.await("players")
	if !v.Alive() {
		t.Error("it is not alive")
	}
	if c.settings() == before {
		t.Error("the terminal is as it was, want it in raw mode")
	}
	s.ok(v.Stands(s.builder.Standing()))
	c.await("pass so far")
	for _, key := range []string{"d", "q"} {
		if _, err := c.ours.WriteString(key); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "the interrupt", func() { <-interrupted })
	c.await("ENDING")
	s.ok(v.End(s.builder.Summary()))
	within(t, "its end", func() { <-v.Done() })
	within(t, "closing it", v.Close)
	c.await(mainScreen)
	c.await(showCursor)
	if v.Alive() || out.Stuck() {
		t.Errorf("got alive %t, stuck %t, want neither", v.Alive(), out.Stuck())
	}
	if c.settings() != before {
		t.Error("the terminal is not as it was")
	}
}

// TestHalted: a terminal that takes nothing any more does not hold up those who tell of the run, nor its end; the
// terminal is set to what it was before.
func TestHalted(t *testing.T) {
	wstest.NoLeaks(t)
	c := open(t)
	before := c.settings()
	killed := make(chan bool, 1)
	v, out := c.show(func() {}, func() { killed <- true })
	s := tell(t, manifest(), false)
	s.ok(v.Begin(manifest()))
	c.await("players")
	c.halt()
	within(t, "telling of a run", func() {
		for i := range 200 {
			s.usual(i)
			s.faulty()
			s.step()
			s.ok(v.Record(&s.rec))
			s.ok(v.Stands(s.view.state.summary))
			s.ok(v.Event(report.Event{Kind: report.Stall, Text: "a halted terminal"}))
			v.Note("a note")
		}
	})
	if _, err := out.WriteWithin([]byte("x"), time.Millisecond); !errors.Is(err, ErrStuck) {
		t.Errorf("got %v, want a terminal that is stuck", err)
	}
	v.Interrupt()
	v.Interrupt() // also the way out does not wait for it
	within(t, "the way out", func() { <-killed })
	within(t, "closing it", v.Close)
	if v.Alive() || !out.Stuck() {
		t.Errorf("got alive %t, stuck %t, want a view that is gone as its terminal is stuck", v.Alive(), out.Stuck())
	}
	if c.settings() != before {
		t.Error("the terminal is not as it was")
	}
	c.flow(unix.TCOON)
	out.Stop()
}

// TestHaltedAtTheEnd is TestHalted where nobody noticed before.
func TestHaltedAtTheEnd(t *testing.T) {
	wstest.NoLeaks(t)
	c := open(t)
	before := c.settings()
	v, out := c.show(func() {}, func() {})
	s := tell(t, manifest(), false)
	s.ok(v.Begin(manifest()))
	c.await("players")
	c.halt()
	s.ok(v.End(nil))
	within(t, "closing it", v.Close)
	if c.settings() != before {
		t.Error("the terminal is not as it was")
	}
	if _, err := out.WriteWithin([]byte("x"), soon); !errors.Is(err, ErrStuck) {
		t.Errorf("after that: got %v, want %v", err, ErrStuck)
	}
	c.flow(unix.TCOON)
	out.Stop()
}

// TestGone: when the terminal goes away, the run goes on, and its end does not wait.
func TestGone(t *testing.T) {
	wstest.NoLeaks(t)
	c := open(t)
	v, out := c.show(func() {}, func() {})
	defer out.Stop()
	s := tell(t, manifest(), false)
	s.ok(v.Begin(manifest()))
	c.await("players")
	_ = c.ours.Close()
	for i := range 3 {
		s.usual(i)
		s.step()
		s.ok(v.Record(&s.rec))
	}
	s.ok(v.End(nil))
	within(t, "closing it", v.Close)
	within(t, "its end", func() { <-v.Done() })
}

// TestNeverBegan: a view of a run that never began was never there.
func TestNeverBegan(t *testing.T) {
	wstest.NoLeaks(t)
	c := open(t)
	before := c.settings()
	v, out := c.show(func() {}, func() {})
	defer out.Stop()
	within(t, "closing it", v.Close)
	within(t, "its end", func() { <-v.Done() })
	if got := c.settings(); got != before || v.Alive() {
		t.Error("the terminal is not as it was")
	}
}
