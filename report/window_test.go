package report

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/threshold"
)

// past is a record as the model keeps it: with all its durations.
type past struct {
	from, to  float64
	durations []time.Duration
	sent      float64 // in it
}

// model is what the windows are, looked up in all that happened: they end where a slot does, and begin where one
// did, not later than their length before.
type model struct {
	window float64
	all    []past
	edges  []float64 // where slots begin
}

func (m *model) add(p past) (ends bool) {
	if len(m.all) == 0 {
		m.edges = []float64{p.from}
	}
	m.all = append(m.all, p)
	if p.to-m.edges[len(m.edges)-1] < m.window/60-1e-6 {
		return false
	}
	m.edges = append(m.edges, p.to)
	return true
}

// look gives a figure's threshold of the window that ends with the last record; whole tells whether it is as long
// as it is to be.
func (m *model) look(t *threshold.Threshold) (r threshold.Result, whole bool) {
	end := m.all[len(m.all)-1].to
	from := m.edges[0]
	for _, e := range m.edges {
		if end-e >= m.window-1e-6 {
			from = max(from, e)
		}
	}
	w := metrics.Whole{}
	rec := metrics.Record{From: from, To: end, Counters: map[string]float64{}, Histograms: map[string]*metrics.Histogram{responseKey: {}}}
	for _, p := range m.all {
		if p.from >= from {
			rec.Counters[sentKey] += p.sent
			for _, d := range p.durations {
				rec.Histograms[responseKey].Record(d)
			}
		}
	}
	w.Add(&rec)
	return t.Eval(wholeView{&w, nil, end}), end-from >= m.window-1e-6
}

// TestWindows: whatever the intervals, each window is judged by exactly what happened in it, the worst one is
// known, and so is the first that failed.
func TestWindows(t *testing.T) {
	texts := []string{"p(90)<50ms", "max<=90ms", "min>0", "mean<50ms", "count>3", "sent: count<20", "sent: per_second<3", "sent == 2 * response.count"}
	rapid.Check(t, func(t *rapid.T) {
		spec := threshold.Spec{
			That:   rapid.SampledFrom(texts).Draw(t, "text"),
			Window: rapid.SampledFrom([]float64{1, 2.5, 7, 61, 90, 300}).Draw(t, "window"),
			Delay:  rapid.SampledFrom([]float64{0, 5, 1000}).Draw(t, "delay"),
		}
		read, err := spec.Parse(threshold.Names{})
		if err != nil {
			t.Fatal(err)
		}
		other := threshold.Spec{That: "response.max < 1s && opened >= 0", Window: spec.Window} // shares the ring
		manifest := exampleManifest()
		manifest.Thresholds = []threshold.Spec{other, spec}
		b, m := NewBuilder(manifest), &model{window: spec.Window}
		interval := rapid.SampledFrom([]float64{0.1, 1, 1.003, 10}).Draw(t, "interval")
		var worst *threshold.Result
		var first *float64
		failed, to, sent := false, 0.0, 0.0
		for i := range rapid.IntRange(1, 200).Draw(t, "records") {
			p := past{from: to}
			to += interval * rapid.SampledFrom([]float64{1, 1, 1, 0.999, 1.5}).Draw(t, "of it")
			p.to = to
			for range rapid.IntRange(0, 3).Draw(t, "responses") {
				p.durations = append(p.durations, time.Duration(rapid.IntRange(1, 100).Draw(t, "ms"))*ms)
			}
			p.sent = float64(rapid.IntRange(0, 4).Draw(t, "sent"))
			sent += p.sent
			h := new(metrics.Histogram)
			for _, d := range p.durations {
				h.Record(d)
			}
			b.Record(&metrics.Record{Seq: i, From: p.from, To: p.to, Counters: map[string]float64{sentKey: sent}, Histograms: map[string]*metrics.Histogram{responseKey: h}})
			if !m.add(p) || to < spec.Delay {
				continue
			}
			if r, whole := m.look(read); whole && r.Measured {
				if worst == nil || r.Distance() < worst.Distance() {
					worst = &r
				}
				if !r.Held && first == nil {
					at := to
					first = &at
				}
				failed = failed || !r.Held
			}
		}
		// And the last one, however it ends.
		if r, _ := m.look(read); r.Measured {
			if worst == nil || r.Distance() < worst.Distance() {
				worst = &r
			}
			if failed = failed || !r.Held; failed && first == nil {
				first = &to
			}
		}
		got := b.Summary().Thresholds[1]
		switch {
		case got.Measured != (worst != nil):
			t.Fatalf("got %+v, want measured: %t", got, worst != nil)
		case worst == nil:
			return
		case got.Held == failed, *got.Value != worst.Value, *got.Bound != worst.Bound, (got.FirstFailed == nil) != (first == nil):
			t.Fatalf("got %+v of %v and %v, first %v, want %+v, failed %t, first %v", got, *got.Value, *got.Bound, got.FirstFailed, worst, failed, first)
		case first != nil && *got.FirstFailed != *first:
			t.Fatalf("got the first failure at %v, want %v", *got.FirstFailed, *first)
		}
		for _, r := range b.judge.rings {
			if len(b.judge.rings) != 1 || len(r.slots) > maxSlots {
				t.Fatalf("got %d rings, one of them with %d slots", len(b.judge.rings), len(r.slots))
			}
		}
	})
}

// TestWindowsInFixedMemory: a record takes no memory that stays, however long the run is.
func TestWindowsInFixedMemory(t *testing.T) {
	s := stepsOf(threshold.Spec{That: "p(95)<1s", Window: 60}, threshold.Spec{That: "response.p(95) < 1s && sent >= 0", Window: 60})
	for i := range 200 {
		s.step(time.Duration(i%7)*ms, 5*ms)
	}
	r := s.b.judge.rings[0]
	if len(r.slots) != maxSlots || cap(r.slots) > 2*maxSlots {
		t.Fatalf("got %d slots in the room of %d", len(r.slots), cap(r.slots))
	}
	rec := s.rec
	if n := testing.AllocsPerRun(200, func() {
		rec.From, rec.To = rec.To, rec.To+1
		r.add(&rec, &s.b.whole, true)
		r.look(&s.b.whole, rec.To)
	}); n > 0 {
		t.Errorf("got %v allocations a record", n)
	}
}
