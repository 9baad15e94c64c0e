package metrics

import (
	"math/bits"
	"time"
)

// The geometry is that of hdrhistogram.New(1, 60_000_000, 3), in µs: bins are 1 µs wide up to
// 2048 µs, and from there double their width with each doubling of the value, so that a bin is never
// wider than 1/1024 of the values in it.
const (
	minMicros = 1
	maxMicros = 60_000_000

	halfBits = 10 // 2^10 bins for each doubling: the least power of two that keeps 3 digits
	numBins  = 17 << halfBits
)

// toMicros rounds up, so that a bin of the value u holds durations in (u-1, u] µs. That makes the
// bins closed above, as Prometheus's buckets are, and never reports a latency as less than it was.
func toMicros(d uint64) uint64 { return min(max((d+999)/1000, minMicros), maxMicros) }

// binOf gives the bin of a value in µs, which must be in minMicros..maxMicros.
func binOf(micros uint64) int {
	const oneBelow = 1<<(halfBits+1) - 1
	shift := bits.Len64(micros|oneBelow) - (halfBits + 1)
	return shift<<halfBits + int(micros>>shift)
}

// binEdges gives the least and the greatest value of a bin, in µs.
func binEdges(bin int) (lowest, highest uint64) {
	if bin < 2<<halfBits {
		return uint64(bin), uint64(bin)
	}
	shift := bin>>halfBits - 1
	lowest = uint64(1<<halfBits+bin&(1<<halfBits-1)) << shift
	return lowest, lowest + 1<<shift - 1
}

// upperEdge gives the greatest duration that a bin holds.
func upperEdge(bin int) time.Duration {
	_, highest := binEdges(bin)
	return time.Duration(min(highest, maxMicros)) * time.Microsecond
}
