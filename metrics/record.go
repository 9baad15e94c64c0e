package metrics

import (
	"maps"
	"slices"
)

// Record is what there is to know of one interval of a run, by the keys of Family.Key. Records of several rigs, and
// of successive intervals, make one of all exactly: counters count from the start of the run and add up over rigs,
// histograms are of the interval and add up over both. A counter or histogram that is not there is 0 or empty.
//
// It is read from JSON with histograms of its own. One that a Recorder gave shares them, see there.
type Record struct {
	Seq        int                   `json:"seq"`  // from 0
	From       float64               `json:"from"` // seconds since the run began
	To         float64               `json:"to"`
	Counters   map[string]float64    `json:"counters"`         // exact up to 2^53
	Gauges     map[string]float64    `json:"gauges,omitempty"` // at To
	Ends       []DisconnectCount     `json:"ends,omitempty"`   // disconnects_total with their close codes; since the start of the run
	Histograms map[string]*Histogram `json:"histograms,omitempty"`
	Sessions   *Sessions             `json:"sessions,omitempty"` // nil where none has opened, and in records of before there was this
	// Broken is which conservation law of the counts was broken at To. It is empty unless loadrig has a bug.
	Broken string `json:"broken,omitempty"`
}

// Seconds gives how long the interval was.
func (r *Record) Seconds() float64 { return r.To - r.From }

// Recorder makes the Records of a run. It takes a fixed amount of memory, whatever the length of the run: three
// snapshots, and a few hundred keys. It is not safe for concurrent use.
type Recorder struct {
	scenario *Scenario // nil for none

	// Now is where the next Record's counts go: the caller resets and fills both before Record. NowScenario is nil
	// where there is no scenario.
	Now         *Snapshot
	NowScenario *ScenarioSnapshot

	before, interval                 *Snapshot
	beforeScenario, intervalScenario *ScenarioSnapshot

	record   Record
	sessions Sessions
	seq      int
	keys     keys
}

// NewRecorder makes the recorder of a run. scenario may be nil.
func NewRecorder(scenario *Scenario) *Recorder {
	r := &Recorder{scenario: scenario, Now: new(Snapshot), before: new(Snapshot), interval: new(Snapshot), keys: make(keys)}
	r.record = Record{Counters: make(map[string]float64), Gauges: make(map[string]float64), Histograms: make(map[string]*Histogram)}
	if scenario != nil {
		r.NowScenario, r.beforeScenario, r.intervalScenario = scenario.NewSnapshot(), scenario.NewSnapshot(), scenario.NewSnapshot()
	}
	return r
}

// Record gives what happened since the last one, from Now and NowScenario and from others, which show what is not
// in them. from and to are seconds since the run began. Histograms that others show must be of the interval.
// The Record and all in it are valid until the next call.
func (r *Recorder) Record(from, to float64, others ...func(Visitor)) *Record {
	clear(r.record.Counters)
	clear(r.record.Gauges)
	clear(r.record.Histograms)
	rec := &r.record
	rec.Seq, rec.From, rec.To = r.seq, from, to
	r.seq++

	*r.interval = *r.Now
	r.interval.Sub(r.before)
	*r.before = *r.Now
	r.Now.Visit(counting{r})
	r.interval.Visit(timing{r})
	rec.Ends = r.Now.DisconnectCounts()
	rec.Sessions = r.Now.Lifetimes.Sessions(r.Now.At, &r.sessions)
	rec.Broken = ""
	if err := r.Now.Check(); err != nil {
		rec.Broken = err.Error()
	}
	if r.scenario != nil {
		r.intervalScenario.CopyFrom(r.NowScenario)
		r.intervalScenario.Sub(r.beforeScenario)
		r.beforeScenario.CopyFrom(r.NowScenario)
		r.NowScenario.Visit(counting{r})
		r.intervalScenario.Visit(timing{r})
		if err := r.NowScenario.Check(); err != nil {
			rec.Broken += err.Error()
		}
	}
	for _, show := range others {
		show(counting{r})
		show(timing{r})
	}
	return rec
}

