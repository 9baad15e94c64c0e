package metrics

import (
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// TestBinsAreThoseOfHdrHistogram holds the geometry equal to the library's, bin by bin: what
// MarshalJSON hands to it depends on that.
func TestBinsAreThoseOfHdrHistogram(t *testing.T) {
	lib := hdr.New(minMicros, maxMicros, 3)
	if n := len(lib.Export().Counts); n != numBins {
		t.Fatalf("got %d bins, want the library's %d", numBins, n)
	}
	// The library iterates up to the last bin in use.
	if err := lib.RecordValue(maxMicros); err != nil {
		t.Fatal(err)
	}
	for bin, bar := range lib.Distribution() {
		lowest, highest := binEdges(bin)
		if int64(lowest) != bar.From || int64(highest) != bar.To {
			t.Fatalf("bin %d: got %d..%d, want %d..%d", bin, lowest, highest, bar.From, bar.To)
		}
		if binOf(lowest) != bin || binOf(highest) != bin {
			t.Fatalf("bin %d: its edges are in bins %d and %d", bin, binOf(lowest), binOf(highest))
		}
	}
}

func TestBinIsNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint64Range(minMicros, maxMicros).Draw(t, "micros")
		lowest, highest := binEdges(binOf(u))
		if u < lowest || u > highest {
			t.Fatalf("%d is not in its bin %d..%d", u, lowest, highest)
		}
		if width := highest - lowest + 1; width > 1 && width*1024 > lowest {
			t.Fatalf("bin %d..%d is wider than 1/1024", lowest, highest)
		}
	})
}

func TestToMicros(t *testing.T) {
	for _, c := range []struct{ nanos, want uint64 }{
		{0, 1}, {1, 1}, {1000, 1}, {1001, 2}, {1999, 2}, {2000, 2},
		{100_000, 100}, {100_001, 101},
		{60_000_000_000, 60_000_000}, {60_000_000_001, 60_000_000}, {1<<63 - 1, 60_000_000},
	} {
		if got := toMicros(c.nanos); got != c.want {
			t.Errorf("toMicros(%d ns): got %d, want %d", c.nanos, got, c.want)
		}
	}
}
