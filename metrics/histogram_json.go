package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// histogramJSON is the stored form. Hdr alone would lose the sum, the extremes and what was clamped.
type histogramJSON struct {
	Count      uint64 `json:"count"`
	SumSeconds uint64 `json:"sum_s"`            // whole seconds of the sum
	SumNanos   uint64 `json:"sum_ns"`           // the rest, in ns
	Min        uint64 `json:"min_ns"`           // ns
	Max        uint64 `json:"max_ns"`           // ns
	Under      uint64 `json:"under,omitempty"`  // below 1 µs
	Over       uint64 `json:"over,omitempty"`   // above 60 s
	Hdr        string `json:"hdr_us,omitempty"` // HdrHistogram V2, compressed, base64; values in µs
}

// MarshalJSON writes the histogram so that UnmarshalJSON restores it exactly: count, sum, least and
// greatest beside hdr_us, the bins in HdrHistogram's own V2 format, which any of its readers
// understands. It takes 1 to 4 KB, by how many bins are in use.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	const nanos = 1_000_000_000
	if h.sumHigh >= nanos {
		return nil, errors.New("histogram: the sum overflows")
	}
	j := histogramJSON{Count: h.count, Min: h.min, Max: h.max, Under: h.under, Over: h.over}
	j.SumSeconds, j.SumNanos = bits.Div64(h.sumHigh, h.sumLow, nanos)
	if h.count > 0 {
		b, err := appendHdr(nil, h)
		if err != nil {
			return nil, err
		}
		j.Hdr = string(b)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses what it cannot have written: other bins,
// or a count or extremes that do not agree with them. After an error h is as it was.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var j histogramJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	r := &Histogram{min: j.Min, max: j.Max, under: j.Under, over: j.Over}
	var carry uint64
	r.sumHigh, r.sumLow = bits.Mul64(j.SumSeconds, 1_000_000_000)
	r.sumLow, carry = bits.Add64(r.sumLow, j.SumNanos, 0)
	r.sumHigh += carry
	if j.Hdr != "" {
		if err := r.readBins(j.Hdr); err != nil {
			return fmt.Errorf("histogram: %w", err)
		}
	}
	if err := r.consistent(j.Count); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	*h = *r
	return nil
}

func (h *Histogram) readBins(encoded string) error {
	d, err := hdr.Decode([]byte(encoded))
	if err != nil {
		return err
	}
	if d.LowestTrackableValue() != minMicros || d.HighestTrackableValue() != maxMicros || d.SignificantFigures() != 3 {
		return fmt.Errorf("got bins %d..%d with %d digits, want %d..%d with 3", d.LowestTrackableValue(),
			d.HighestTrackableValue(), d.SignificantFigures(), minMicros, maxMicros)
	}
	for i, n := range d.Export().Counts {
		h.bins[i] = uint64(n)
		h.count += uint64(n)
	}
	return nil
}

// consistent is what the other methods rely on: above all, that no bin outside span is in use.
func (h *Histogram) consistent(count uint64) error {
	first, last := numBins, 0
	for i, n := range h.bins {
		if n != 0 {
			first, last = min(first, i), i+1
		}
	}
	if h.count != count {
		return fmt.Errorf("got %d in the bins, want count %d", h.count, count)
	}
	if count == 0 {
		if *h != (Histogram{}) {
			return errors.New("got a sum or extremes, want none with count 0")
		}
		return nil
	}
	if f, l := h.span(); f != first || l != last || h.min > h.max {
		return fmt.Errorf("got min %d ns and max %d ns, want them in the first and last bin", h.min, h.max)
	}
	if h.under > h.bins[minMicros] || h.over > h.bins[binOf(maxMicros)] {
		return fmt.Errorf("got %d under and %d over, want them in the bins at the ends", h.under, h.over)
	}
	return nil
}
