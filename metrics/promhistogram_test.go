package metrics

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

var testDesc = prometheus.NewDesc("test_seconds", "Test.", nil, nil)

func written(t *testing.T, h *Histogram) *dto.Histogram {
	t.Helper()
	var m dto.Metric
	if err := newPromHistogram(testDesc, h).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.Histogram
}

// nativeCounts undoes the encoding of spans and deltas, by bucket index.
func nativeCounts(h *dto.Histogram) map[int]uint64 {
	counts := map[int]uint64{}
	at, index, n := 0, 0, int64(0)
	for _, span := range h.PositiveSpan {
		index += int(span.GetOffset())
		for range span.GetLength() {
			n += h.PositiveDelta[at]
			if n != 0 {
				counts[index] = uint64(n)
			}
			at++
			index++
		}
	}
	return counts
}

// atMost counts the durations up to d.
func atMost(ds []time.Duration, d time.Duration) (n uint64) {
	for _, v := range ds {
		if v <= d {
			n++
		}
	}
	return n
}

// TestClassicBuckets: each is cumulative, and holds all up to its bound; exactly so up to 2 ms, above
// with those that exceed the bound by less than 0.1 %.
func TestClassicBuckets(t *testing.T) {
	ds := samples(11, 50_000)
	for _, b := range classicMicros { // on the bounds, and just beside
		d := time.Duration(b) * time.Microsecond
		ds = append(ds, d, d-1, d+1)
	}
	h := written(t, recorded(ds...))
	if len(h.Bucket) != 18 || h.Bucket[0].GetUpperBound() != 0.0001 || h.Bucket[17].GetUpperBound() != 60 {
		t.Fatalf("got buckets %v, want 18 from 100 µs to 60 s", h.Bucket)
	}
	for i, b := range h.Bucket {
		bound := time.Duration(classicMicros[i]) * time.Microsecond
		least, most := atMost(ds, bound), atMost(ds, bound+bound/1000)
		if bound <= 2*time.Millisecond || bound == MaxValue {
			most = least
		}
		if got := b.GetCumulativeCount(); got < least || got > most {
			t.Errorf("le=%v: got %d, want %d..%d", bound, got, least, most)
		}
	}
	if got, want := h.GetSampleCount(), uint64(len(ds)); got != want {
		t.Errorf("count: got %d, want %d", got, want)
	}
}

// TestNativeBuckets: decoded, they are the samples sorted into the bounds 2^(i/8), by the lowest
// value of each sample's bin.
func TestNativeBuckets(t *testing.T) {
	ds := append(samples(12, 50_000), time.Microsecond, time.Second, time.Minute)
	h := written(t, recorded(ds...))
	const first = -200 // below 1 µs
	var bounds []float64
	for i := first; i < 100; i++ {
		bounds = append(bounds, math.Pow(2, float64(i)/8))
	}
	want := map[int]uint64{}
	for _, d := range ds {
		lowest, _ := binEdges(binOf(toMicros(uint64(d))))
		i, _ := slices.BinarySearch(bounds, float64(lowest)/1e6) // the first bound not below
		want[first+i]++
	}
	if d := cmp.Diff(want, nativeCounts(h)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if h.GetSchema() != 3 || h.GetZeroCount() != 0 || h.GetZeroThreshold() <= 0 {
		t.Errorf("got schema %d, zero %d within %v, want 3, 0 within a threshold", h.GetSchema(), h.GetZeroCount(), h.GetZeroThreshold())
	}
}

// TestNativeSpans: small holes are filled, large ones end a span.
func TestNativeSpans(t *testing.T) {
	counts := make([]uint64, numNative)
	put := func(index int, n uint64) { counts[index-nativeFirst] = n }
	put(nativeFirst, 5)
	put(nativeFirst+3, 2) // two empty buckets between: filled
	put(0, 7)
	put(1, 9)
	put(nativeLast, 1)
	runs, deltas := spans(counts)
	var got [][2]int
	for _, r := range runs {
		got = append(got, [2]int{int(r.GetOffset()), int(r.GetLength())})
	}
	// -159 is absolute; from -155 to 0 are 155; from 2 to 49 are 47.
	if d := cmp.Diff([][2]int{{-159, 4}, {155, 2}, {47, 1}}, got); d != "" {
		t.Errorf("spans: (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]int64{5, -5, 0, 2, 5, 2, -8}, deltas); d != "" {
		t.Errorf("deltas: (-want +got)\n%s", d)
	}
}

// TestAboveTheRange: what is above 60 s is in +Inf and in the last native bucket, and what is exactly
// 60 s is not.
func TestAboveTheRange(t *testing.T) {
	h := written(t, recorded(time.Minute, time.Minute+1, time.Hour))
	if got := h.Bucket[17].GetCumulativeCount(); got != 1 {
		t.Errorf("le=60: got %d, want 1", got)
	}
	if d := cmp.Diff(map[int]uint64{48: 1, 49: 2}, nativeCounts(h)); d != "" {
		t.Errorf("native: (-want +got)\n%s", d)
	}
	if h.GetSampleCount() != 3 {
		t.Errorf("count: got %d, want 3", h.GetSampleCount())
	}
}

// TestNativeRange: the indices at the ends of the range are those the array is sized for.
func TestNativeRange(t *testing.T) {
	if got := nativeBucket(minMicros); got != nativeFirst {
		t.Errorf("1 µs: got bucket %d, want %d", got, nativeFirst)
	}
	if got := nativeBucket(maxMicros); got != nativeLast-1 {
		t.Errorf("60 s: got bucket %d, want %d", got, nativeLast-1)
	}
	for i, seconds := range map[int]float64{0: 1, 8: 2, -8: 0.5, 40: 32} {
		if got := nativeBucket(uint64(seconds * 1e6)); got != i {
			t.Errorf("%v s: got bucket %d, want %d, whose bound it is", seconds, got, i)
		}
		if got := nativeBucket(uint64(seconds*1e6) + 1); got != i+1 {
			t.Errorf("%v s and 1 µs: got bucket %d, want %d", seconds, got, i+1)
		}
	}
}
