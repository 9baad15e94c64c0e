package metrics

import (
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
)

func TestShardCounts(t *testing.T) {
	s := scripted()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	if got := s.Players(); got != 5 {
		t.Errorf("players: got %d, want 5", got)
	}
	const idle, connecting, connected, disconnected = messages.Idle, messages.Connecting, messages.Connected, messages.Disconnected
	var moves [messages.NumStates][messages.NumStates]uint64
	moves[idle][connecting] = 5
	moves[connecting][connected] = 3
	moves[connecting][disconnected] = 2
	moves[connected][disconnected] = 2
	moves[disconnected][connecting] = 1
	var refused [messages.NumCommands][messages.NumStates]uint64
	refused[messages.KindSendJSON][disconnected] = 1
	var failures [messages.NumPhases][messages.NumCauses]uint64
	failures[messages.PhaseUpgrade][messages.CauseUpgradeStatus] = 1
	failures[messages.PhaseConnect][messages.CauseLocal] = 1
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"states", s.States, [messages.NumStates]int64{idle: 0, connecting: 1, connected: 1, disconnected: 3}},
		{"added", s.Added, uint64(6)},
		{"removed", s.Removed, [messages.NumStates]uint64{idle: 1}},
		{"transitions", s.Transitions, moves},
		{"refused", s.Refused, refused},
		{"failures", s.HandshakeFailures, failures},
		{"disconnects", s.Disconnects, [messages.NumCauses]uint64{messages.CauseRemote: 2, messages.CauseUpgradeStatus: 1, messages.CauseLocal: 1}},
		{"handshakes", s.Handshake.Count(), uint64(3)},
		{"compressed", s.Compressed, uint64(1)},
		{"handshake sum", s.Handshake.Sum(), 0.014}, // 2 + 2 + 10 ms
		{"phases", phaseCounts(s), [messages.NumPhases]uint64{0, 3, 1, 3}},
		{"round trip", s.RoundTrip.Max(), 500 * time.Microsecond},
		{"response", s.Response.Max(), 700 * time.Microsecond},
		{"kernel round trip", s.KernelRoundTrip.Max(), 400 * time.Microsecond},
		{"kernel round trips", s.KernelRoundTrip.Count(), uint64(1)},
		{"read lag", s.ReadLag.Max(), 100 * time.Microsecond},
		{"turn", s.LoopTurn.Max(), 30 * time.Microsecond},
		{"lag", s.ScheduleLag.Max(), 200 * time.Microsecond},
		{"malformed", s.Malformed, uint64(0)},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
	}
}

func phaseCounts(s *Snapshot) (n [messages.NumPhases]uint64) {
	for p := range s.Phases {
		n[p] = s.Phases[p].Count()
	}
	return n
}

// TestShardSurvivesNonsense: an event that no correct loadrig gives is counted, and Check tells.
func TestShardSurvivesNonsense(t *testing.T) {
	var s Shard
	for _, ev := range []messages.Event{
		&messages.StateChanged{From: 9}, &messages.StateChanged{To: 200},
		&messages.Closed{}, &messages.Closed{Cause: 99}, &messages.Closed{Cause: messages.CauseEOF, Phase: 4},
		&messages.Refused{Command: 7}, &messages.Refused{State: 4},
	} {
		s.Observe(ev)
	}
	s.Removed(4)
	sum := new(Snapshot)
	s.AddTo(sum)
	if got, want := sum.Check().Error(), "counts do not add up: malformed events: got 8, want 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShardSize(t *testing.T) {
	// Twelve histograms of 136 KiB, 13 KiB of lifetimes, and less than 8 KiB of counters and close codes.
	most := 12*unsafe.Sizeof(Histogram{}) + unsafe.Sizeof(Lifetimes{})
	if got := unsafe.Sizeof(Shard{}); got < most || got > most+8<<10 {
		t.Errorf("got %d bytes, want %d to %d", got, most, most+8<<10)
	}
	if unsafe.Sizeof(Snapshot{}) != unsafe.Sizeof(Shard{}) {
		t.Errorf("snapshot: got %d bytes, want those of a shard, %d", unsafe.Sizeof(Snapshot{}), unsafe.Sizeof(Shard{}))
	}
}

