package report

import (
	"fmt"
	"maps"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/threshold"
)

// judge holds thresholds against a run while it happens, or is read again. It takes a fixed amount of memory.
//
// Only what happened while the load lasted is looked at before the end: when it is over, nothing is sent any more
// and connections are closed by plan, and the last answers still come. Those count at the end, for the whole run
// and for the last window, whose length ends with the load.
type judge struct {
	list  []*judged
	rings []*ring // one for each length of a window

	over    bool // the load is
	end     float64
	aborted bool
	gauges  map[string]float64 // as they were when the load ended, once that is known
}

// judged is one threshold, and what came of it so far.
type judged struct {
	spec  threshold.Spec
	read  *threshold.Threshold // nil if it could not be read
	fault string               // why not
	ring  *ring                // nil for the whole run

	failing bool
	told    int      // events
	first   *float64 // when it failed first

	// Of windows.
	failed  bool // one did
	worst   *threshold.Result
	worstAt float64
}

// maxTold bounds the events of one threshold that come and go.
const maxTold = 10

func newJudge(m *Manifest) *judge {
	j := &judge{gauges: make(map[string]float64)}
	var n threshold.Names
	if s := m.Scenario; s != nil {
		n = threshold.Names{Requests: s.Requests, Checks: s.Checks, Deliveries: s.Deliveries, Ticks: s.Ticks, Populations: s.Populations}
	}
	for i, spec := range m.Thresholds {
		d := &judged{spec: spec}
		j.list = append(j.list, d)
		var err error
		if i >= threshold.Max {
			d.fault = fmt.Sprintf("there are more than %d", threshold.Max)
		} else if d.read, err = spec.Parse(n); err != nil {
			d.fault = err.Error()
		} else if spec.Window > 0 {
			d.ring = j.ring(spec.Window)
			d.ring.want(d.read)
		}
	}
	return j
}

func (j *judge) ring(window float64) *ring {
	for _, r := range j.rings {
		if r.window == window {
			return r
		}
	}
	r := &ring{window: window}
	j.rings = append(j.rings, r)
	return r
}

// record takes a record, which w has already, and gives the events that come of it.
func (j *judge) record(r *metrics.Record, w *metrics.Whole) (events []Event) {
	if !j.over {
		j.end = r.To
		clear(j.gauges)
		maps.Copy(j.gauges, w.Gauges)
	}
	looks := make(map[*ring]*windowView)
	for _, ring := range j.rings {
		if ring.add(r, w, !j.over) {
			v := ring.look(w, r.To)
			v.gauges = j.gauges
			looks[ring] = &v
		}
	}
	if j.over {
		return nil
	}
	for _, d := range j.list {
		if d.read == nil || r.To < d.spec.Delay {
			continue
		}
		var fails bool
		var res threshold.Result
		if d.ring == nil {
			v := wholeView{w, j.gauges, r.To}
			if fails = d.read.Fails(v); fails {
				res = d.read.Eval(v)
			}
		} else if v := looks[d.ring]; v == nil {
			continue
		} else if res = d.read.Eval(*v); res.Measured {
			d.take(res, r.To)
			fails = !res.Held
		} else {
			continue // a window without anything to measure says nothing
		}
		events = append(events, j.note(d, fails, res, r.To)...)
	}
	return events
}

// take has the worst of the windows be known.
func (d *judged) take(r threshold.Result, at float64) {
	d.failed = d.failed || !r.Held
	if d.worst == nil || r.Distance() < d.worst.Distance() || d.worst.Held && !r.Held {
		d.worst, d.worstAt = &r, at
	}
}

// note tells when a threshold begins or ceases to fail.
func (j *judge) note(d *judged, fails bool, r threshold.Result, at float64) (events []Event) {
	if fails == d.failing {
		return nil
	}
	d.failing = fails
	if fails && d.first == nil {
		d.first = &at
	}
	if d.told++; d.told <= maxTold {
		text := "the threshold " + clip(d.spec.String(), columns) + " holds again"
		if fails {
			text = "the threshold " + clip(d.spec.String(), columns) + " does not hold"
			if got := figure(r.Unit, r.Value); r.Op != "" {
				text += ": got " + got
			}
		}
		events = append(events, Event{At: at, Kind: Crossed, Text: text})
	}
	if fails && d.spec.Abort && !j.aborted {
		j.aborted = true
		events = append(events, Event{At: at, Kind: Aborted, Text: d.spec.String()})
	}
	return events
}

// loadOver tells that the load ended.
func (j *judge) loadOver(at float64) {
	if !j.over {
		j.over, j.end = true, at
	}
}

// ended tells how things stood when the load ended, which no record says.
func (j *judge) ended(o *Outcome) {
	for state, n := range o.ByState {
		j.gauges[metrics.Connections.Key(state)] = float64(n)
	}
	j.gauges[metrics.Pending.Key()] = float64(o.Unsent)
}

// thresholds gives what came of all, as far as the run is known.
func (j *judge) thresholds(w *metrics.Whole) []Threshold {
	list := make([]Threshold, 0, len(j.list))
	end := min(j.end, w.To)
	for _, d := range j.list {
		t := Threshold{Spec: d.spec, Fault: d.fault, FirstFailed: d.first}
		switch {
		case d.read == nil:
		case d.ring == nil:
			t.fill(d.read.Eval(wholeView{w, j.gauges, end}))
		default:
			last := *d
			v := d.ring.look(w, end)
			v.gauges = j.gauges
			res := d.read.Eval(v)
			if res.Measured {
				last.take(res, end)
			}
			if last.worst == nil {
				t.fill(res)
				break
			}
			t.fill(*last.worst)
			if t.Held = !last.failed; t.FirstFailed == nil && !t.Held {
				t.FirstFailed = &end
			}
			t.WorstAt = &last.worstAt
		}
		list = append(list, t)
	}
	return list
}
