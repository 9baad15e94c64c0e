package metrics

import (
	"compress/zlib"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestHdrIsWhatTheLibraryReads: whatever is recorded, hdrhistogram-go reads every count of it, and so writes the same.
func TestHdrIsWhatTheLibraryReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := recorded(drawDurations(t, "durations")...)
		b, err := appendHdr([]byte("x"), h)
		if err != nil || b[0] != 'x' {
			t.Fatal(err)
		}
		lib, err := hdr.Decode(b[1:])
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int64, numBins)
		for i, n := range h.bins {
			counts[i] = int64(n)
		}
		if d := cmp.Diff(counts, lib.Export().Counts); d != "" {
			t.Fatalf("(-want +got)\n%s", d)
		}
		if lib.LowestTrackableValue() != minMicros || lib.HighestTrackableValue() != maxMicros || lib.SignificantFigures() != 3 {
			t.Fatal("got other bins")
		}
	})
}

// TestHdrExtremes: counts up to the most that the format shares with ours, and not beyond.
func TestHdrExtremes(t *testing.T) {
	h := recorded(time.Microsecond, time.Minute)
	h.bins[minMicros] = hdrMaxCount
	b, err := appendHdr(nil, h)
	if err != nil {
		t.Fatal(err)
	}
	if lib, err := hdr.Decode(b); err != nil || lib.Export().Counts[minMicros] != hdrMaxCount {
		t.Errorf("got %v, want %d", err, hdrMaxCount)
	}
	h.bins[minMicros]++
	if _, err := appendHdr(nil, h); err != errTooMany {
		t.Errorf("got %v, want %v", err, errTooMany)
	}
}

// TestHdrDoesNotAllocate: a run writes a dozen of them each second.
func TestHdrDoesNotAllocate(t *testing.T) {
	h, e := recorded(samples(1, 20_000)...), &hdrEncoder{zip: zlib.NewWriter(nil)}
	if err := e.encode(h); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() { _ = e.encode(h) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func BenchmarkHdr(b *testing.B) {
	h := recorded(samples(1, 20_000)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := appendHdr(nil, h); err != nil {
			b.Fatal(err)
		}
	}
}
