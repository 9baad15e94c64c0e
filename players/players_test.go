package players

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

func TestStamps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Uint64().Draw(t, "key")
		intended, sent := messages.Stamp(rapid.Int64().Draw(t, "intended")), messages.Stamp(rapid.Int64().Draw(t, "sent"))
		b := filler(rapid.IntRange(stampSize, 200).Draw(t, "size"))
		writeStamps(b, key, intended, sent)
		if i, s, k, ok := readStamps(b); !ok || i != intended || s != sent || k != key {
			t.Fatalf("read %d %d %d %v, want %d %d %d", i, s, k, ok, intended, sent, key)
		}
		b[rapid.IntRange(0, stampSize-1).Draw(t, "at")] ^= 1
		if _, _, k, ok := readStamps(b); ok && k == key {
			t.Fatal("a message that was changed was taken for one's own")
		}
	})
}

func TestStampsShort(t *testing.T) {
	for n := range stampSize {
		if _, _, _, ok := readStamps(filler(n)); ok {
			t.Errorf("%d bytes were taken for stamps", n)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		traffic Traffic
		want    string // empty: valid
	}{
		{Traffic{Kind: Idle}, ""},
		{Traffic{Kind: PingPong, Size: 0}, ""},
		{Traffic{Kind: Paced, Rate: 1, Size: MinPacedSize}, ""},
		{Traffic{Kind: "nonsense"}, `Traffic: got "nonsense", want idle, pingpong, paced`},
		{Traffic{Kind: PingPong, Size: -1}, "Size: got -1 bytes, want 0 or more"},
		{Traffic{Kind: Paced, Size: 64}, "MessageRate: got 0, want more for paced traffic"},
		{Traffic{Kind: Paced, Rate: 1, Size: 47}, "Size: got 47 bytes, want at least 48 for paced traffic, whose messages carry their times"},
	} {
		err := c.traffic.Validate()
		if (err == nil) != (c.want == "") || (err != nil && err.Error() != c.want) {
			t.Errorf("%+v: got %v, want %s", c.traffic, err, c.want)
		}
		var field *messages.FieldError
		if err != nil && !errors.As(err, &field) {
			t.Errorf("%+v: %v names no field", c.traffic, err)
		}
	}
}

// meter keeps what it is told. It is locked only because the test reads it from elsewhere.
type meter struct {
	mu       sync.Mutex
	answers  []answer
	lags     []time.Duration
	strays   [messages.NumStrays]int
	arrivals []answer      // as far as the kernel tells: sent, and when they were received by it
	enough   chan struct{} // closed at the want-th answer
	want     int
}

type answer struct{ intended, sent, received messages.Stamp }

func (m *meter) Response(intended, sent, received messages.Stamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers = append(m.answers, answer{intended, sent, received})
	if len(m.answers) == m.want {
		close(m.enough)
	}
}

func (m *meter) Arrived(sent, arrived messages.Stamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arrivals = append(m.arrivals, answer{sent: sent, received: arrived})
}

func (m *meter) Stray(why messages.Stray) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.strays[why]++
}

func (m *meter) Lag(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lags = append(m.lags, d)
}

// play has n players of traffic run on one shard until the meter has had want answers, and gives their
// counts.
func play(t *testing.T, traffic Traffic, n, want int) (*meter, actors.Snapshot) {
	t.Helper()
	return playOver(t, transport.Options{}, traffic, n, want)
}

func playOver(t *testing.T, o transport.Options, traffic Traffic, n, want int) (*meter, actors.Snapshot) {
	t.Helper()
	srv := wstest.Serve(t, wstest.Echo)
	m := &meter{enough: make(chan struct{}), want: want}
	traffic.Meters, traffic.Players = []Meter{m}, n
	crowd, err := NewCrowd(traffic)
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := actors.NewManager(actors.Options{Shards: 1, Transport: o})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	defer mgr.Stop(ctx)
	number := 0
	ids, err := mgr.OpenMany(n, func(id messages.ConnID) actors.Behavior {
		number++
		return crowd.Player(id.Shard(), number-1)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := mgr.Tell(id, &messages.Connect{URL: srv.URL()}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-m.enough:
	case <-ctx.Done():
		t.Fatal("too few answers")
	}
	crowd.Quiet()
	if err := mgr.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	snap, err := mgr.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m, snap
}

func TestPingPong(t *testing.T) {
	m, snap := play(t, Traffic{Kind: PingPong, Size: 5}, 3, 100)
	for _, a := range m.answers {
		if a.intended > a.sent || a.sent > a.received {
			t.Fatalf("intended %d, sent %d, received %d: want them in this order", a.intended, a.sent, a.received)
		}
	}
	// Each player has at most one message under way when it is told to be quiet.
	sent := int(snap.Traffic.Sent[messages.OpText])
	if n := len(m.answers); sent < n || sent > n+3 {
		t.Errorf("sent %d, answered %d, want at most 3 more", sent, n)
	}
	if got := snap.Traffic.SentBytes; got != uint64(sent)*5 {
		t.Errorf("sent %d bytes, want %d", got, sent*5)
	}
}

// TestPaced: every message is due on the grid of its player, and is sent no earlier.
func TestPaced(t *testing.T) {
	const period = 10 * time.Millisecond
	m, _ := play(t, Traffic{Kind: Paced, Rate: 100, Size: 64}, 4, 200)
	first := m.answers[0].intended
	due := make(map[time.Duration]int) // by place in the period
	for _, a := range m.answers {
		if a.intended > a.sent || a.sent > a.received {
			t.Fatalf("intended %d, sent %d, received %d: want them in this order", a.intended, a.sent, a.received)
		}
		due[(a.intended.Sub(first)%period+period)%period]++
	}
	if len(due) != 4 {
		t.Errorf("players are due at %d places in the period, want 4: %v", len(due), due)
	}
	for at := range due {
		if at%(period/4) != 0 {
			t.Errorf("a player is due %v into the period, want a multiple of %v", at, period/4)
		}
	}
	for _, lag := range m.lags {
		if lag < 0 {
			t.Errorf("a message went out %v before it was due", -lag)
		}
	}
}

func TestIdle(t *testing.T) {
	crowd, err := NewCrowd(Traffic{Kind: Idle})
	if err != nil {
		t.Fatal(err)
	}
	if b := crowd.Player(0, 0); b != nil {
		t.Errorf("got %v, want no behaviour at all", b)
	}
}

func BenchmarkStamps(b *testing.B) {
	p := filler(64)
	b.ReportAllocs()
	for b.Loop() {
		writeStamps(p, 1, 2, 3)
		readStamps(p)
	}
}

func TestStampsDoNotAllocate(t *testing.T) {
	p := filler(64)
	if n := testing.AllocsPerRun(100, func() { writeStamps(p, 1, 2, 3); readStamps(p) }); n != 0 {
		t.Errorf("got %v allocations a message, want 0", n)
	}
}
