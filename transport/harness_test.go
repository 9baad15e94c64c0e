package transport

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// patience is how long a test waits for what must happen. It is no time that anything should take.
const patience = 10 * time.Second

// eachEngine runs f on each engine that this system has, and fails it if it leaves anything behind.
func eachEngine(t *testing.T, f func(t *testing.T, e Engine)) {
	t.Helper()
	engines := []Engine{EngineGoroutine}
	if defaultEngine == EngineEpoll {
		engines = append(engines, EngineEpoll)
	}
	for _, e := range engines {
		t.Run(e.String(), func(t *testing.T) {
			wstest.NoLeaks(t)
			f(t, e)
		})
	}
}

// lab is a loop that runs, to try connections on.
type lab struct {
	t       testing.TB
	net     *Network
	loop    *Loop
	stopped chan struct{}
	once    sync.Once

	// Owned by the loop.
	calling  bool // a test is inside a call to a Conn
	handling bool // a callback is being made
}

func newLab(t testing.TB, o Options) *lab {
	t.Helper()
	n, err := NewNetwork(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoop(n)
	if err != nil {
		t.Fatal(err)
	}
	b := &lab{t: t, net: n, loop: l, stopped: make(chan struct{})}
	go func() {
		defer close(b.stopped)
		l.Run()
	}()
	t.Cleanup(b.stop)
	return b
}

// stop stops the loop and checks that nothing is left on it.
func (b *lab) stop() {
	b.once.Do(func() {
		b.loop.Stop()
		await(b.t, b.stopped, "the loop's end")
		b.net.Wait()
		l := b.loop
		b.check()
		if n := len(l.conns); n != 0 {
			b.t.Errorf("got %d connections left, want 0", n)
		}
		if l.traffic.Pending != 0 {
			b.t.Errorf("got %d messages pending, want 0", l.traffic.Pending)
		}
		if l.timers.count != 0 {
			b.t.Errorf("got %d timers left, want 0", l.timers.count)
		}
		if n := l.codec.pool.inUse; n != 0 {
			b.t.Errorf("got %d bytes of windows left, want 0", n)
		}
		if n := l.BuffersInUse(); n != 0 {
			b.t.Errorf("got %d pooled buffers in use, want 0", n)
		}
		for to, r := range b.net.sources.routes {
			for i := range r.live {
				if n := r.live[i].Load(); n != 0 {
					b.t.Errorf("got %d leases of source %d to %v left, want 0", n, i, to)
				}
			}
		}
	})
}

// do runs f on the loop as a test's call, and waits for it.
func (b *lab) do(f func()) {
	b.t.Helper()
	done := make(chan struct{})
	b.loop.Post(runFunc(func() {
		defer close(done)
		b.calling = true
		defer func() { b.calling = false }()
		f()
		b.check()
	}), nil)
	await(b.t, done, "the loop")
}

// check applies the law of the counters.
func (b *lab) check() {
	if !b.loop.traffic.Balanced() {
		b.t.Errorf("counters out of balance: %+v", b.loop.traffic)
	}
}

// traffic gives a copy of the counters.
func (b *lab) traffic() (tr messages.Traffic) {
	b.t.Helper()
	b.do(func() { tr = b.loop.traffic })
	return tr
}

// got is a message that a player received.
type got struct {
	op      messages.Op
	payload string
}

func (g got) String() string {
	if len(g.payload) > 32 {
		return fmt.Sprintf("%v of %d bytes", g.op, len(g.payload))
	}
	return fmt.Sprintf("%v %q", g.op, g.payload)
}

// player is a Handler that records.
type player struct {
	*lab
	conn   *Conn
	jar    *Jar // what it keeps, if anything
	opened chan messages.Opened
	got    chan got
	closed chan messages.Closed

	// Called on the loop, after the recording.
	onOpened  func(*Conn)
	onMessage func(*Conn, *messages.Message)
	onClosed  func(*messages.Closed)

	// Owned by the loop.
	opens, closes int
	began         messages.Stamp // when it opened
}

func (b *lab) player() *player {
	return &player{lab: b, opened: make(chan messages.Opened, 1), got: make(chan got, 1<<14), closed: make(chan messages.Closed, 1)}
}

// dial opens a connection for p.
func (p *player) dial(c *messages.Connect) *player {
	p.t.Helper()
	p.do(func() { p.conn = p.loop.Dial(c, p.jar, p) })
	return p
}

// connect opens a connection to url.
func (b *lab) connect(url string) *player {
	b.t.Helper()
	return b.player().dial(&messages.Connect{URL: url})
}

// open is connect, and waits until it is open.
func (b *lab) open(url string) *player {
	b.t.Helper()
	p := b.connect(url)
	p.awaitOpened()
	return p
}

func (p *player) enter(what string) (leave func()) {
	switch {
	case p.calling:
		p.t.Errorf("%s was told from inside a call", what)
	case p.handling:
		p.t.Errorf("%s was told from inside a callback", what)
	case p.closes > 0:
		p.t.Errorf("%s was told after closed", what)
	}
	p.check()
	p.handling = true
	return func() {
		p.handling = false
		p.check()
	}
}

// Opened implements Handler.
func (p *player) Opened(m *messages.Opened) {
	defer p.enter("opened")()
	if p.opens++; p.opens > 1 {
		p.t.Errorf("opened was told %d times", p.opens)
		return
	}
	p.began = m.Handshake.End()
	p.opened <- *m
	if p.onOpened != nil {
		p.onOpened(p.conn)
	}
}

// Message implements Handler.
func (p *player) Message(m *messages.Message) {
	defer p.enter("message")()
	select {
	case p.got <- got{m.Op, string(m.Payload)}:
	default:
		p.t.Error("more messages than the test can hold")
	}
	if p.onMessage != nil {
		p.onMessage(p.conn, m)
	}
}

// Closed implements Handler.
func (p *player) Closed(m *messages.Closed) {
	defer p.enter("closed")()
	if p.closes++; p.closes > 1 {
		return
	}
	if p.conn.timer.IsSet() || p.conn.st != nil || p.conn.hs != nil || p.conn.rx != nil || p.conn.tx != nil || p.conn.deflate != nil {
		p.t.Errorf("an ended connection still holds something: %+v", p.conn)
	}
	if began := m.At.Add(-m.Lasted); m.Opened && began != p.began || !m.Opened && m.Lasted != 0 {
		p.t.Errorf("lasted %v up to %d, so from %d; want from %d, or 0 where it never opened", m.Lasted, m.At, began, p.began)
	}
	p.closed <- *m
	if p.onClosed != nil {
		p.onClosed(m)
	}
}

func (p *player) awaitOpened() messages.Opened {
	p.t.Helper()
	select {
	case m := <-p.opened:
		return m
	case m := <-p.closed:
		p.closed <- m
		select {
		case m := <-p.opened: // both have happened
			return m
		default:
			p.t.Fatalf("closed before it opened: %+v", m)
		}
	case <-time.After(patience):
		p.t.Fatal("waited in vain for opened")
	}
	panic("unreachable")
}

func (p *player) awaitClosed() messages.Closed {
	p.t.Helper()
	return await(p.t, p.closed, "closed")
}

// awaitGot waits for these messages and no others so far.
func (p *player) awaitGot(want ...got) {
	p.t.Helper()
	for i, w := range want {
		if g := await(p.t, p.got, "a message"); g != w {
			p.t.Fatalf("message %d: got %v, want %v", i, g, w)
		}
	}
}

// gotAll gives the messages received so far.
func (p *player) gotAll() (all []got) {
	for {
		select {
		case g := <-p.got:
			all = append(all, g)
		default:
			return all
		}
	}
}

// await receives from ch, or fails the test.
func await[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually waits on the loop until ok, which runs there; it has no other signal to wait for.
func (b *lab) eventually(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; {
		var done bool
		b.do(func() { done = ok() })
		if done {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// outcome is what a test checks of Closed.
type outcome struct {
	Cause  messages.Cause
	Code   messages.CloseCode
	Clean  bool
	Opened bool
}

func outcomeOf(m messages.Closed) outcome { return outcome{m.Cause, m.Code, m.Clean, m.Opened} }

func checkOutcome(t testing.TB, m messages.Closed, want outcome) {
	t.Helper()
	if g := outcomeOf(m); g != want {
		t.Errorf("closed: got %+v (%v), want %+v", g, m.Err, want)
	}
	if want.Cause == messages.CauseLocal && want.Clean && m.Err != nil {
		t.Errorf("closed: got error %v after a clean close, want none", m.Err)
	}
}

// sink is a stream that takes limit bytes and then no more; -1 takes all.
type sink struct {
	loop   *Loop // whose wire bytes it counts; nil for none
	wrote  bytes.Buffer
	limit  int
	err    error
	closed int
	reset  bool
}

func (s *sink) write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n := len(b)
	if s.limit >= 0 {
		n = min(n, s.limit)
		s.limit -= n
	}
	s.wrote.Write(b[:n])
	if s.loop != nil {
		s.loop.traffic.SentWire += uint64(n)
	}
	return n, nil
}

func (s *sink) close(reset bool) { s.closed++; s.reset = reset }

func (s *sink) moved(since messages.Stamp) messages.Stamp { return since }

// still is a loop that does not run, for what needs no sockets.
func still(t interface{ Fatal(...any) }, o Options) *Loop {
	o.Engine = EngineGoroutine
	n, err := NewNetwork(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoop(n)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// openOn puts an open connection on l that writes to st.
func openOn(l *Loop, h Handler, st stream) *Conn {
	if s, ok := st.(*sink); ok {
		s.loop = l
	}
	c := &Conn{loop: l, handler: h, st: st, phase: phaseOpen, index: int32(len(l.conns)), lastRead: l.now}
	l.conns = append(l.conns, c)
	return c
}

// recorder is a Handler for a still loop.
type recorder struct {
	opened int
	got    []got
	closed []messages.Closed
}

func (r *recorder) Opened(*messages.Opened)     { r.opened++ }
func (r *recorder) Message(m *messages.Message) { r.got = append(r.got, got{m.Op, string(m.Payload)}) }
func (r *recorder) Closed(m *messages.Closed)   { r.closed = append(r.closed, *m) }

func equalGot(a, b []got) bool { return slices.Equal(a, b) }
