package metrics

import "math/bits"

// Packed keeps what a Histogram has, in 10 bytes for each bin that is not empty: a few KiB mostly, and at most
// 170 KiB, where every bin of a Histogram has its place. It is for many histograms that are kept and seldom looked
// at. The zero value is empty and ready. It is not safe for concurrent use.
type Packed struct {
	bins   []uint16 // upwards
	counts []uint64
	rest   packedRest
}

// packedRest is what a Histogram has beside its bins.
type packedRest struct {
	count, sumHigh, sumLow, min, max, under, over uint64
}

// Set has p keep what h has now, in the memory that it has already where that is enough.
func (p *Packed) Set(h *Histogram) {
	p.bins, p.counts = p.bins[:0], p.counts[:0]
	p.rest = packedRest{h.count, h.sumHigh, h.sumLow, h.min, h.max, h.under, h.over}
	first, last := h.span()
	for i := first; i < last; i++ {
		if n := h.bins[i]; n != 0 {
			p.bins, p.counts = append(p.bins, uint16(i)), append(p.counts, n)
		}
	}
}

// MergePacked adds all that p keeps, exactly: it is Merge with the histogram that p was set to.
func (h *Histogram) MergePacked(p *Packed) {
	if p.rest.count == 0 {
		return
	}
	for i, bin := range p.bins {
		h.bins[bin] += p.counts[i]
	}
	if h.count == 0 || p.rest.min < h.min {
		h.min = p.rest.min
	}
	h.max = max(h.max, p.rest.max)
	h.count += p.rest.count
	var carry uint64
	h.sumLow, carry = bits.Add64(h.sumLow, p.rest.sumLow, 0)
	h.sumHigh += p.rest.sumHigh + carry
	h.under += p.rest.under
	h.over += p.rest.over
}
