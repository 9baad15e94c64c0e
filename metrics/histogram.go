package metrics

import (
	"iter"
	"math"
	"math/bits"
	"time"
)

// The range of a Histogram. What is outside is recorded at the nearer end, and counted by Under or
// Over.
const (
	MinValue = minMicros * time.Microsecond
	MaxValue = maxMicros * time.Microsecond
)

// Histogram counts durations in bins of three significant digits, from 1 µs to 60 s. It takes 136 KiB
// whatever is recorded. Durations are rounded up to whole µs; count, sum, least and greatest are kept
// exactly, in ns.
//
// The zero value is empty and ready. Pass it by pointer: a copy is deep, and 136 KiB. It is not safe
// for concurrent use.
//
// The bins are those of HdrHistogram, held equal to hdrhistogram-go by tests, and MarshalJSON writes
// its format. The array is our own because that library neither subtracts nor iterates without
// allocating, and takes thirty times as long to add two histograms (go test -bench Merge ./metrics):
// a shard is added on its own goroutine, between two reads of its sockets.
type Histogram struct {
	bins  [numBins]uint64
	count uint64

	sumHigh, sumLow uint64 // ns in 128 bits: 64 would last an hour of 100,000 minute-long waits a second
	min, max        uint64 // ns; 0 while count is 0
	under, over     uint64
}

// Record counts one duration. It does not allocate.
func (h *Histogram) Record(d time.Duration) {
	v := uint64(max(d, 0))
	switch {
	case d < MinValue:
		h.under++
	case d > MaxValue:
		h.over++
	}
	h.bins[binOf(toMicros(v))]++
	var carry uint64
	h.sumLow, carry = bits.Add64(h.sumLow, v, 0)
	h.sumHigh += carry
	if h.count == 0 || v < h.min {
		h.min = v
	}
	h.max = max(h.max, v)
	h.count++
}

// Count gives how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.count }

// Under gives how many of them were below MinValue. They sit in the bin of MinValue; the sum has
// them as they were, except that a negative duration counts as 0.
func (h *Histogram) Under() uint64 { return h.under }

// Over gives how many of them were above MaxValue. They sit in the bin of MaxValue; the sum and Max
// have them as they were.
func (h *Histogram) Over() uint64 { return h.over }

// Sum gives the exact sum, in seconds, as far as a float64 holds it.
func (h *Histogram) Sum() float64 { return h.sumNanos() / 1e9 }

func (h *Histogram) sumNanos() float64 {
	return math.Ldexp(float64(h.sumHigh), 64) + float64(h.sumLow)
}

// Mean gives the mean; 0 if nothing was recorded.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return time.Duration(h.sumNanos() / float64(h.count))
}

// Min gives the least duration recorded, exactly; 0 if nothing was. After Sub it is exact only to
// its bin.
func (h *Histogram) Min() time.Duration { return time.Duration(h.min) }

// Max gives the greatest duration recorded, exactly, even above MaxValue; 0 if nothing was. After
// Sub it is exact only to its bin, and above MaxValue it may be that of an earlier interval.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Quantile gives the duration that the share q of all durations does not exceed: 0.5 is the median.
// It errs upwards by less than 0.1 % or 1 µs, whichever is more. The rank is q·Count rounded to the
// nearest, at least 1, as HdrHistogram has it. A q of 0 or less gives Min, 1 or more gives Max; a
// rank among those above MaxValue otherwise gives MaxValue. It gives 0 if nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	switch {
	case q <= 0 || h.count == 0:
		return h.Min()
	case q >= 1:
		return h.Max()
	}
	rank := max(uint64(q*float64(h.count)+0.5), 1)
	first, last := h.span()
	var n uint64
	for i := first; i < last; i++ {
		if n += h.bins[i]; n >= rank {
			return min(upperEdge(i), h.Max())
		}
	}
	return h.Max() // rounding of a count beyond 2^53
}

// Bins iterates over the bins that are not empty, upwards: the greatest duration a bin holds, at most
// MaxValue, and its count. h must not change meanwhile.
func (h *Histogram) Bins() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		first, last := h.span()
		for i := first; i < last; i++ {
			if h.bins[i] == 0 {
				continue
			}
			if !yield(upperEdge(i), h.bins[i]) {
				return
			}
		}
	}
}

// span gives the bins that may be other than 0: first..last-1.
func (h *Histogram) span() (first, last int) {
	if h.count == 0 {
		return 0, 0
	}
	return binOf(toMicros(h.min)), binOf(toMicros(h.max)) + 1
}

// Merge adds all that other recorded, exactly.
func (h *Histogram) Merge(other *Histogram) {
	if other.count == 0 {
		return
	}
	first, last := other.span()
	into, from := h.bins[first:last], other.bins[first:last]
	for i := range into {
		into[i] += from[i]
	}
	if h.count == 0 || other.min < h.min {
		h.min = other.min
	}
	h.max = max(h.max, other.max)
	h.count += other.count
	var carry uint64
	h.sumLow, carry = bits.Add64(h.sumLow, other.sumLow, 0)
	h.sumHigh += other.sumHigh + carry
	h.under += other.under
	h.over += other.over
}

// Sub takes away what earlier has, which must be an earlier state of the same histogram: h is then
// what was recorded between the two. Counts and sum stay exact; Min and Max become exact only to
// their bins. A count that shrank, against that rule, gives 0.
func (h *Histogram) Sub(earlier *Histogram) {
	if earlier.count == 0 {
		return
	}
	first, last := h.span()
	h.count = 0
	low, high := numBins, 0
	for i := first; i < last; i++ {
		if h.bins[i] = minus(h.bins[i], earlier.bins[i]); h.bins[i] != 0 {
			h.count += h.bins[i]
			low, high = min(low, i), i
		}
	}
	if h.count == 0 {
		*h = Histogram{}
		return
	}
	var borrow uint64
	h.sumLow, borrow = bits.Sub64(h.sumLow, earlier.sumLow, 0)
	if h.sumHigh, borrow = bits.Sub64(h.sumHigh, earlier.sumHigh, borrow); borrow != 0 {
		h.sumHigh, h.sumLow = 0, 0
	}
	h.under = minus(h.under, earlier.under)
	h.over = minus(h.over, earlier.over)
	if lowest, _ := binEdges(low); h.under == 0 {
		h.min = max(h.min, (lowest-1)*1000+1)
	}
	if h.over == 0 {
		h.max = min(h.max, uint64(upperEdge(high)))
	}
}

// minus gives a-b, or 0 where that would wrap.
func minus(a, b uint64) uint64 { return a - min(a, b) }
