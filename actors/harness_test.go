package actors

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/transport"
)

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

// events hands copies of what it is told to the test. It holds any number, so that no shard waits for a
// test.
type events struct {
	bell chan struct{}

	mu   sync.Mutex
	list []any
}

func newEvents() *events { return &events{bell: make(chan struct{}, 1)} }

// Observe implements Observer.
func (e *events) Observe(ev messages.Event) {
	e.mu.Lock()
	e.list = append(e.list, clone(ev))
	e.mu.Unlock()
	select {
	case e.bell <- struct{}{}:
	default:
	}
}

// pop gives the oldest event, nil if there is none.
func (e *events) pop() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) == 0 {
		return nil
	}
	ev := e.list[0]
	e.list = e.list[1:]
	return ev
}

func clone(ev messages.Event) any {
	switch m := ev.(type) {
	case *messages.StateChanged:
		return *m
	case *messages.Opened:
		return *m
	case *messages.Closed:
		return *m
	case *messages.Refused:
		return *m
	case *messages.TimerFired:
		return *m
	case *messages.Message:
		c := *m
		c.Payload = slices.Clone(m.Payload)
		return c
	default:
		panic("an event that the vocabulary does not have")
	}
}

// await gives the next event of type T for which ok holds, and drops those before it.
func await[T any](t *testing.T, e *events, what string, ok func(T) bool) T {
	t.Helper()
	timeout := time.After(patience)
	for {
		switch ev := e.pop().(type) {
		case nil:
			select {
			case <-e.bell:
			case <-timeout:
				t.Fatalf("no %s", what)
			}
		case T:
			if ok(ev) {
				return ev
			}
		}
	}
}

func (e *events) state(t *testing.T, id messages.ConnID, st messages.State) {
	t.Helper()
	await(t, e, st.String(), func(m messages.StateChanged) bool { return m.ID == id && m.To == st })
}

// end gives the next end of a connection. The change of state is told right after it.
func (e *events) end(t *testing.T, id messages.ConnID) messages.Closed {
	t.Helper()
	return await(t, e, "end", func(m messages.Closed) bool { return m.ID == id })
}

func (e *events) message(t *testing.T, id messages.ConnID, op messages.Op, payload string) {
	t.Helper()
	await(t, e, op.String()+" "+payload, func(m messages.Message) bool {
		return m.ID == id && m.Op == op && string(m.Payload) == payload
	})
}

// logged is a handler of logs that keeps the attributes of each record.
type logged struct {
	mu      sync.Mutex
	records []map[string]string
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logged) WithGroup(string) slog.Handler            { return l }
func (l *logged) Handle(_ context.Context, r slog.Record) error {
	m := map[string]string{"msg": r.Message}
	r.Attrs(func(a slog.Attr) bool {
		m[a.Key] = a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, m)
	return nil
}

func (l *logged) all() []map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// fixture is a Manager with recorders whose laws are checked at the end.
type fixture struct {
	*Manager
	ev   *events
	log  *logged
	recs []*metrics.Shard // unused if the test has recorders of its own
}

func start(t *testing.T, o Options) *fixture {
	t.Helper()
	if o.Shards == 0 {
		o.Shards = 2
	}
	f := &fixture{ev: newEvents(), log: new(logged)}
	if o.Recorder == nil {
		f.recs = make([]*metrics.Shard, o.Shards)
		o.Recorder = func(i int) Recorder {
			f.recs[i] = new(metrics.Shard)
			return f.recs[i]
		}
	}
	o.Logger = slog.New(f.log)
	m, err := NewManager(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Manager = m
	m.Subscribe(f.ev)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		f.check(ctx, t)
		_ = m.Stop(ctx)
	})
	return f
}

// laws checks that the counts add up, and gives them.
func (f *fixture) laws(t *testing.T) *metrics.Snapshot {
	t.Helper()
	return f.check(t.Context(), t)
}

