package actors

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/ledger"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// TestChaos has several goroutines give random commands to the same connections, on real sockets, to
// servers good and bad, while others read the counts: they add up at every instant, and each attempt that
// was accepted ends exactly once.
func TestChaos(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		const n = 60
		echo, silent, refusing := wstest.Serve(t, wstest.Echo), mute(t), wstest.Serve(t, swallow)
		refusing.Kill()
		urls := []string{echo.URL(), echo.URL(), silent.URL(), refusing.URL(), stubborn(t).URL(), wstest.Serve(t, hosts["leaver"]).URL(), wstest.Serve(t, hosts["reject"]).URL()}
		ledgers := []*ledger.Ledger{ledger.New(), ledger.New()}
		o.Shards = len(ledgers)
		o.Recorder = func(i int) Recorder { return ledgers[i] }
		o.Logger = slog.New(slog.DiscardHandler)
		o.Transport.CloseTimeout = 20 * time.Millisecond
		o.Transport.DialTimeout = 50 * time.Millisecond
		m, err := NewManager(o)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Stop(context.Background())
		ids, err := m.OpenMany(n, func(id messages.ConnID) Behavior {
			if id.Slot()%4 != 0 {
				return nil
			}
			return script(func(c *Connection, ev messages.Event) { // a restless player
				switch ev.(type) {
				case *messages.Opened, *messages.TimerFired:
					_ = c.SendText([]byte("again"))
					c.SetTimer(c.Now().Add(time.Millisecond))
				case *messages.Closed:
					c.StopTimer()
				}
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var accepted [n]atomic.Int64
		var wg sync.WaitGroup
		for seed := range uint64(4) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(seed, 0))
				for ctx.Err() == nil {
					i := r.IntN(n)
					cmds := append(commands(urls[r.IntN(len(urls))]), &messages.Connect{URL: urls[r.IntN(len(urls))], Auth: new(counting)})
					cmd := cmds[r.IntN(len(cmds))]
					if i == 0 { // else a fast machine never leaves a connection alone for as long as the dial timeout
						cmd = &messages.Connect{URL: silent.URL(), Auth: new(counting)}
					}
					err := m.Do(context.Background(), ids[i], cmd)
					if in := cmd.Kind().Input(); err == nil && (in == messages.InputConnect || in == messages.InputReconnect) {
						accepted[i].Add(1)
					}
					var refused *messages.RefusedError
					if err != nil && !errors.As(err, &refused) && cmd.Kind().Input() != messages.InputSend {
						t.Errorf("%s: %v", cmd.Kind(), err)
					}
				}
			})
		}
		audit := func() {
			if err := m.Each(context.Background(), func(i int) {
				s := m.OnShard(i)
				if err := ledgers[i].Audit(s.States, &s.Traffic); err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Error(err)
			}
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				audit()
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				if s, err := m.Snapshot(context.Background()); err != nil || s.Players() != n || !s.Traffic.Balanced() || s.Panics != 0 {
					t.Errorf("got %+v, %v, want %d players, and traffic in balance", s, err, n)
				}
			}
		})
		wg.Wait()
		if err := m.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		audit()
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		var causes [messages.NumCauses]int
		for i, id := range ids {
			a := ledgers[id.Shard()].Accounts[id]
			if got := int(accepted[i].Load()); a.Attempts != got || len(a.Causes) != got {
				t.Errorf("%s: %d were accepted, %d begun, %d ended", id, got, a.Attempts, len(a.Causes))
			}
			for _, c := range a.Causes {
				causes[c]++
			}
		}
		for _, c := range []messages.Cause{messages.CauseLocal, messages.CauseRemote, messages.CauseRefused, messages.CauseConnectTimeout, messages.CauseUpgradeStatus} {
			if causes[c] == 0 {
				t.Errorf("none ended by %s: %v", c, causes)
			}
		}
		if causes[messages.CauseInternal] != 0 {
			t.Errorf("%d ended by internal", causes[messages.CauseInternal])
		}
	})
}

// TestDroppedIsNotRefused: a message that the backlog has no room for was accepted, and is counted once.
func TestDroppedIsNotRefused(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	f := start(t, Options{Transport: transport.Options{MaxBacklog: 1 << 10}})
	srv := wstest.ServeOn(t, wstest.Narrow(t), deaf(release))
	id := f.open(t, nil)
	f.connect(t, id, srv.URL())
	big := &messages.SendBinary{Payload: make([]byte, 1<<20)}
	var err error
	for sends := 0; err == nil && sends < 1000; sends++ {
		err = f.do(t, id, big)
	}
	if !errors.Is(err, messages.ErrBacklog) {
		t.Errorf("got %v, want ErrBacklog", err)
	}
	if s := f.laws(t); s.Refused != ([messages.NumCommands][messages.NumStates]uint64{}) || s.Traffic.Dropped[messages.DropBacklog] != 1 || s.Traffic.Pending == 0 {
		t.Errorf("got %+v, refused %v, want 1 dropped, some pending, none refused", s.Traffic, s.Refused)
	}
	f.must(t, id, &messages.Disconnect{})
}

// TestLostIsNotRefused: the same for a message to a peer that turns out to be gone.
func TestLostIsNotRefused(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		o.Shards = 1
		srv := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		id := f.open(t, nil)
		f.connect(t, id, srv.URL())
		// The shard is held up twice, so that in one turn it comes from the second time to the message, and
		// not in between to the socket.
		entered, leave, killed := make(chan struct{}), make(chan struct{}), make(chan struct{})
		f.shards[0].call(func() {
			close(entered)
			<-leave
		})
		<-entered
		f.shards[0].call(func() {
			srv.Kill()
			close(killed)
		})
		if err := f.Tell(id, text("are you there")); err != nil {
			t.Fatal(err)
		}
		close(leave)
		<-killed
		if end := f.ev.end(t, id); end.Cause != messages.CauseReset {
			t.Errorf("ended by %s, want reset", end.Cause)
		}
		s := f.laws(t)
		if s.Refused != ([messages.NumCommands][messages.NumStates]uint64{}) || s.Traffic.Asked != 1 || s.Traffic.Dropped[messages.DropClosed] != 1 {
			t.Errorf("got %+v, refused %v, want 1 dropped, none refused", s.Traffic, s.Refused)
		}
	})
}
