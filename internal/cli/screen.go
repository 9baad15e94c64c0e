package cli

import (
	"context"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/internal/terminal"
	"github.com/loadrig/loadrig/rig"
)

// screen is stderr during a run. While the terminal shows a view of the run, what is said goes to the view, and is
// said on stderr when that is gone. Without a view it is just stderr. It is an io.Writer that is safe for concurrent
// use.
type screen struct {
	p    *Process
	term *Terminal
	view *terminal.View // nil for none
	out  *terminal.Output

	mu sync.Mutex
	// Guarded by mu.
	held []byte // what was said while the view was there
	lost bool   // some of it was too much
}

// maxHeld bounds what is said during a view.
const maxHeld = 1 << 20

// sayWithin is how long it takes at most to say what was held.
const sayWithin = 2 * time.Second

// terminal gives the terminal that the run is shown on; nil if it is to print lines.
func (f *runFlags) terminal(p *Process, printed bool) *Terminal {
	if f.plain || f.quiet || p.Terminal == nil || p.Getenv("CI") != "" || p.Getenv("NO_COLOR") != "" {
		return nil
	}
	if t := p.Getenv("TERM"); t == "dumb" || t == "" && runtime.GOOS != "windows" {
		return nil
	}
	t := p.Terminal()
	if t != nil && t.Out != nil && printed {
		return nil // an output prints there while the run goes on
	}
	return t
}

// show has cfg's run be shown on t, if it is not nil. The context that it gives ends when somebody at the terminal
// wants the load to end. hide ends the view, and says what was held; it may be called twice.
func (s *screen) show(ctx context.Context, t *Terminal, cfg *rig.Config) (within context.Context, hide func()) {
	if t == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	s.term, s.out = t, terminal.NewOutput(t.Err)
	var last atomic.Value // the signal that came last; keys are as good as an interrupt
	last.Store(os.Interrupt)
	s.view = terminal.New(terminal.Options{
		In: t.In, Out: s.out, Environ: t.Environ, ASCII: runtime.GOOS != "windows" && !terminal.UTF8(s.p.Getenv),
		Interrupt: cancel,
		Kill:      func() { s.say(); s.p.Die(last.Load().(os.Signal)) },
	})
	cfg.Sinks = append(cfg.Sinks, s.view)
	stop := s.p.Signals(func(sig os.Signal) {
		last.Store(sig)
		s.view.Interrupt()
	})
	said := make(chan struct{})
	go func() { // the view may be gone before hide: when the run has ended, or the terminal has
		defer close(said)
		<-s.view.Done()
		s.say()
	}()
	return ctx, sync.OnceFunc(func() {
		s.view.Close()
		<-said
		stop()
		cancel()
		s.out.Stop()
		s.bound()
	})
}

// Write implements io.Writer. It waits for nothing while there is a view.
func (s *screen) Write(p []byte) (int, error) {
	if s.view == nil {
		return s.p.Stderr.Write(p)
	}
	s.mu.Lock()
	if !s.view.Alive() {
		s.mu.Unlock()
		return s.p.Stderr.Write(p)
	}
	defer s.mu.Unlock()
	if s.lost = s.lost || len(s.held)+len(p) > maxHeld; !s.lost {
		s.held = append(s.held, p...)
	}
	s.view.Note(string(p))
	return len(p), nil
}

// say says what was held.
func (s *screen) say() {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.held
	if s.held = nil; s.lost {
		held = append(held, "loadrig: more was said during the run than is kept\n"...)
	}
	if len(held) > 0 {
		_, _ = s.out.WriteWithin(held, sayWithin)
	}
}

// lines gives what prints progress while there is no view.
func (s *screen) lines(progress func(rig.Progress)) func(rig.Progress) {
	if s.view == nil {
		return progress
	}
	return func(p rig.Progress) {
		if !s.view.Alive() {
			progress(p)
		}
	}
}

// serving gives what says where the run is served, in the view too: it was said before that appeared.
func (s *screen) serving(say func(addr string)) func(addr string) {
	if s.view == nil {
		return say
	}
	return func(addr string) {
		say(addr)
		s.view.Note("look at it at http://" + addr + "/")
	}
}

// forChild gives a process whose stderr is the screen, where that is another thing than stderr.
func (s *screen) forChild() *Process {
	if s.view == nil {
		return s.p
	}
	p := *s.p
	p.Stderr = s
	return &p
}

// bound has nothing wait for ever for a terminal that took nothing when the view was to go.
func (s *screen) bound() {
	if !s.out.Stuck() {
		return
	}
	s.p.Stderr = &bounded{f: s.term.Err}
	if s.term.Out != nil {
		s.p.Stdout = &bounded{f: s.term.Out}
	}
}

// bounded is a file that is written to for a bounded time.
type bounded struct {
	f   *os.File
	out *terminal.Output
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.out == nil {
		b.out = terminal.NewOutput(b.f)
	}
	return b.out.WriteWithin(p, sayWithin)
}

var _ io.Writer = (*screen)(nil)
