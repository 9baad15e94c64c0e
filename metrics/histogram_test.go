package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// quantiles that summaries quote, and the ends.
var quantiles = []float64{0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1}

// logUniform draws a duration in 1 µs..60 s, each magnitude as likely as another.
func logUniform(r *rand.Rand) time.Duration {
	return time.Duration(float64(MinValue) * math.Exp(r.Float64()*math.Log(float64(MaxValue)/float64(MinValue))))
}

func samples(seed uint64, n int) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 1))
	ds := make([]time.Duration, n)
	for i := range ds {
		ds[i] = logUniform(r)
	}
	return ds
}

func recorded(ds ...time.Duration) *Histogram {
	h := new(Histogram)
	for _, d := range ds {
		h.Record(d)
	}
	return h
}

func TestQuantileAgainstTruth(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 1000, 20_000} {
		ds := samples(uint64(n), n)
		h := recorded(ds...)
		slices.Sort(ds)
		for _, q := range quantiles {
			rank := min(max(int(q*float64(n)+0.5), 1), n)
			got, want := h.Quantile(q), ds[rank-1]
			// Upwards by less than 0.1 %, or 1 µs where that is more; never downwards.
			if got < want || got-want >= max(want/1000, time.Microsecond) {
				t.Errorf("%d samples, quantile %v: got %v, want %v", n, q, got, want)
			}
		}
	}
}

func TestQuantileEqualsHdrHistogram(t *testing.T) {
	lib := hdr.New(minMicros, maxMicros, 3)
	h := new(Histogram)
	for _, d := range samples(7, 50_000) {
		h.Record(d)
		if err := lib.RecordValue(int64(toMicros(uint64(d)))); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range quantiles[1 : len(quantiles)-1] { // at the ends ours are exact
		want := time.Duration(lib.ValueAtPercentile(q*100)) * time.Microsecond
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
}

func TestHistogramIsExact(t *testing.T) {
	ds := []time.Duration{1_000, 1_001, 1_999, 250_000, 3_141_592_653, 60_000_000_000}
	h := recorded(ds...)
	// 1000 + 1001 + 1999 + 250000 + 3141592653 + 60000000000 = 63141846653 ns, over 6 = 10523641108.8
	if got, want := h.Sum(), 63.141846653; got != want {
		t.Errorf("sum: got %v, want %v", got, want)
	}
	if got, want := h.Mean(), time.Duration(10_523_641_108); got != want {
		t.Errorf("mean: got %d, want %d", got, want)
	}
	if h.Count() != 6 || h.Min() != 1_000 || h.Max() != 60_000_000_000 || h.Under() != 0 || h.Over() != 0 {
		t.Errorf("got count %d, min %d, max %d, under %d, over %d, want 6, 1000, 60000000000, 0, 0",
			h.Count(), h.Min(), h.Max(), h.Under(), h.Over())
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if h.Count() != 0 || h.Sum() != 0 || h.Mean() != 0 || h.Min() != 0 || h.Max() != 0 || h.Quantile(0.5) != 0 {
		t.Errorf("got %d, %v, %v, %v, %v, %v, want zeros", h.Count(), h.Sum(), h.Mean(), h.Min(), h.Max(), h.Quantile(0.5))
	}
	for d, n := range h.Bins() {
		t.Errorf("got a bin %v with %d, want none", d, n)
	}
}

func TestOutOfRangeIsClampedAndCounted(t *testing.T) {
	h := recorded(-time.Second, 0, 999, 1000, time.Minute, time.Minute+1, time.Hour)
	if h.Under() != 3 || h.Over() != 2 || h.Count() != 7 {
		t.Errorf("got under %d, over %d, count %d, want 3, 2, 7", h.Under(), h.Over(), h.Count())
	}
	// -1 s counts as 0; 0 + 999 + 1000 + 60 s + 60 s + 1 + 3600 s
	if got, want := h.Sum(), 3720.000002; math.Abs(got-want) > 1e-9 {
		t.Errorf("sum: got %v, want %v", got, want)
	}
	if h.Min() != 0 || h.Max() != time.Hour {
		t.Errorf("got min %v, max %v, want 0, 1h", h.Min(), h.Max())
	}
	var bins []time.Duration
	for d := range h.Bins() {
		bins = append(bins, d)
	}
	if !slices.Equal(bins, []time.Duration{MinValue, MaxValue}) {
		t.Errorf("got bins %v, want those of the ends of the range", bins)
	}
	if got := h.Quantile(0.99); got != MaxValue {
		t.Errorf("quantile of a clamped rank: got %v, want %v", got, MaxValue)
	}
}

// TestSumDoesNotWrap: 64 bits of ns last 584 years of waiting, which 100,000 players that each wait a
// minute reach in a little over an hour of such rounds.
func TestSumDoesNotWrap(t *testing.T) {
	h := new(Histogram)
	for range 5 {
		h.Record(math.MaxInt64) // 5 · 9223372036.854775807 s
	}
	if got, want := h.Sum(), 46116860184.27388; math.Abs(got-want) > 1 {
		t.Errorf("sum: got %v, want %v", got, want)
	}
	two := recorded()
	two.Merge(h)
	two.Merge(h)
	two.Sub(h)
	if two.Sum() != h.Sum() {
		t.Errorf("sum after merge and sub: got %v, want %v", two.Sum(), h.Sum())
	}
}

// drawDurations draws some durations, out of range ones among them.
func drawDurations(t *rapid.T, label string) []time.Duration {
	return rapid.SliceOfN(rapid.OneOf(
		rapid.Map(rapid.Int64Range(-1_000, 100_000_000), func(v int64) time.Duration { return time.Duration(v) }),
		rapid.Map(rapid.Int64Range(0, 90_000_000_000), func(v int64) time.Duration { return time.Duration(v) }),
	), 0, 30).Draw(t, label)
}

func TestMergeEqualsUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDurations(t, "a"), drawDurations(t, "b")
		got := recorded(a...)
		got.Merge(recorded(b...))
		if want := recorded(append(a, b...)...); *got != *want {
			t.Fatalf("merged: got %d with sum %v, want %d with %v", got.Count(), got.Sum(), want.Count(), want.Sum())
		}
	})
}

