package metrics

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/messages"
)

func TestScenarioShardCounts(t *testing.T) {
	s := playedScenario(t)
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	const ms = time.Millisecond
	login, chat, world := &s.Requests[0], &s.Deliveries[0], &s.Ticks[0]
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"logins answered", login.Response.Count(), uint64(2)},
		{"response", []time.Duration{login.Response.Min(), login.Response.Mean(), login.Response.Max()}, []time.Duration{4 * ms, 5 * ms, 6 * ms}}, // 4-0, 16-10
		{"round trip", []time.Duration{login.RoundTrip.Min(), login.RoundTrip.Max()}, []time.Duration{3 * ms, 4 * ms}},                            // 4-1, 16-12
		{"logins lost", login.Lost, uint64(1)},
		{"trades", s.Requests[1].Response.Count() + s.Requests[1].Lost, uint64(0)},
		{"checks", s.Checks, []CheckSeries{{"has a name", 2, 1}, {"is rich", 0, 0}}},
		{"published", chat.Published, uint64(2)},
		{"expected", chat.Expected, uint64(5)}, // 3 + 2
		{"orders", chat.Orders, [messages.NumOrders]uint64{messages.OrderKept: 3, messages.OrderLate: 1, messages.OrderDuplicate: 1, messages.OrderCorrupt: 1}},
		{"unique", chat.Unique(), uint64(4)},        // 3 + 1
		{"lost", chat.Lost(), uint64(0)},            // 5 - 4 - 1
		{"delivery sum", chat.Latency.Sum(), 0.023}, // 7 + 2 + 9 + 5 ms; not the duplicate's 50
		{"staleness", chat.Latency.Max(), 9 * ms},
		{"ticks", world.Deviation.Count(), uint64(3)},
		{"tick deviation", world.Deviation.Sum(), 0.008}, // 3 + 1 + 4 ms
		{"tick drift", world.Drift(), 2 * ms},            // (3 - 1 + 4) / 3
		{"drift of none", s.Ticks[1].Drift(), time.Duration(0)},
		{"iterations", s.Iterations, uint64(3)},
		{"players lost", s.PlayersLost, uint64(1)},
		{"faults", s.Faults, uint64(2)},
		{"malformed", s.Malformed, uint64(0)},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
	}
}

// TestLostIsNeverNegative: 1 was expected; 2 came, as one member joined meanwhile.
func TestLostIsNeverNegative(t *testing.T) {
	s := scenarioOf(t, playNames)
	shard, sum := s.NewShard(), s.NewSnapshot()
	shard.Published(0, 1)
	shard.Delivered(0, time.Millisecond, messages.OrderKept)
	shard.Delivered(0, time.Millisecond, messages.OrderKept)
	shard.AddTo(sum)
	if got := sum.Deliveries[0].Lost(); got != 0 {
		t.Errorf("got %d lost, want 0", got)
	}
	if err := sum.Check(); err != nil {
		t.Error(err)
	}
}

// TestScenarioShardSurvivesNonsense: what no correct loadrig says is counted, and Check tells.
func TestScenarioShardSurvivesNonsense(t *testing.T) {
	s := scenarioOf(t, playNames)
	shard, sum := s.NewShard(), s.NewSnapshot()
	for _, i := range []int{-1, 2, math.MaxInt, math.MinInt} { // 4 times 6
		shard.Request(i, 0, 1, 2)
		shard.RequestLost(i)
		shard.Check(i, true)
		shard.Published(i, 1)
		shard.Delivered(i, 1, messages.OrderKept)
		shard.Tick(i, 1)
	}
	shard.Published(0, -1)
	shard.Delivered(0, 1, messages.NumOrders)
	shard.AddTo(sum)
	if got, want := fmt.Sprint(sum.Check()), "counts of the scenario do not add up: malformed measurements: got 26, want 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	sum.Malformed = 0
	if empty := s.NewSnapshot(); !equal(sum, empty) {
		t.Error("nonsense was counted")
	}
}

// TestTickExtremes: what no clock gives does not overflow the sums either.
func TestTickExtremes(t *testing.T) {
	s := scenarioOf(t, playNames)
	shard := s.NewShard()
	for range 3 {
		shard.Tick(0, math.MaxInt64)
	}
	// 3 · 2^63 is beyond 64 bits.
	if got := shard.counts.Ticks[0].drift.nanos(); got != 3*(1<<63) {
		t.Errorf("got a sum of %v ns, want %v", got, 3.0*(1<<63))
	}
	for range 3 {
		shard.Tick(0, math.MinInt64)
	}
	// 3 · (2^63 - 1) - 3 · 2^63 = -3
	if got := shard.counts.Ticks[0].drift.nanos(); got != -3 {
		t.Errorf("got a sum of %v ns, want -3", got)
	}
	if got := shard.counts.Ticks[0].Deviation.Max(); got != math.MaxInt64 {
		t.Errorf("got a deviation of %d, want %d", got, math.MaxInt64)
	}
}

