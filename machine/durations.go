package machine

import (
	"math"
	"runtime/metrics"
	"time"
)

// maxBuckets is room for a histogram of the runtime's, which has 162.
const maxBuckets = 192

// Durations is a histogram of times in buckets of the Go runtime's, four to a power of two. It is plain data of
// a fixed size, so that the difference of any two is to be had, not only that of neighbours.
type Durations struct {
	counts [maxBuckets]uint64
	bounds []float64 // seconds; bucket i is from bounds[i] to bounds[i+1]; shared, and never written
}

// fill copies what the runtime counted. Were there more buckets than room, the last takes the rest.
func (d *Durations) fill(h *metrics.Float64Histogram, bounds []float64) {
	d.bounds = bounds
	n := copy(d.counts[:], h.Counts)
	for _, c := range h.Counts[n:] {
		d.counts[maxBuckets-1] += c
	}
}

// Since gives what came after earlier.
func (d *Durations) Since(earlier *Durations) Durations {
	diff := Durations{bounds: d.bounds}
	for i := range d.counts {
		if d.counts[i] > earlier.counts[i] {
			diff.counts[i] = d.counts[i] - earlier.counts[i]
		}
	}
	return diff
}

// Count gives how many there were.
func (d *Durations) Count() (n uint64) {
	for _, c := range d.counts {
		n += c
	}
	return n
}

// Max gives a bound that none exceeds: the upper end of the highest bucket in use, which may be a quarter more
// than the longest was. 0 if there were none.
func (d *Durations) Max() time.Duration {
	for i := maxBuckets - 1; i >= 0; i-- {
		if d.counts[i] > 0 {
			return d.upper(i)
		}
	}
	return 0
}

// Quantile gives a bound that a share q of them do not exceed, q from 0 to 1; 0 if there were none.
func (d *Durations) Quantile(q float64) time.Duration {
	need := uint64(math.Ceil(q * float64(d.Count())))
	var n uint64
	for i, c := range d.counts {
		if n += c; c > 0 && n >= need {
			return d.upper(i)
		}
	}
	return 0
}

// upper gives the upper end of a bucket; the last has none, and gives its lower one.
func (d *Durations) upper(i int) time.Duration {
	if i+1 >= len(d.bounds) {
		return 0
	}
	b := d.bounds[i+1]
	if math.IsInf(b, 1) {
		b = d.bounds[i]
	}
	return time.Duration(max(0, b) * float64(time.Second))
}
