package rundir

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// Bounds of what records may have, as a histogram takes a thousand times the memory of its text. No run of loadrig comes
// near them: it has at most metrics.MaxNames names of each kind.
const (
	maxCounts  = 16 << 10 // names of counters and gauges
	maxTimes   = 1 << 10  // names of histograms
	maxSeq     = 1 << 40
	maxSeconds = 1e10    // of a run, some 300 years
	maxFigure  = 1 << 63 // of a counter or a gauge, so that sums of them are numbers

	maxNames = 1 << 10 // of each kind in a scenario; what reads a run takes memory for each

	maxSessions     = 1 << 53  // of a run, so that a float64 has each number of them
	maxSessionsText = 64 << 10 // bytes; three lists of metrics.NumLifetimes pairs take less, at 16 digits a count
)

// named looks at how many names a scenario has.
func named(s *report.ManifestScenario) error {
	if s == nil {
		return nil
	}
	for _, of := range []struct {
		kind  string
		names []string
	}{{"requests", s.Requests}, {"checks", s.Checks}, {"deliveries", s.Deliveries}, {"ticks", s.Ticks}, {"populations", s.Populations}} {
		if n := len(of.names); n > maxNames {
			return fmt.Errorf("got a scenario of %d %s, which no run has", n, of.kind)
		}
	}
	return nil
}

// bounds holds the records of one run to their bounds.
type bounds struct {
	counts, times map[string]bool // the names so far
}

func newBounds() *bounds { return &bounds{make(map[string]bool), make(map[string]bool)} }

// names looks at the names in a record, before memory is taken for what they name.
func (b *bounds) names(line []byte) error {
	var has struct {
		Counters   map[string]json.RawMessage `json:"counters"`
		Gauges     map[string]json.RawMessage `json:"gauges"`
		Histograms map[string]json.RawMessage `json:"histograms"`
		Sessions   json.RawMessage            `json:"sessions"`
	}
	if err := json.Unmarshal(line, &has); err != nil {
		return err
	}
	if len(has.Sessions) > maxSessionsText {
		return fmt.Errorf("got sessions of %d bytes, want at most %d, which no run has", len(has.Sessions), maxSessionsText)
	}
	for _, of := range []struct {
		what  string
		known map[string]bool
		names map[string]json.RawMessage
		most  int
	}{
		{"counters and gauges", b.counts, has.Counters, maxCounts}, {"counters and gauges", b.counts, has.Gauges, maxCounts},
		{"histograms", b.times, has.Histograms, maxTimes},
	} {
		for name := range of.names {
			if !of.known[name] && len(of.known) == of.most {
				return fmt.Errorf("got more than %d %s, which no run has", of.most, of.what)
			}
			of.known[name] = true
		}
	}
	return nil
}

// figures looks at the figures of a record.
func (*bounds) figures(r *metrics.Record) error {
	if r.Seq < 0 || r.Seq > maxSeq {
		return fmt.Errorf("got record %d, want one from 0", r.Seq)
	}
	if r.From < 0 || r.To < r.From || r.To > maxSeconds {
		return fmt.Errorf("got an interval from %v s to %v s, want it from 0 on", r.From, r.To)
	}
	for key, v := range r.Counters {
		if v < 0 || v > maxFigure {
			return fmt.Errorf("got %.80q of %v, want a count", key, v)
		}
	}
	for key, v := range r.Gauges {
		if math.Abs(v) > maxFigure {
			return fmt.Errorf("got %.80q of %v, which nothing is", key, v)
		}
	}
	if r.Sessions != nil {
		return sessions(r.Sessions)
	}
	return nil
}

// sessions looks at how long sessions lasted.
func sessions(s *metrics.Sessions) error {
	var all uint64
	for _, list := range [][][2]uint64{s.Lost, s.Kept, s.Open} {
		next := uint64(0) // the least bin that may follow
		for _, p := range list {
			bin, n := p[0], p[1]
			if bin < next || bin >= metrics.NumLifetimes {
				return fmt.Errorf("got sessions in bin %d, want bins upwards, each once, below %d", bin, metrics.NumLifetimes)
			}
			next = bin + 1
			if n == 0 || n > maxSessions || all+n > maxSessions {
				return fmt.Errorf("got %d sessions in bin %d, want at least 1, and at most %d in all", n, bin, uint64(maxSessions))
			}
			all += n
		}
	}
	return nil
}
