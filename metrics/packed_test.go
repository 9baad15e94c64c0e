package metrics

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPacked: what was packed adds up to what was recorded, whatever the memory held before.
func TestPacked(t *testing.T) {
	durations := rapid.SliceOf(rapid.Int64Range(-int64(time.Second), int64(2*time.Minute)))
	rapid.Check(t, func(t *rapid.T) {
		var want, got Histogram
		var p Packed
		for range rapid.IntRange(0, 4).Draw(t, "histograms") {
			var h Histogram
			for _, d := range durations.Draw(t, "durations") {
				h.Record(time.Duration(d))
			}
			p.Set(&h)
			want.Merge(&h)
			got.MergePacked(&p)
		}
		if got != want {
			t.Fatal("what was packed is not what was recorded")
		}
	})
	if numBins > 1<<16 {
		t.Fatalf("%d bins have no place in 16 bits", numBins)
	}
}
