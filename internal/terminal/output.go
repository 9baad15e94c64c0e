package terminal

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"time"
)

// Output is a file, as stderr, whose writers need not wait for it for ever: they do until GiveUp is called, and from
// then on all they write is lost. It is safe for concurrent use.
//
// A write that the system does not take cannot be called back. So a goroutine makes them, and if one never returns,
// that goroutine does not either; it waits in vain until the process ends.
type Output struct {
	*os.File // what is asked for its size and its settings
	jobs     chan job
	quit     chan struct{}
	stuck    chan struct{}
	once     [2]sync.Once
}

type job struct {
	data []byte
	done chan result // has room for it
}

type result struct {
	n   int
	err error
}

// ErrStuck is that of writes to an Output that was given up.
var ErrStuck = errors.New("the terminal takes nothing")

// NewOutput begins an Output; Stop ends it. The file stays open.
func NewOutput(f *os.File) *Output {
	o := &Output{File: f, jobs: make(chan job), quit: make(chan struct{}), stuck: make(chan struct{})}
	go func() {
		for {
			select {
			case j := <-o.jobs:
				n, err := f.Write(j.data)
				j.done <- result{n, err}
			case <-o.quit:
				return
			}
		}
	}()
	return o
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	j := job{bytes.Clone(p), make(chan result, 1)} // the write may go on when p is used for other things
	select {
	case <-o.stuck: // the file may take something again, in the middle of what it did not
		return 0, ErrStuck
	default:
	}
	select {
	case o.jobs <- j:
	case <-o.stuck:
		return 0, ErrStuck
	case <-o.quit:
		return 0, os.ErrClosed
	}
	select {
	case r := <-j.done:
		return r.n, r.err
	case <-o.stuck:
		return 0, ErrStuck
	}
}

// WriteWithin is Write that gives up by itself.
func (o *Output) WriteWithin(p []byte, d time.Duration) (int, error) {
	t := time.AfterFunc(d, o.GiveUp)
	defer t.Stop()
	return o.Write(p)
}

// GiveUp has all writers go on, those under way and those to come.
func (o *Output) GiveUp() { o.once[0].Do(func() { close(o.stuck) }) }

// Stuck tells whether it was given up.
func (o *Output) Stuck() bool {
	select {
	case <-o.stuck:
		return true
	default:
		return false
	}
}

// Stop ends the goroutine, unless a write holds it.
func (o *Output) Stop() { o.once[1].Do(func() { close(o.quit) }) }