// TestSubIsTheInterval: all but the extremes is exact; those are in the right bins.
func TestSubIsTheInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDurations(t, "before"), drawDurations(t, "during")
		got, want := recorded(append(a, b...)...), recorded(b...)
		got.Sub(recorded(a...))
		if want.Count() > 0 {
			if toMicros(got.min) > toMicros(want.min) || binOf(toMicros(got.min)) != binOf(toMicros(want.min)) {
				t.Fatalf("min: got %v, want %v", got.Min(), want.Min())
			}
			if got.max < want.max || binOf(toMicros(got.max)) != binOf(toMicros(want.max)) {
				t.Fatalf("max: got %v, want %v", got.Max(), want.Max())
			}
			got.min, got.max = want.min, want.max
		}
		if *got != *want {
			t.Fatalf("interval: got %d with sum %v, want %d with %v", got.Count(), got.Sum(), want.Count(), want.Sum())
		}
	})
}

func TestSubOfAnotherRunGivesZeros(t *testing.T) {
	h := recorded(time.Second)
	h.Sub(recorded(time.Second, time.Second, 2*time.Second))
	if *h != (Histogram{}) {
		t.Errorf("got count %d, sum %v, want nothing", h.Count(), h.Sum())
	}
}

func TestHistogramSize(t *testing.T) {
	// 17·1024 bins of 8 bytes, and 7 words.
	if got, want := unsafe.Sizeof(Histogram{}), uintptr(17*1024*8+7*8); got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
}

func TestHistogramDoesNotAllocate(t *testing.T) {
	h, other := recorded(samples(1, 1000)...), recorded(samples(2, 1000)...)
	var d time.Duration
	for name, f := range map[string]func(){
		"record":   func() { d += 77 * time.Microsecond; h.Record(d) },
		"merge":    func() { h.Merge(other) },
		"sub":      func() { h.Sub(other) },
		"quantile": func() { h.Quantile(0.99) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkHistogramRecord(b *testing.B) {
	h := new(Histogram)
	ds := samples(1, 1024)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		h.Record(ds[i&1023])
		i++
	}
}

func BenchmarkHistogramMerge(b *testing.B) {
	h, other := new(Histogram), recorded(samples(1, 100_000)...)
	b.ReportAllocs()
	for b.Loop() {
		h.Merge(other)
	}
}

// BenchmarkHdrHistogramMerge is the library at the same work: why the bins are our own.
func BenchmarkHdrHistogramMerge(b *testing.B) {
	h, other := hdr.New(minMicros, maxMicros, 3), hdr.New(minMicros, maxMicros, 3)
	for _, d := range samples(1, 100_000) {
		if err := other.RecordValue(int64(toMicros(uint64(d)))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Merge(other)
	}
}

func BenchmarkHistogramQuantile(b *testing.B) {
	h := recorded(samples(1, 100_000)...)
	b.ReportAllocs()
	for b.Loop() {
		h.Quantile(0.99)
	}
}
