//go:build linux

package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// numBins is enough for any duration: 16 bins for each power of two nanoseconds, so that a bin is at
// most 6 % wide.
const numBins = 60 * 16

// histogram counts durations, for one goroutine.
type histogram [numBins]uint64

func (h *histogram) record(d time.Duration) { h[binOf(d)]++ }

// sharedHistogram counts durations, for all goroutines at once.
type sharedHistogram [numBins]atomic.Uint64

func (h *sharedHistogram) record(d time.Duration) { h[binOf(d)].Add(1) }

// binOf gives the bin of d; all below 16 ns share the first.
func binOf(d time.Duration) int {
	v := uint64(max(d, 16))
	shift := bits.Len64(v) - 5
	return shift<<4 + int(v>>shift) - 16
}