// keys keeps what Family.Key gave.
type keys map[*Family]map[string]string

func (k keys) of(f *Family, labels []string) string {
	if len(labels) != 1 {
		return f.Key(labels...)
	}
	m := k[f]
	if m == nil {
		m = make(map[string]string)
		k[f] = m
	}
	key, ok := m[labels[0]]
	if !ok {
		key = f.Key(labels...)
		m[labels[0]] = key
	}
	return key
}

// counting takes counters and gauges into a Record.
type counting struct{ *Recorder }

// Count implements Visitor.
func (c counting) Count(f *Family, n float64, labels ...string) {
	if n != 0 {
		c.record.Counters[c.keys.of(f, labels)] = n
	}
}

// Gauge implements Visitor.
func (c counting) Gauge(f *Family, v float64, labels ...string) {
	c.record.Gauges[c.keys.of(f, labels)] = v
}

// Times implements Visitor.
func (counting) Times(*Family, *Histogram, ...string) {}

// timing takes histograms into a Record.
type timing struct{ *Recorder }

// Count implements Visitor.
func (timing) Count(*Family, float64, ...string) {}

// Gauge implements Visitor.
func (timing) Gauge(*Family, float64, ...string) {}

// Times implements Visitor.
func (t timing) Times(f *Family, h *Histogram, labels ...string) {
	if h.Count() > 0 {
		t.record.Histograms[t.keys.of(f, labels)] = h
	}
}

// Whole adds up the Records of one run, in their order. It takes memory for the names and histograms there are,
// whatever the number of Records. The zero value is empty and ready. It is not safe for concurrent use.
type Whole struct {
	Records    int                // how many were added
	From, To   float64            // of the first and of the last
	Counters   map[string]float64 // as in the last Record
	Gauges     map[string]float64 // as in the last Record
	Peaks      map[string]float64 // the greatest value of each gauge
	Ends       []DisconnectCount  // as in the last Record
	Sessions   *Sessions          // as in the last Record; nil if that has none
	Broken     string             // that of the first Record that has one
	histograms map[string]*Histogram
}

// Add adds a Record. It keeps nothing of it.
func (w *Whole) Add(r *Record) {
	if w.Records == 0 {
		w.From = r.From
		w.Peaks, w.histograms = make(map[string]float64), make(map[string]*Histogram)
		w.Counters, w.Gauges = make(map[string]float64), make(map[string]float64)
	}
	w.Records++
	w.To = r.To
	maps.Copy(w.Counters, r.Counters) // a counter that has gone, against the rule, stays
	clear(w.Gauges)
	maps.Copy(w.Gauges, r.Gauges)
	for key, v := range r.Gauges {
		if old, ok := w.Peaks[key]; !ok || v > old {
			w.Peaks[key] = v
		}
	}
	w.Ends = append(w.Ends[:0], r.Ends...)
	w.Sessions = w.Sessions.copyOf(r.Sessions)
	if w.Broken == "" {
		w.Broken = r.Broken
	}
	for key, h := range r.Histograms {
		if h == nil { // as JSON may have it
			continue
		}
		mine := w.histograms[key]
		if mine == nil {
			mine = new(Histogram)
			w.histograms[key] = mine
		}
		mine.Merge(h)
	}
}

// Count gives a counter; 0 if there is none.
func (w *Whole) Count(f *Family, labels ...string) uint64 {
	return uint64(w.Counters[f.Key(labels...)])
}

// Times gives a histogram of all Records, to be read until the next Add; an empty one if there is none.
func (w *Whole) Times(f *Family, labels ...string) *Histogram { return w.TimesOf(f.Key(labels...)) }

// TimesOf is Times by a key.
func (w *Whole) TimesOf(key string) *Histogram {
	if h := w.histograms[key]; h != nil {
		return h
	}
	return &nothing
}

// nothing is a histogram that nobody writes to.
var nothing Histogram

// Timed lists the keys of the histograms, sorted.
func (w *Whole) Timed() []string { return slices.Sorted(maps.Keys(w.histograms)) }
