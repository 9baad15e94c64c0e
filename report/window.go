package report

import (
	"slices"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/threshold"
)

// maxSlots is into how many slots a window is cut. It is looked at whenever one is full, so it moves by a sixtieth
// of its length, or by a record where those are longer.
const maxSlots = 60

// grain is what may be missing of a slot or a window, in seconds: times are sums that were rounded.
const grain = 1e-6

// ring keeps the end of a run, as long as a window, for the thresholds of that window. It takes a fixed amount of
// memory, whatever the length of the run: for each series of durations that they ask for two Histograms, and for
// each of the 60 slots a Packed, so mostly some 100 KiB and at most 10.5 MiB; for each counter 60 numbers.
type ring struct {
	window   float64 // seconds
	counters []string
	timed    []string

	slots []slot               // full ones, the oldest first
	open  slot                 // what is not full yet
	times []*metrics.Histogram // of open, by timed

	total []*metrics.Histogram // of what is looked at, by timed
}

// slot is what happened between two moments.
type slot struct {
	from, to float64
	before   []float64        // counters at from, by ring.counters
	packed   []metrics.Packed // by ring.timed; empty while the slot is open
}

// want has the ring keep what a threshold asks for. It is called before the first record.
func (r *ring) want(t *threshold.Threshold) {
	for _, k := range t.Counters() {
		if slices.Index(r.counters, k) < 0 {
			r.counters, r.open.before = append(r.counters, k), append(r.open.before, 0)
		}
	}
	for _, k := range t.Timed() {
		if slices.Index(r.timed, k) < 0 {
			r.timed = append(r.timed, k)
			r.times, r.total = append(r.times, new(metrics.Histogram)), append(r.total, new(metrics.Histogram))
		}
	}
}

// add takes a record, which w has already. It tells whether a slot is full with it, and there is a window to look
// at: moving is false for what comes when the load is over, which belongs to the last slot, however long that gets.
func (r *ring) add(rec *metrics.Record, w *metrics.Whole, moving bool) bool {
	if w.Records == 1 {
		r.open.from = rec.From
	}
	for i, k := range r.timed {
		if h := rec.Histograms[k]; h != nil {
			r.times[i].Merge(h)
		}
	}
	r.open.to = rec.To
	if !moving || r.open.to-r.open.from < r.window/maxSlots-grain {
		return false
	}
	r.close(w)
	return r.open.from-r.slots[0].from >= r.window-grain
}

// close puts the open slot to the full ones.
func (r *ring) close(w *metrics.Whole) {
	s := r.open
	r.open = slot{from: s.to, to: s.to}
	if len(r.slots) == maxSlots {
		oldest := r.slots[0]
		copy(r.slots, r.slots[1:])
		r.slots = r.slots[:maxSlots-1]
		s.packed, r.open.before = oldest.packed, oldest.before
	} else {
		s.packed, r.open.before = make([]metrics.Packed, len(r.timed)), make([]float64, len(r.counters))
	}
	for i, h := range r.times {
		s.packed[i].Set(h)
		*h = metrics.Histogram{}
	}
	for i, k := range r.counters {
		r.open.before[i] = w.Counters[k]
	}
	r.slots = append(r.slots, s)
}

// look gives the last window: the fewest slots that are as long, or all there are. end is when it ends, at the end
// of the last slot or, where the load was over, before that. The View is valid until the next call of add or look.
func (r *ring) look(w *metrics.Whole, end float64) windowView {
	first := len(r.slots) // of the slots, the open one being the last
	for first > 0 && end-r.start(first) < r.window-grain {
		first--
	}
	v := windowView{ring: r, whole: w, from: r.start(first), to: end, before: r.open.before}
	if first < len(r.slots) {
		v.before = r.slots[first].before
	}
	for i, h := range r.total {
		*h = metrics.Histogram{}
		for k := first; k < len(r.slots); k++ {
			h.MergePacked(&r.slots[k].packed[i])
		}
		h.Merge(r.times[i])
	}
	return v
}

func (r *ring) start(i int) float64 {
	if i < len(r.slots) {
		return r.slots[i].from
	}
	return r.open.from
}

// windowView is what a threshold sees of a window.
type windowView struct {
	ring     *ring
	whole    *metrics.Whole
	gauges   map[string]float64
	from, to float64
	before   []float64
}

// Count implements threshold.View.
func (v windowView) Count(key string) float64 {
	if i := slices.Index(v.ring.counters, key); i >= 0 {
		return v.whole.Counters[key] - v.before[i]
	}
	return 0
}

// Gauge implements threshold.View: it is what it was at the end.
func (v windowView) Gauge(key string) (float64, bool) {
	n, ok := v.gauges[key]
	return n, ok
}

// Times implements threshold.View.
func (v windowView) Times(key string) threshold.Times {
	if i := slices.Index(v.ring.timed, key); i >= 0 {
		return v.ring.total[i]
	}
	return new(metrics.Histogram)
}

// Seconds implements threshold.View.
func (v windowView) Seconds() float64 { return v.to - v.from }

// wholeView is what a threshold sees of the whole run.
type wholeView struct {
	whole  *metrics.Whole
	gauges map[string]float64
	to     float64
}

// Count implements threshold.View.
func (v wholeView) Count(key string) float64 { return v.whole.Counters[key] }

// Gauge implements threshold.View.
func (v wholeView) Gauge(key string) (float64, bool) {
	n, ok := v.gauges[key]
	return n, ok
}

// Times implements threshold.View.
func (v wholeView) Times(key string) threshold.Times { return v.whole.TimesOf(key) }

// Seconds implements threshold.View.
func (v wholeView) Seconds() float64 { return v.to - v.whole.From }
