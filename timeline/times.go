package timeline

import (
	"math"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// times adds what is to be known of the distributions.
func (c *columns) times(m *report.Manifest) {
	response, roundTrip := metrics.Response.Key(), metrics.RoundTrip.Key()
	if m.Scenario == nil {
		c.distribution("response", one(response))
		c.heat = append(c.heat, heatColumn{"response", one(response)})
		c.distribution("round_trip", one(roundTrip))
	} else {
		all := together(metrics.PopulationResponse, m.Scenario.Populations)
		c.distribution("response", all)
		c.heat = append(c.heat, heatColumn{"response", all})
		c.distribution("round_trip", together(metrics.PopulationRoundTrip, m.Scenario.Populations))
	}
	c.distribution("schedule_lag", one(metrics.ScheduleLag.Key()))
	c.distribution("loop_turn", one(metrics.LoopTurn.Key()))
	c.distribution("read_lag", one(metrics.ReadLag.Key()))
	c.distribution("kernel_round_trip", one(metrics.KernelRoundTrip.Key()))
	c.distribution("ping", one(metrics.PingRoundTrip.Key()))
	c.distribution("handshake", one(metrics.HandshakeDuration.Key(metrics.PhaseTotal)))
	for p := range messages.Phase(messages.NumPhases) {
		c.distribution("handshake/"+p.String(), one(metrics.HandshakeDuration.Key(p.String())))
	}
	if m.Scenario == nil {
		return
	}
	for _, name := range m.Scenario.Populations {
		key := "population/" + name
		of := one(metrics.PopulationResponse.Key(name))
		c.distribution(key+"/response", of)
		c.heat = append(c.heat, heatColumn{key, of})
		c.distribution(key+"/round_trip", one(metrics.PopulationRoundTrip.Key(name)))
	}
	for _, name := range m.Scenario.Requests {
		c.distribution("request/"+name+"/response", one(metrics.RequestResponse.Key(name)))
		c.distribution("request/"+name+"/round_trip", one(metrics.RequestRoundTrip.Key(name)))
	}
	for _, name := range m.Scenario.Deliveries {
		c.distribution("delivery/"+name, one(metrics.DeliveryAge.Key(name)))
	}
	for _, name := range m.Scenario.Ticks {
		c.distribution("tick/"+name, one(metrics.TickDeviation.Key(name)))
	}
}

// source gives a distribution of a record; nil or empty if there is none.
type source func(*metrics.Record) *metrics.Histogram

func one(key string) source {
	return func(r *metrics.Record) *metrics.Histogram { return r.Histograms[key] }
}

// together adds up the series of a family. What it gives is valid until the next record.
func together(f *metrics.Family, names []string) source {
	var keys []string
	for _, name := range names {
		keys = append(keys, f.Key(name))
	}
	if len(keys) == 1 {
		return one(keys[0])
	}
	var (
		all  metrics.Histogram
		from *metrics.Record
		seq  = -1
	)
	return func(r *metrics.Record) *metrics.Histogram {
		if from == r && seq == r.Seq { // asked for once more
			return &all
		}
		from, seq = r, r.Seq
		all = metrics.Histogram{}
		for _, key := range keys {
			if h := r.Histograms[key]; h != nil {
				all.Merge(h)
			}
		}
		return &all
	}
}

// distribution adds the columns of one. Its percentiles cannot be merged; those of the worst interval are kept, which no
// percentile of all exceeds.
func (c *columns) distribution(name string, of source) {
	key := "time:" + name + ":"
	c.add(key+"n", sum, true, func(r *metrics.Record) float64 {
		if h := of(r); h != nil {
			return float64(h.Count())
		}
		return 0
	})
	quantile := func(label string, q float64) {
		c.add(key+label, most, false, func(r *metrics.Record) float64 {
			if h := of(r); h != nil && h.Count() > 0 {
				return h.Quantile(q).Seconds()
			}
			return none
		})
	}
	quantile("p50", .5)
	quantile("p90", .9)
	quantile("p99", .99)
	quantile("max", 1)
}

// The rows of a heat map: bin b is of durations above heatLow·2^(b/heatOctave), up to the next bin's.
const (
	heatLow    = time.Microsecond
	heatOctave = 8 // bins for each doubling
	heatBins   = 26 * heatOctave
)

// heatColumn is a heat map.
type heatColumn struct {
	subject string
	of      source
}

// heatCell is how many durations a bin has.
type heatCell struct {
	bin   uint8
	count uint64
}

// read gives the bins that are not empty, upwards.
func (h *heatColumn) read(r *metrics.Record) (cells []heatCell) {
	times := h.of(r)
	if times == nil {
		return nil
	}
	for d, n := range times.Bins() {
		b := heatBin(d)
		if k := len(cells); k > 0 && cells[k-1].bin == b {
			cells[k-1].count += n
		} else {
			cells = append(cells, heatCell{b, n})
		}
	}
	return cells
}

// heatBin gives the bin of a duration. One on an edge, as the edges of a histogram are, belongs below it.
func heatBin(d time.Duration) uint8 {
	b := math.Ceil(heatOctave*math.Log2(float64(d)/float64(heatLow))-1e-9) - 1
	return uint8(min(max(b, 0), heatBins-1))
}

// mergeCells adds two columns of a heat map.
func mergeCells(a, b []heatCell) []heatCell {
	merged := make([]heatCell, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].bin < b[0].bin:
			merged, a = append(merged, a[0]), a[1:]
		case a[0].bin > b[0].bin:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged = append(merged, heatCell{a[0].bin, a[0].count + b[0].count})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(merged, a...), b...)
}
