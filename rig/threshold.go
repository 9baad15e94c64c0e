package rig

import (
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/scenario"
)

// figures are all that thresholds can be about.
type figures struct {
	run   *metrics.Snapshot
	story *metrics.ScenarioSnapshot
}

// judge says of each threshold of a scenario whether it held.
func (f figures) judge(bounds []scenario.Bound) (list []report.Threshold) {
	for i := range bounds {
		b := &bounds[i]
		t := report.Threshold{That: b.Text, Op: b.Op, Bound: b.Value}
		var v float64
		measured := true
		switch b.Aggregate {
		case scenario.AggregateCount:
			t.Unit, v = report.Count, float64(f.count(b))
		case scenario.AggregateRate:
			t.Unit = report.Share
			part, of := f.share(b)
			if measured = of > 0; measured {
				v = float64(part) / float64(of)
			}
		default:
			t.Unit = report.Seconds
			h := f.times(b)
			measured, v = h.Count() > 0, aggregate(b, h)
		}
		if measured {
			t.Value = &v
		}
		t.Judge()
		list = append(list, t)
	}
	return list
}

func aggregate(b *scenario.Bound, h *metrics.Histogram) float64 {
	switch b.Aggregate {
	case scenario.AggregateMin:
		return h.Min().Seconds()
	case scenario.AggregateMax:
		return h.Max().Seconds()
	case scenario.AggregateMean:
		return h.Mean().Seconds()
	default:
		return h.Quantile(b.Percent / 100).Seconds()
	}
}

// times gives what was timed; a check was not.
func (f figures) times(b *scenario.Bound) *metrics.Histogram {
	switch b.Kind {
	case scenario.KindRequest:
		return &f.story.Requests[b.Series].Response
	case scenario.KindDelivery:
		return &f.story.Deliveries[b.Series].Latency
	case scenario.KindTick:
		return &f.story.Ticks[b.Series].Deviation
	default:
		return &f.run.Response
	}
}

func (f figures) count(b *scenario.Bound) uint64 {
	if b.Kind == scenario.KindCheck {
		k := &f.story.Checks[b.Series]
		return k.Held + k.Failed
	}
	return f.times(b).Count()
}

// share gives what a rate is the share of: what was lost, or of a check, what held.
func (f figures) share(b *scenario.Bound) (part, of uint64) {
	switch b.Kind {
	case scenario.KindCheck:
		k := &f.story.Checks[b.Series]
		return k.Held, k.Held + k.Failed
	case scenario.KindDelivery:
		d := &f.story.Deliveries[b.Series]
		return d.Lost(), d.Expected
	case scenario.KindRequest:
		r := &f.story.Requests[b.Series]
		return r.Lost, r.Lost + r.Response.Count()
	}
	for i := range f.story.Requests {
		r := &f.story.Requests[i]
		part += r.Lost
		of += r.Lost + r.Response.Count()
	}
	return part, of
}
