package web

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/timeline"
)

// TestReportSize: the report of an hour of a scenario can be mailed, however many names it has, and has every second
// where they are no more than usual.
func TestReportSize(t *testing.T) {
	const bound, seconds = 2_000_000, 3600
	for _, c := range []struct {
		populations, requests, checks, deliveries int
		width                                     int // at most
	}{{2, 4, 2, 1, 1}, {metrics.MaxNames, metrics.MaxNames, metrics.MaxNames, metrics.MaxNames, 64}} {
		sc := &report.ManifestScenario{Populations: names("population", c.populations), Requests: names("request", c.requests),
			Checks: names("check", c.checks), Deliveries: names("delivery", c.deliveries)}
		course := timeline.New()
		if err := course.Begin(&report.Manifest{ID: "x", Interval: 1, Planned: seconds, Scenario: sc}); err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 2))
		var some [400]*metrics.Histogram
		for i := range some {
			some[i] = new(metrics.Histogram)
			for range 50 + i {
				some[i].Record(time.Duration(4e5 * math.Exp(random.NormFloat64()/4)))
			}
		}
		rec := &metrics.Record{Counters: make(map[string]float64), Histograms: make(map[string]*metrics.Histogram)}
		all := c.populations < metrics.MaxNames
		for i := range seconds {
			rec.Seq, rec.From, rec.To = i, float64(i)+random.Float64()/1000, float64(i+1)+random.Float64()/1000
			for _, f := range []struct {
				family *metrics.Family
				names  []string
			}{
				{metrics.PopulationResponse, sc.Populations}, {metrics.PopulationRoundTrip, sc.Populations}, {metrics.RequestResponse, sc.Requests},
				{metrics.RequestRoundTrip, sc.Requests}, {metrics.DeliveryAge, sc.Deliveries},
			} {
				for _, name := range f.names {
					if all || i%32 == 0 { // for a test, quantiles of 300 series are much
						rec.Histograms[f.family.Key(name)] = some[random.IntN(len(some))]
					} else {
						delete(rec.Histograms, f.family.Key(name))
					}
				}
			}
			for _, f := range []struct {
				family *metrics.Family
				names  []string
				labels []string
			}{
				{metrics.PopulationStarts, sc.Populations, nil}, {metrics.Checks, sc.Checks, []string{metrics.ResultHeld}},
				{metrics.DeliveriesExpected, sc.Deliveries, nil}, {metrics.Deliveries, sc.Deliveries, []string{"in_order"}},
			} {
				for _, name := range f.names {
					rec.Counters[f.family.Key(append([]string{name}, f.labels...)...)] += float64(random.IntN(1000))
				}
			}
			for _, f := range []*metrics.Family{metrics.ScheduleLag, metrics.LoopTurn} {
				rec.Histograms[f.Key()] = some[random.IntN(len(some))]
			}
			for _, f := range []*metrics.Family{metrics.RigCPU, metrics.RigRunQueue, metrics.SentBytes, metrics.ReceivedBytes} {
				rec.Counters[f.Key()] += random.Float64()
			}
			if err := course.Record(rec); err != nil {
				t.Fatal(err)
			}
		}
		_ = course.End(&report.Summary{})
		var b bytes.Buffer
		if err := WriteReport(&b, course.Run()); err != nil {
			t.Fatal(err)
		}
		if b.Len() > bound {
			t.Errorf("%+v: got %d bytes, want at most %d", c, b.Len(), bound)
		}
		if got := course.Run().Width; got > c.width {
			t.Errorf("%+v: got rows of %d seconds, want at most %d", c, got, c.width)
		}
		t.Logf("%+v: %d bytes, %d columns, rows of %d s before it was written", c, b.Len(), len(course.Run().Columns), course.Run().Width)
	}
}

func names(of string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("%s %d", of, i))
	}
	return list
}
