package compare

import (
	"fmt"
	"math"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

const (
	maxBlocks = 512  // of a run; when they are full, each two neighbours become one
	maxSeries = 2048 // of each kind; a run that has more was not written by loadrig
	maxCount  = 1e18 // of a counter, likewise
)

// Side is one of two runs, as far as a comparison needs it. It is a report.Sink: a run that is read again is
// replayed into it. It takes memory for the names there are, about 20 KiB each, whatever the length of the run.
// It is not safe for concurrent use.
type Side struct {
	manifest report.Manifest
	summary  *report.Summary // nil if the run was cut off
	outcome  *report.Outcome
	over     float64 // when the load was, in seconds; 0 while it is not known

	blocks   []block
	width    int // records that make a block
	inLast   int // records in the last block
	times    map[string][]digest
	counts   map[string][]float64 // what was added in each block
	before   map[string]float64   // the counters at the end of the last block
	leftOver bool                 // series there was no room for
}

// block is some neighbouring intervals.
type block struct {
	from, to  float64 // seconds since the run began
	connected float64 // at its end
}

// digest is what is kept of a histogram.
type digest struct {
	n, sum float64
	q      [len(quantiles)]float64 // seconds; of several intervals: the mean, by their n
}

var quantiles = [...]float64{.5, .9, .99}

func (d *digest) add(e digest) {
	if e.n == 0 {
		return
	}
	for i := range d.q {
		d.q[i] = (d.q[i]*d.n + e.q[i]*e.n) / (d.n + e.n)
	}
	d.n += e.n
	d.sum += e.sum
}

// NewSide makes a Side that has seen nothing.
func NewSide() *Side {
	return &Side{width: 1, times: make(map[string][]digest), counts: make(map[string][]float64), before: make(map[string]float64)}
}

// Begin implements report.Sink.
func (s *Side) Begin(m *report.Manifest) error {
	s.manifest = *m
	return nil
}

// Event implements report.Sink.
func (s *Side) Event(e report.Event) error {
	switch {
	case e.Kind == report.LoadOver && s.over == 0 && e.At > 0:
		s.over = e.At
	case e.Kind == report.Ended && e.Outcome != nil:
		s.outcome = e.Outcome
	}
	return nil
}

// End implements report.Sink.
func (s *Side) End(summary *report.Summary) error {
	s.summary = summary
	return nil
}

// Record implements report.Sink. It keeps nothing of r. A record that does not come after the one before it is an
// error.
func (s *Side) Record(r *metrics.Record) error {
	last := 0.0
	if n := len(s.blocks); n > 0 {
		last = s.blocks[n-1].to
	}
	if !(r.From >= last && r.To >= r.From && r.To < math.MaxInt32) { // also false for what is no number
		return fmt.Errorf("record %d: got %g to %g seconds, want times after %g", r.Seq, r.From, r.To, last)
	}
	if len(s.blocks) == 0 || s.inLast == s.width {
		if len(s.blocks) == maxBlocks {
			s.halve()
		}
		if len(s.blocks) == 0 || s.inLast == s.width {
			// From where the last one ended: what was counted while records are missing is in this one.
			s.blocks, s.inLast = append(s.blocks, block{from: last}), 0
		}
	}
	s.inLast++
	b := &s.blocks[len(s.blocks)-1]
	b.to, b.connected = r.To, r.Gauges[connected]
	for key, h := range r.Histograms {
		if h == nil || h.Count() == 0 {
			continue
		}
		if list, ok := room(s, s.times, key); ok {
			d := digest{n: float64(h.Count()), sum: h.Sum()}
			for i, q := range quantiles {
				d.q[i] = h.Quantile(q).Seconds()
			}
			list[len(list)-1].add(d)
		}
	}
	for key, v := range r.Counters {
		if !counted(key) || !(v > s.before[key] && v <= maxCount) {
			continue
		}
		if list, ok := room(s, s.counts, key); ok {
			list[len(list)-1] += v - s.before[key]
			s.before[key] = v
		}
	}
	return nil
}

var connected = metrics.Connections.Key(messages.Connected.String())

// room gives the list of a series, as long as there are blocks.
func room[T any](s *Side, m map[string][]T, key string) ([]T, bool) {
	list, ok := m[key]
	if !ok && len(m) == maxSeries {
		s.leftOver = true
		return nil, false
	}
	if n := len(s.blocks); len(list) < n {
		list = append(list, make([]T, n-len(list))...)
		m[key] = list
	}
	return list, true
}

// halve makes one block of each two.
func (s *Side) halve() {
	for i := range maxBlocks / 2 {
		s.blocks[i] = block{s.blocks[2*i].from, s.blocks[2*i+1].to, s.blocks[2*i+1].connected}
	}
	s.blocks = s.blocks[:maxBlocks/2]
	for key, list := range s.times {
		list = append(list, make([]digest, maxBlocks-len(list))...)
		for i := range maxBlocks / 2 {
			d := list[2*i]
			d.add(list[2*i+1])
			list[i] = d
		}
		s.times[key] = list[:maxBlocks/2]
	}
	for key, list := range s.counts {
		list = append(list, make([]float64, maxBlocks-len(list))...)
		for i := range maxBlocks / 2 {
			list[i] = list[2*i] + list[2*i+1]
		}
		s.counts[key] = list[:maxBlocks/2]
	}
	s.width, s.inLast = 2*s.width, 2*s.width
}

// all gives the blocks in which there was load.
func (s *Side) all() (first, end int) { return 0, len(s.blocks) }

// steady gives the blocks that say what the server is like under its load: first..end-1. Those before are left
// out in which players still came, and those behind the load. Where most of the load is a ramp, it is the load, and
// only its first block is left out.
func (s *Side) steady() (first, end int) {
	over := s.end()
	for end = len(s.blocks); end > 0; end-- {
		if b := s.blocks[end-1]; b.to-over <= (b.to-b.from)/10 && b.to-b.from >= s.usual()/2 {
			break
		}
	}
	if end <= 1 {
		return 0, end
	}
	peak := 0.0
	for _, b := range s.blocks[:end] {
		peak = max(peak, b.connected)
	}
	for first = 1; first < end && s.blocks[first-1].connected < nearlyAll*peak; first++ {
	}
	if 2*(end-first) < end {
		first = 1
	}
	return first, end
}

// nearlyAll is how many of the players of the peak have to be there for a run to be steady: some may fail to connect
// late, or come and go.
const nearlyAll = .95

// end gives when the load was over, in seconds.
func (s *Side) end() float64 {
	switch n := len(s.blocks); {
	case s.over > 0:
		return s.over
	case s.outcome != nil && s.outcome.Load > 0:
		return s.outcome.Load
	case n > 0:
		return s.blocks[n-1].to
	default:
		return 0
	}
}

// usual gives how long a block is that is full.
func (s *Side) usual() float64 {
	longest := 0.0
	for _, b := range s.blocks {
		longest = max(longest, b.to-b.from)
	}
	if s.manifest.Interval > 0 {
		return min(longest, s.manifest.Interval*float64(s.width))
	}
	return longest
}