// TestDriftIsExact holds drift to math/big.
func TestDriftIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum, part drift
		exact := new(big.Int)
		for _, v := range rapid.SliceOf(rapid.Int64()).Draw(t, "ns") {
			d := driftOf(time.Duration(v))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				sum.add(&d)
				exact.Add(exact, big.NewInt(v))
			case 1:
				sum.sub(&d)
				exact.Sub(exact, big.NewInt(v))
			default: // by way of another sum
				part.add(&d)
				exact.Add(exact, big.NewInt(v))
			}
		}
		sum.add(&part)
		want, _ := new(big.Float).SetInt(exact).Float64()
		if got := sum.nanos(); math.Abs(got-want) > math.Abs(want)/(1<<50) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestScenarioSize(t *testing.T) {
	// A histogram is 136 KiB and some fields; a request has two, a delivery and a tick one each.
	one := int(unsafe.Sizeof(Histogram{}))
	for _, c := range []struct {
		name            string
		got, histograms int
	}{
		{"request", int(unsafe.Sizeof(RequestSeries{})), 2},
		{"check", int(unsafe.Sizeof(CheckSeries{})), 0},
		{"delivery", int(unsafe.Sizeof(DeliverySeries{})), 1},
		{"tick", int(unsafe.Sizeof(TickSeries{})), 1},
		{"population", int(unsafe.Sizeof(PopulationSeries{})), 2},
	} {
		if least := c.histograms * one; c.got < least || c.got > least+64 {
			t.Errorf("%s: got %d bytes, want %d to %d", c.name, c.got, least, least+64)
		}
	}
	// 64 · (2 + 1 + 1 + 2) · 136 KiB = 51 MiB, as the documentation says.
	all := MaxNames * int(unsafe.Sizeof(RequestSeries{})+unsafe.Sizeof(CheckSeries{})+unsafe.Sizeof(DeliverySeries{})+unsafe.Sizeof(TickSeries{})+unsafe.Sizeof(PopulationSeries{}))
	if all>>20 != 51 {
		t.Errorf("64 of each: got %d bytes, want 51 MiB", all)
	}
}

// scenarioPath is each recording method.
func scenarioPath(s *ScenarioShard) map[string]func() {
	var now messages.Stamp
	return map[string]func(){
		"request":      func() { now += 1000; s.Request(1, 0, now/2, now) },
		"request lost": func() { s.RequestLost(1) },
		"check":        func() { s.Check(1, true); s.Check(1, false) },
		"published":    func() { s.Published(0, 100) },
		"delivered":    func() { s.Delivered(0, time.Millisecond, messages.OrderKept) },
		"duplicate":    func() { s.Delivered(0, time.Millisecond, messages.OrderDuplicate) },
		"tick":         func() { s.Tick(1, time.Millisecond); s.Tick(1, -time.Millisecond) },
		"fault":        s.Fault,
		"iteration":    func() { s.Began(0); s.Answered(0, 0, 1, 2); s.Iteration(0) },
		"lost":         func() { s.Began(0); s.Lost(0); s.Ended(0) },
	}
}

func TestScenarioShardDoesNotAllocate(t *testing.T) {
	s := scenarioOf(t, playNames)
	shard, sum, other := s.NewShard(), s.NewSnapshot(), s.NewSnapshot()
	for name, f := range scenarioPath(shard) {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, n)
		}
	}
	if n := testing.AllocsPerRun(5, func() { sum.Reset(); shard.AddTo(sum); other.CopyFrom(sum); sum.Sub(other) }); n != 0 {
		t.Errorf("reset, add, copy and subtract: got %v allocations, want 0", n)
	}
}

func BenchmarkScenarioShard(b *testing.B) {
	for name, f := range scenarioPath(scenarioOf(b, playNames).NewShard()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// BenchmarkScenarioShardAddTo is how long a gathering stalls the shard: with 3 and with 64 names of each kind,
// and latencies as a run has them, 50 µs to 50 ms.
func BenchmarkScenarioShardAddTo(b *testing.B) {
	for _, n := range []int{3, MaxNames} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := scenarioOf(b, Names{many(n), many(n), many(n), many(n), many(n)})
			shard, sum := s.NewShard(), s.NewSnapshot()
			for i, d := range samples(1, 100_000) {
				if d > 50*time.Millisecond || d < 50*time.Microsecond {
					continue
				}
				shard.Request(i%n, 0, 0, messages.Stamp(d))
				shard.Delivered(i%n, d, messages.OrderKept)
				shard.Tick(i%n, d)
			}
			b.ReportAllocs()
			for b.Loop() {
				shard.AddTo(sum)
			}
		})
	}
}