// hotPath is each recording method, with the events reused as the shard reuses them.
func hotPath(s *Shard) map[string]func() {
	var (
		changed  = &messages.StateChanged{From: messages.Idle, To: messages.Connecting}
		opened   = &messages.Opened{Handshake: messages.Handshake{Phases: [messages.NumPhases]time.Duration{1e3, 1e4, 1e5, 1e6}, Total: 2e6}}
		ended    = &messages.Closed{Cause: messages.CauseRemote, Opened: true, Code: messages.CloseNormal}
		lasted   = &messages.Closed{Cause: messages.CauseReset, Opened: true, Code: messages.CloseAbnormal}
		private  = &messages.Closed{Cause: messages.CauseRemote, Opened: true}
		failed   = &messages.Closed{Cause: messages.CauseRefused, Phase: messages.PhaseConnect}
		refused  = &messages.Refused{Command: messages.KindPing, State: messages.Idle}
		message  = &messages.Message{Op: messages.OpText}
		received messages.Stamp
	)
	return map[string]func(){
		"added":         func() { s.Added(1) },
		"removed":       func() { s.Removed(messages.Idle) },
		"state changed": func() { s.Observe(changed) },
		"opened": func() { // one each 100 ms: cohorts widen and move
			opened.Handshake.Start += messages.Stamp(100 * time.Millisecond)
			s.Observe(opened)
		},
		"session": func() {
			opened.Handshake.Start += messages.Stamp(100 * time.Millisecond)
			s.Observe(opened)
			lasted.At, lasted.Lasted = opened.Handshake.End().Add(time.Minute), time.Minute
			s.Observe(lasted)
		},
		"closed":       func() { s.Observe(ended) },
		"private code": func() { private.Code = 4000 + (private.Code+1)%1000; s.Observe(private) },
		"failed":       func() { s.Observe(failed) },
		"refused":      func() { s.Observe(refused) },
		"message":      func() { s.Observe(message) },
		"response":     func() { received += 1000; s.Response(0, received/2, received) },
		"arrived":      func() { s.Arrived(0, received) },
		"read lag":     func() { s.ReadLag(time.Millisecond) },
		"turn":         func() { s.Turn(time.Millisecond) },
		"lag":          func() { s.Lag(time.Millisecond) },
	}
}

func TestShardDoesNotAllocate(t *testing.T) {
	s, sum := new(Shard), new(Snapshot)
	for name, f := range hotPath(s) {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, n)
		}
	}
	if n := testing.AllocsPerRun(5, func() { sum.Reset(); s.AddTo(sum) }); n != 0 {
		t.Errorf("reset and add: got %v allocations, want 0", n)
	}
}

func BenchmarkShard(b *testing.B) {
	for name, f := range hotPath(new(Shard)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// BenchmarkShardAddTo is how long a gathering stalls the shard: with latencies as a run has them,
// 50 µs to 50 ms, and with every bin up to 60 s in use.
func BenchmarkShardAddTo(b *testing.B) {
	for name, limit := range map[string]time.Duration{"usual": 50 * time.Millisecond, "worst": MaxValue} {
		b.Run(name, func(b *testing.B) {
			s, sum := new(Shard), new(Snapshot)
			for _, d := range samples(1, 100_000) {
				if d > limit || d < 50*time.Microsecond && limit < MaxValue {
					continue
				}
				s.Response(0, 0, messages.Stamp(d))
				s.Lag(d)
				s.Arrived(0, messages.Stamp(d))
				s.ReadLag(d)
				s.Turn(d)
				s.Observe(&messages.Opened{Handshake: messages.Handshake{Phases: [messages.NumPhases]time.Duration{d, d, d, d}, Total: d}})
			}
			b.ReportAllocs()
			for b.Loop() {
				s.AddTo(sum)
			}
		})
	}
}
