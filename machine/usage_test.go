package machine

import (
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var second = []float64{math.Inf(-1), 0, .001, .002, .004, math.Inf(1)}

func durations(counts ...uint64) Durations {
	d := Durations{bounds: second}
	copy(d.counts[:], counts)
	return d
}

func TestSince(t *testing.T) {
	const all = Fact(1<<numFacts - 1)
	at := time.Now()
	before := Usage{
		At: at, Known: all, CPU: 10 * time.Second, RunQueue: time.Second, VoluntarySwitches: 100, InvoluntarySwitches: 10, Procs: 4,
		GCCycles: 3, GCCPU: time.Second, GCPaused: time.Millisecond, GCPauses: durations(0, 0, 0, 0, 5),
		HostBusy: 100 * time.Second, HostIdle: 50 * time.Second, HostIOWait: 9 * time.Second, HostSteal: time.Second,
		CPUs: 1.5, Periods: 10, ThrottledPeriods: 1, Throttled: time.Second, Pressure: time.Second,
	}
	after := before
	after.At = at.Add(2 * time.Second)
	after.CPU += 1500 * time.Millisecond
	after.RunQueue += 4500 * time.Millisecond
	after.VoluntarySwitches += 50
	after.InvoluntarySwitches += 20
	after.GCCycles++
	after.GCCPU += 150 * time.Millisecond
	after.GCPaused += 3 * time.Millisecond
	after.GCPauses = durations(0, 1, 1, 0, 5)
	after.HostBusy += 2 * time.Second
	after.HostIdle += time.Second
	after.HostIOWait -= time.Second // the kernel takes some back
	after.HostSteal += time.Second
	after.Periods += 20
	after.ThrottledPeriods += 5
	after.Throttled += time.Second
	after.Pressure += time.Second

	full := Interval{
		Wall: 2 * time.Second, Known: all,
		Cores:    .75,                  // 1.5 s in 2 s
		CPUShare: .5,                   // of the quota of 1.5 cores
		Waiting:  2.25, WaitShare: .75, // 4.5 s in 2 s; of 4.5 s + 1.5 s
		VoluntarySwitches: 25, InvoluntarySwitches: 10,
		GCCycles: 1, GCShare: .1, GCPauseShare: .0015, WorstGCPause: 2 * time.Millisecond, SchedLatency: Durations{},
		HostBusy: .5, HostSteal: .25, // 2, 1 of 2 + 1 + 1
		ThrottledShare: .25, Throttled: time.Second, Pressure: .5,
	}
	little := Interval{
		Wall: 2 * time.Second, GCCycles: 1, GCPauseShare: .0015, WorstGCPause: 2 * time.Millisecond,
	}
	for _, c := range []struct {
		name   string
		change func(before, after *Usage)
		want   Interval
	}{
		{"all known", func(_, _ *Usage) {}, full},
		{"GOMAXPROCS 1 is less than the quota", func(a, b *Usage) { a.Procs, b.Procs = 1, 1 }, func() Interval {
			i := full
			i.CPUShare = .75
			return i
		}()},
		{"nothing known before", func(a, _ *Usage) { a.Known = 0 }, little},
		{"nothing known after", func(_, b *Usage) { b.Known = 0 }, little},
		{"no time passed", func(a, b *Usage) { b.At = a.At }, Interval{}},
		{"time went back", func(a, b *Usage) { b.At = a.At.Add(-1) }, Interval{}},
		{"no quota known: no share of it", func(a, _ *Usage) { a.Known &^= FactCPUs }, func() Interval {
			i := full
			i.Known, i.CPUShare = all&^FactCPUs, 0
			return i
		}()},
		{"less than a tick of the host's", func(a, b *Usage) {
			b.HostBusy, b.HostIdle, b.HostIOWait, b.HostSteal = a.HostBusy, a.HostIdle, a.HostIOWait, a.HostSteal
		}, func() Interval {
			i := full
			i.Known, i.HostBusy, i.HostSteal = all&^FactHostCPU, 0, 0
			return i
		}()},
		{"more collecting than CPU time", func(_, b *Usage) { b.GCCPU += time.Hour }, func() Interval {
			i := full
			i.GCShare = 1
			return i
		}()},
	} {
		a, b := before, after
		c.change(&a, &b)
		got := b.Since(&a)
		if d := cmp.Diff(c.want, got, cmp.Comparer(func(a, b Durations) bool { return a.counts == b.counts }),
			cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestDurations(t *testing.T) {
	earlier, later := durations(1, 2, 3, 0, 1), durations(1, 4, 4, 1, 1) // 2 below 1 ms, 1 below 2 ms, 1 below 4 ms
	d := later.Since(&earlier)
	for _, c := range []struct {
		name      string
		got, want time.Duration
	}{
		{"half", d.Quantile(.5), time.Millisecond},
		{"three quarters", d.Quantile(.75), 2 * time.Millisecond},
		{"99 %", d.Quantile(.99), 4 * time.Millisecond},
		{"all", d.Quantile(1), 4 * time.Millisecond},
		{"longest", d.Max(), 4 * time.Millisecond},
		{"beyond the last bound", later.Max(), 4 * time.Millisecond},
		{"none", new(Durations).Max(), 0},
		{"a quantile of none", new(Durations).Quantile(.5), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
	if d.Count() != 4 {
		t.Errorf("got %d, want 4", d.Count())
	}
	var rest Durations
	counts := make([]uint64, maxBuckets+5)
	counts[maxBuckets-1], counts[maxBuckets+4] = 1, 2
	rest.fill(&metrics.Float64Histogram{Counts: counts}, nil)
	if rest.Count() != 3 {
		t.Errorf("more buckets than room: got %d, want 1+2", rest.Count())
	}
}

func TestFacts(t *testing.T) {
	if got := (FactCPU | FactSockets).String(); got != "cpu, sockets" {
		t.Errorf("got %q", got)
	}
	for f := FactCPU; f < 1<<numFacts; f <<= 1 {
		if f.String() == "" || !f.Has(f) || f.Absent().Has(f) || !Fact(0).Absent().Has(f) {
			t.Errorf("fact %b: %q", f, f)
		}
	}
}

var sink []byte

// TestSampleRuntime: a collection is counted, with its pauses, and a sample allocates nothing.
func TestSampleRuntime(t *testing.T) {
	s := NewSampler()
	defer s.Close()
	var a, b Usage
	s.Sample(&a)
	sink = make([]byte, 8<<20)
	runtime.GC()
	s.Sample(&b)
	runtime.KeepAlive(sink)
	i := b.Since(&a)
	if i.GCCycles < 1 || i.WorstGCPause <= 0 || i.GCPauseShare <= 0 || b.Goroutines < 1 || b.Procs != runtime.GOMAXPROCS(0) ||
		b.HeapBytes < 8<<20 || b.GCCPU <= a.GCCPU || b.GCPauses.Count() <= a.GCPauses.Count() {
		t.Errorf("got %+v", i)
	}
	if !b.Known.Has(FactCPU) {
		t.Errorf("known: got %v, want cpu at least", b.Known)
	}
	if n := len(s.bounds[0]) - 1; n > maxBuckets || len(s.bounds[1])-1 > maxBuckets {
		t.Errorf("the runtime has %d buckets, want at most %d", n, maxBuckets)
	}
	if n := testing.AllocsPerRun(20, func() { s.Sample(&b) }); n != 0 {
		t.Errorf("a sample makes %v allocations, want 0", n)
	}
}
