package rig

import (
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/scenario"
)

// figures are all that thresholds can be about.
type figures struct {
	run   *metrics.Whole
	names *report.ManifestScenario
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
		return f.run.Times(metrics.RequestResponse, f.names.Requests[b.Series])
	case scenario.KindDelivery:
		return f.run.Times(metrics.DeliveryAge, f.names.Deliveries[b.Series])
	case scenario.KindTick:
		return f.run.Times(metrics.TickDeviation, f.names.Ticks[b.Series])
	default:
		return f.run.Times(metrics.Response)
	}
}

func (f figures) count(b *scenario.Bound) uint64 {
	if b.Kind == scenario.KindCheck {
		_, of := f.share(b)
		return of
	}
	return f.times(b).Count()
}

// share gives what a rate is the share of: what was lost, or of a check, what held.
func (f figures) share(b *scenario.Bound) (part, of uint64) {
	switch b.Kind {
	case scenario.KindCheck:
		name := f.names.Checks[b.Series]
		held := f.run.Count(metrics.Checks, name, metrics.ResultHeld)
		return held, held + f.run.Count(metrics.Checks, name, metrics.ResultFailed)
	case scenario.KindDelivery:
		name := f.names.Deliveries[b.Series]
		expected := f.run.Count(metrics.DeliveriesExpected, name)
		came := f.run.Count(metrics.Deliveries, name, messages.OrderKept.String()) + f.run.Count(metrics.Deliveries, name, messages.OrderLate.String()) +
			f.run.Count(metrics.Deliveries, name, messages.OrderCorrupt.String())
		return expected - min(came, expected), expected
	case scenario.KindRequest:
		name := f.names.Requests[b.Series]
		lost := f.run.Count(metrics.RequestsLost, name)
		return lost, lost + f.run.Times(metrics.RequestResponse, name).Count()
	}
	for _, name := range f.names.Requests {
		lost := f.run.Count(metrics.RequestsLost, name)
		part += lost
		of += lost + f.run.Times(metrics.RequestResponse, name).Count()
	}
	return part, of
}
