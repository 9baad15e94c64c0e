package transport

import (
	"crypto/rand"
	"fmt"
	"hash/maphash"
	mrand "math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

// Runner is what a loop runs from its queue.
type Runner interface {
	// RunOnLoop runs on the loop's goroutine, with the argument that was posted. It must not block.
	RunOnLoop(arg any)
}

// Culprit is implemented by a Runner, Handler or Alarm that wants to know of its own panic. The loop
// goes on in any case; a panic of one never reaches another. Without it the panic is only counted, and
// a connection whose handler panicked is aborted with the cause internal. A Culprit aborts its connection
// itself; until then the connection neither sends nor listens, as what was being read is lost.
type Culprit interface {
	// Panicked runs on the loop's goroutine after the stack was unwound.
	Panicked(reason any, stack []byte)
}

const (
	readBuffer = 64 << 10 // one per loop; the most that one read takes
	maxScratch = 1 << 20  // a larger write scratch is not kept
)

// Loop is an event loop. See the package documentation for who may call what.
type Loop struct {
	// Static after construction.
	net *Network

	// Owned by the goroutine of Run.
	meter   Meter          // nil for none
	now     messages.Stamp // when this turn, or the read being handled, began
	awake   messages.Stamp // when it last came back from its sockets
	arrived messages.Stamp // when the kernel had what is being handled; 0 if that is not known
	conns   []*Conn        // all that have not ended
	timers  wheel
	local   []item // queued by the loop itself; drained in the same turn
	batch   []item // being run
	ran     int
	blame   any   // what is being run, should it panic
	reading *Conn // whose bytes are being handled; nil between reads
	rb      []byte
	scratch []byte
	plain   []byte                              // what one TLS record holds; nil until there is one
	sealed  []byte                              // scratch for TLS records to be written
	control [ws.MaxControlFramePayloadSize]byte // of a control frame that came in pieces
	random  *mrand.ChaCha8
	seed    maphash.Seed // of the proofs in keep-alive pings
	ping    [pingSize]byte
	traffic messages.Traffic
	panics  uint64
	message messages.Message // reused for every message event
	closed  messages.Closed
	opened  messages.Opened
	last    struct { // the last Connect that was compiled; most connections share one
		connect *messages.Connect
		target  *target
	}
	free  pools
	codec codec

	poller poller

	// Guarded by mu.
	mu     sync.Mutex
	urgent []item
	queue  []item
	gone   bool // Run has returned

	// Atomic.
	sleeping atomic.Bool
	stopping atomic.Bool
}

// poller waits for sockets and for other goroutines.
type poller interface {
	// wait gives how many sockets are ready, after waiting for one for at most timeout; 0 does not wait,
	// a negative one waits without limit.
	wait(timeout time.Duration) int
	// handle handles the i-th of them.
	handle(l *Loop, i int)
	// wake ends a wait, or the next one. Any goroutine may call it.
	wake()
	close()
}

// NewLoop makes a loop that belongs to n. It does nothing until Run.
func NewLoop(n *Network) (*Loop, error) {
	l := &Loop{net: n, rb: make([]byte, readBuffer), seed: maphash.MakeSeed()}
	var err error
	if l.poller, err = newPoller(&n.opts); err != nil {
		return nil, fmt.Errorf("transport: event loop: %w", err)
	}
	var seed [32]byte
	_, _ = rand.Read(seed[:])
	l.random = mrand.NewChaCha8(seed)
	l.now = messages.Now()
	l.timers.init(l.now)
	return l, nil
}

// Run runs the loop on the calling goroutine until Stop, and then aborts the connections that are left
// and tells their handlers. The loop cannot be run again. A loop that is not to be run after all is
// released by Stop and then Run.
func (l *Loop) Run() {
	l.awake = messages.Now()
	for !l.stopping.Load() {
		l.turn()
	}
	// What is told now may make more to be told, such as a handler that dials again. Dial refuses, and a
	// handler that does not take that for an answer is not waited for.
	for range 16 {
		for len(l.conns) > 0 {
			l.conns[len(l.conns)-1].Abort(messages.CauseShutdown, nil)
		}
		l.drain()
		if len(l.conns) == 0 && len(l.local) == 0 && !l.queued() {
			break
		}
	}
	l.leave()
}

// Stop ends Run after the present turn. Any goroutine may call it, also more than once.
func (l *Loop) Stop() {
	l.stopping.Store(true)
	l.wake()
}

// Now gives the instant at which the present turn, or the read whose messages are being handled, began.
// It costs nothing; messages.Now is exact.
func (l *Loop) Now() messages.Stamp { return l.now }

// SetTimer arms t for the instant when, moving it if it is set. It never fires early; in a loop that
// keeps up it fires at most a millisecond late.
func (l *Loop) SetTimer(t *Timer, when messages.Stamp, owner Alarm) { l.timers.set(t, when, owner) }

// StopTimer disarms t.
func (l *Loop) StopTimer(t *Timer) { l.timers.unset(t) }

// Traffic gives the counts of this loop. They are the loop's own: read them on its goroutine.
func (l *Loop) Traffic() *messages.Traffic { return &l.traffic }

// Panics counts the panics that the loop has recovered from.
func (l *Loop) Panics() uint64 { return l.panics }

// Conns gives the number of connections that have not ended.
func (l *Loop) Conns() int { return len(l.conns) }

// BuffersInUse counts the pooled buffers that connections hold: one for an opening handshake, one for a
// message that has arrived in part, one for what the socket did not take. An idle connection holds none,
// and nothing may be held where there are no connections. Like the counts of Traffic it is the loop's own.
func (l *Loop) BuffersInUse() int { return l.free.out }

// turn is one round: the queue, the timers, then the sockets, waiting for them only if nothing else is
// left to do.
func (l *Loop) turn() {
	l.now = messages.Now()
	l.drain()
	l.timers.startTurn()
	for !l.runTimers() {
	}
	l.runLocal()
	l.turned()
	n := l.poller.wait(0)
	if n == 0 && len(l.local) == 0 {
		n = l.sleep()
	}
	l.handle(n)
	l.runLocal()
}

// sleep waits for sockets, the queue or the next timer.
func (l *Loop) sleep() (n int) {
	timeout := time.Duration(-1)
	if d, ok := l.timers.next(messages.Now()); ok {
		timeout = d
	}
	if timeout == 0 {
		return 0
	}
	l.sleeping.Store(true)
	if !l.queued() && !l.stopping.Load() {
		n = l.poller.wait(timeout)
	}
	l.sleeping.Store(false)
	l.now = messages.Now() // what is handled next happened after the wait, not before it
	l.awake = l.now
	return n
}

// handle runs what the last wait found.
func (l *Loop) handle(n int) {
	for at := 0; at < n; {
		at = l.handleFrom(at, n)
	}
}

// handleFrom handles sockets from the at-th on, and gives where to go on: n, or after a panic the one
// behind it.
func (l *Loop) handleFrom(at, n int) (next int) {
	next = at
	defer l.recoverTurn()
	for next < n {
		next++
		l.poller.handle(l, next-1)
	}
	return next
}

// runTimers runs what is due; done is false if a panic ended it early.
func (l *Loop) runTimers() (done bool) {
	defer l.recoverTurn()
	for {
		t := l.timers.due(l.now)
		if t == nil {
			return true
		}
		l.blame = t.owner
		t.owner.Alarm(t, l.now)
	}
}

// Blame names who is to be told if what runs from here on panics. It is for a Runner that runs another's
// code, such as a supervisor that routes a message to an actor.
func (l *Loop) Blame(culprit any) { l.blame = culprit }

// recoverTurn ends a panic, and tells whom it concerns. A connection that was being read has lost the
// rest of that read, so it cannot go on: it is aborted, by its handler if that is a Culprit.
func (l *Loop) recoverTurn() {
	reason := recover()
	if reason == nil {
		return
	}
	l.panics++
	stack := debug.Stack()
	culprit, conn := l.blame, l.reading
	l.reading = nil
	if c, ok := culprit.(*Conn); ok {
		culprit, conn = c.handler, c
	}
	if conn != nil {
		conn.giveUp()
	}
	if c, ok := culprit.(Culprit); ok {
		l.accuse(c, reason, stack)
	} else if conn != nil {
		conn.Abort(messages.CauseInternal, fmt.Errorf("panic: %v", reason))
	}
}

// accuse tells c of its panic, and bears another.
func (l *Loop) accuse(c Culprit, reason any, stack []byte) {
	defer func() {
		if recover() != nil {
			l.panics++
		}
	}()
	c.Panicked(reason, stack)
}
