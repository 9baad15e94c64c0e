package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// classicMicros are the upper bounds of the classic buckets, in µs: 100 µs to 60 s.
var classicMicros = [...]uint64{
	100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
	1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, maxMicros,
}

// Native buckets grow by 2^(1/8), 9 %, as client_golang's do for a factor of 1.1: bucket i holds
// (2^((i-1)/8), 2^(i/8)] seconds.
const (
	nativeSchema = 3
	nativeFirst  = -159 // holds 1 µs
	nativeLast   = 49   // the first wholly above 60 s, for what is above MaxValue
	numNative    = nativeLast - nativeFirst + 1

	// A hole of up to two empty buckets is cheaper inside a span than between two.
	maxHole = 2
)

// promHistogram is a histogram metric that has classic buckets and native ones: the const histograms
// of client_golang have either. The text format shows the classic buckets, the protobuf format both.
//
// A bin of Histogram that straddles the bound of a bucket counts below it. So a classic bucket has
// every duration up to its bound, which is exact up to 2 ms, and above that maybe some that exceed
// the bound by less than 0.1 %. What is above MaxValue is in the bucket +Inf only, and in native
// bucket 49 (64 s to 70 s).
type promHistogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	data   *dto.Histogram
}

// newPromHistogram copies what it needs from h.
func newPromHistogram(desc *prometheus.Desc, h *Histogram, labelValues ...string) prometheus.Metric {
	return &promHistogram{desc: desc, labels: prometheus.MakeLabelPairs(desc, labelValues), data: h.Prometheus()}
}

// Prometheus gives h as Prometheus keeps histograms, with classic buckets and native ones; see promHistogram. It has
// nothing of h.
func (h *Histogram) Prometheus() *dto.Histogram {
	data := &dto.Histogram{
		SampleCount:   proto.Uint64(h.Count()),
		SampleSum:     proto.Float64(h.Sum()),
		Schema:        proto.Int32(nativeSchema),
		ZeroThreshold: proto.Float64(prometheus.DefNativeHistogramZeroThreshold),
		ZeroCount:     proto.Uint64(0),
	}
	var classic [len(classicMicros)]uint64
	var native [numNative]uint64
	first, last := h.span()
	for i := first; i < last; i++ {
		n := h.bins[i]
		if n == 0 {
			continue
		}
		lowest, _ := binEdges(i)
		if i == binOf(maxMicros) {
			n -= h.over
			native[numNative-1] = h.over
		}
		classic[classicBucket(lowest)] += n
		native[nativeBucket(lowest)-nativeFirst] += n
	}
	var upTo uint64
	for i, n := range classic {
		upTo += n
		data.Bucket = append(data.Bucket, &dto.Bucket{
			CumulativeCount: proto.Uint64(upTo),
			UpperBound:      proto.Float64(float64(classicMicros[i]) / 1e6),
		})
	}
	data.PositiveSpan, data.PositiveDelta = spans(native[:])
	return data
}

// Desc implements prometheus.Metric.
func (m *promHistogram) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric.
func (m *promHistogram) Write(out *dto.Metric) error {
	out.Label = m.labels
	out.Histogram = m.data
	return nil
}

// classicBucket gives the bucket that a value in µs, at most maxMicros, belongs to.
func classicBucket(micros uint64) int {
	for i, bound := range classicMicros {
		if micros <= bound {
			return i
		}
	}
	return len(classicMicros) - 1
}

// nativeBucket gives the index of the native bucket that a value in µs belongs to. The powers of two
// among the bounds are exact in a float64; no other bound is a whole number of µs.
func nativeBucket(micros uint64) int {
	return int(math.Ceil(math.Log2(float64(micros)/1e6) * (1 << nativeSchema)))
}

// spans encodes bucket counts as the protobuf format has them: runs of buckets, each with the
// distance from the last, and each count as the difference from the one before it.
func spans(counts []uint64) (runs []*dto.BucketSpan, deltas []int64) {
	next, previous := 0, int64(0) // the index that would continue the run; the last count
	push := func(n int64) {
		*runs[len(runs)-1].Length++
		deltas = append(deltas, n-previous)
		previous = n
	}
	for at, n := range counts {
		if n == 0 {
			continue
		}
		index := at + nativeFirst
		if hole := index - next; len(runs) == 0 || hole > maxHole {
			runs = append(runs, &dto.BucketSpan{Offset: proto.Int32(int32(hole)), Length: proto.Uint32(0)})
		} else {
			for range hole {
				push(0)
			}
		}
		push(int64(n))
		next = index + 1
	}
	return runs, deltas
}
