package terminal

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// Options say where a View is, and what its keys do.
type Options struct {
	// In is the terminal that keys come from, and Out the one to draw on. Both are required.
	In  *os.File
	Out *Output
	// Environ is the environment, in which terminals say what they can.
	Environ []string
	// ASCII has it draw with nothing else.
	ASCII bool
	// Interrupt is called when the load is to end before its time, once, from the view's own goroutines. It must not
	// wait for anything. Required.
	Interrupt func()
	// Kill is called when the program is to end at once; the terminal is as it was before by then. Required.
	Kill func()
}

// View shows one run. It is a report.Follower, whose methods return at once, whatever the terminal does. It appears
// when the run begins, and is gone after Close, or by itself when the run ends.
type View struct {
	// Static after construction.
	opt     Options
	now     func() time.Time
	program *tea.Program
	cancel  context.CancelFunc
	done    chan struct{} // closed when the program is over

	began    atomic.Bool
	asked    atomic.Int32 // how often somebody wanted the end
	closing  sync.Once
	restored *term.State // what the terminal was set to before; nil if that is not known

	mu sync.Mutex
	// Guarded by mu.
	state    state
	counters counters
	version  uint64    // of state
	at       time.Time // when the last record came, or the run began
}

// New makes a View that is not there yet.
func New(o Options) *View {
	v := &View{opt: o, now: time.Now, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	v.program = tea.NewProgram(newModel(v), tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithEnvironment(o.Environ), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())
	return v
}

const (
	framesPerSecond = 10 // of what has changed: how soon a key shows
	ticksPerSecond  = 4  // of looks at the run
)

// Begin implements report.Sink. The view appears.
func (v *View) Begin(m *report.Manifest) error {
	v.mu.Lock()
	v.state.manifest, v.at = m, v.now()
	v.version++
	v.mu.Unlock()
	if v.began.Swap(true) {
		return nil
	}
	v.restored, _ = term.GetState(int(v.opt.In.Fd()))
	go func() {
		defer close(v.done)
		defer v.cancel()
		_, _ = v.program.Run() // whatever ends it, the run goes on, and Alive says so
	}()
	return nil
}

// Record implements report.Sink.
func (v *View) Record(r *metrics.Record) error {
	v.change(func(s *state) {
		s.record(r, &v.counters)
		v.at = v.now()
	})
	return nil
}

// Stands implements report.Follower.
func (v *View) Stands(s *report.Summary) error {
	v.change(func(of *state) { of.summary = s })
	return nil
}

// Event implements report.Sink.
func (v *View) Event(e report.Event) error {
	v.change(func(s *state) {
		switch e.Kind {
		case report.Ended:
			return
		case report.LoadOver:
			s.over = true
		case report.Stall:
			s.stalls++
		}
		if e.Text != "" {
			text := e.Text
			if e.Kind == report.Aborted {
				text = "the run is ended, as the threshold " + e.Text + " failed"
			}
			s.tell(news{e.At, text, e.Kind != report.LoadOver && e.Kind != report.Annotated})
		}
	})
	return nil
}

// End implements report.Sink. The view goes away, soon after.
func (v *View) End(s *report.Summary) error {
	v.change(func(of *state) {
		if of.ended = true; s != nil {
			of.summary = s
		}
	})
	return nil
}

// Note shows a line that was said meanwhile.
func (v *View) Note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.tell(news{at: v.elapsed(), text: text})
	v.version++
}

func (v *View) change(f func(*state)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.state)
	v.version++
}

// elapsed gives how long the run has lasted, in seconds: what the last record says, and the time since. v.mu is held.
func (v *View) elapsed() float64 {
	if v.at.IsZero() {
		return 0
	}
	return v.state.now.to + max(0, v.now().Sub(v.at).Seconds())
}

// look gives the latest state, if it is another than that version, and how long the run has lasted.
func (v *View) look(version uint64) (s state, now uint64, elapsed float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.version != version {
		s = v.state.copy()
	}
	return s, v.version, v.elapsed()
}

// Alive tells that the view is there, or is about to come.
func (v *View) Alive() bool {
	select {
	case <-v.done:
		return false
	default:
		return v.began.Load()
	}
}

// Done is closed when the view is gone, or will never be there.
func (v *View) Done() <-chan struct{} { return v.done }

// Interrupt is what the keys for it do, and what an interrupt from elsewhere is to do: the first ends the load, and
// the second ends the program, once the terminal is as it was. It waits for nothing.
func (v *View) Interrupt() {
	switch v.asked.Add(1) {
	case 1:
		v.change(func(*state) {}) // it says so
		v.opt.Interrupt()
	case 2:
		go func() {
			v.Close()
			v.opt.Kill()
		}()
	}
}

// patience is how long Close waits for a terminal, three times at most.
const patience = time.Second

// Close has the view go away, and waits until it has, for a few seconds at most. It may be called more than once.
func (v *View) Close() {
	v.closing.Do(func() {
		if !v.began.Swap(true) { // it never appeared
			v.cancel()
			close(v.done)
			return
		}
		go v.program.Quit() // which waits where the terminal does
		if v.gone() {
			return
		}
		v.opt.Out.GiveUp()
		if v.gone() {
			return
		}
		v.cancel()
		if !v.gone() && v.restored != nil {
			_ = term.Restore(int(v.opt.In.Fd()), v.restored)
		}
	})
}

// gone waits for the end of the program.
func (v *View) gone() bool {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-v.done:
		return true
	case <-t.C:
		return false
	}
}