func (f *fixture) check(ctx context.Context, t *testing.T) *metrics.Snapshot {
	t.Helper()
	parts := make([]metrics.Snapshot, len(f.recs))
	sum := new(metrics.Snapshot)
	if f.recs == nil {
		return sum
	}
	snaps := make([]Snapshot, len(f.recs))
	err := f.Each(ctx, func(i int) {
		f.recs[i].AddTo(&parts[i])
		snaps[i] = f.OnShard(i)
		parts[i].Traffic = snaps[i].Traffic
	})
	if errors.Is(err, messages.ErrStopped) {
		return sum
	}
	if err != nil {
		t.Error(err)
		return sum
	}
	for i := range parts {
		sum.Merge(&parts[i])
		for st, n := range snaps[i].States {
			if int64(n) != parts[i].States[st] {
				t.Errorf("shard %d counts %d %s, its recorder %d", i, n, messages.State(st), parts[i].States[st])
			}
		}
	}
	if err := sum.Check(); err != nil {
		t.Error(err)
	}
	return sum
}

func (f *fixture) snapshot(t *testing.T) Snapshot {
	t.Helper()
	s, err := f.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// until waits until ok holds, where no event says so.
func (f *fixture) until(t *testing.T, what string, ok func(Snapshot) bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(f.snapshot(t)); {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// actors counts those that the actor system knows.
func (f *fixture) actors() (n int) {
	for _, pids := range f.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		for _, p := range pids.Items() {
			if _, ok := p.(*actor.ActorProcess); ok {
				n++
			}
		}
	}
	return n
}

func (f *fixture) open(t *testing.T, b Behavior) messages.ConnID {
	t.Helper()
	id, err := f.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fixture) openMany(t *testing.T, n int, b func(messages.ConnID) Behavior) []messages.ConnID {
	t.Helper()
	ids, err := f.OpenMany(n, b)
	if err != nil || len(ids) != n {
		t.Fatalf("open %d: got %d, %v", n, len(ids), err)
	}
	return ids
}

func (f *fixture) do(t *testing.T, id messages.ConnID, cmd messages.Command) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return f.Do(ctx, id, cmd)
}

// must has a command accepted.
func (f *fixture) must(t *testing.T, id messages.ConnID, cmd messages.Command) {
	t.Helper()
	if err := f.do(t, id, cmd); err != nil {
		t.Fatalf("%s: %v", cmd.Kind(), err)
	}
}

func (f *fixture) tellAll(t *testing.T, cmd messages.Command) {
	t.Helper()
	if err := f.TellAll(cmd); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) connect(t *testing.T, id messages.ConnID, url string) {
	t.Helper()
	f.must(t, id, &messages.Connect{URL: url})
	f.ev.state(t, id, messages.Connected)
}

// connectAll connects n connections, which are all there are.
func (f *fixture) connectAll(t *testing.T, n int, cmd messages.Command) {
	t.Helper()
	f.tellAll(t, cmd)
	for range n {
		await(t, f.ev, "connection", func(m messages.StateChanged) bool { return m.To == messages.Connected })
	}
}

func bothEngines(t *testing.T, test func(t *testing.T, o Options)) {
	for _, e := range []transport.Engine{transport.EngineAuto, transport.EngineGoroutine} {
		t.Run(e.String(), func(t *testing.T) { test(t, Options{Transport: transport.Options{Engine: e}}) })
	}
}

// mute accepts TCP, and says nothing.
func mute(t *testing.T) *wstest.Server {
	return wstest.Serve(t, swallow)
}

// stubborn accepts connections, and answers nothing.
func stubborn(t *testing.T) *wstest.Server {
	return wstest.Serve(t, func(c net.Conn) {
		_, _ = wstest.Accept(c)
		swallow(c)
	})
}

// deaf accepts connections, and does not read until release is closed.
func deaf(release <-chan struct{}) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = wstest.Accept(c)
		<-release
	}
}

func swallow(c net.Conn) {
	b := make([]byte, 512)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

// script is a behaviour made of a function.
type script func(c *Connection, ev messages.Event)

func (s script) On(c *Connection, ev messages.Event) { s(c, ev) }

func text(s string) *messages.SendText { return &messages.SendText{Payload: []byte(s)} }
