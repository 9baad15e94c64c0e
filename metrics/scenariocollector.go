package metrics

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/loadrig/loadrig/messages"
)

// NewCollector makes the collector of the scenario's series, which goes beside that of Snapshot. At each
// scrape it calls gather, which adds every shard (ScenarioShard.AddTo on its own goroutine) to the empty
// ScenarioSnapshot it is given, returns when the context ends, and leaves the snapshot alone once it has
// returned. Where gather fails, the scrape does too. Each name has its series from the first scrape on; there
// are at most MaxNames of a kind.
//
// The collector is safe for concurrent use. Scrapes take turns and share one ScenarioSnapshot; gather is never
// called twice at a time.
func (s *Scenario) NewCollector(gather func(context.Context, *ScenarioSnapshot) error) prometheus.Collector {
	return &scenarioCollector{gather: gather, scenario: s, series: newScenarioSeries(), sum: s.NewSnapshot()}
}

// scenarioSeries are the names, help texts and labels of what is exported of a scenario.
type scenarioSeries struct {
	response, roundTrip, requestsLost *prometheus.Desc
	checks                            *prometheus.Desc
	delivery, deliveries              *prometheus.Desc
	published, expected               *prometheus.Desc
	tick                              *prometheus.Desc
	iterations, playersLost, faults   *prometheus.Desc

	all []*prometheus.Desc
}

func newScenarioSeries() *scenarioSeries {
	s := new(scenarioSeries)
	add := func(name, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc("loadrig_"+name, help, labels, nil)
		s.all = append(s.all, d)
		return d
	}
	s.response = add("request_response_seconds",
		"From when a request of the scenario was due to its answer: what a user would feel.", "request")
	s.roundTrip = add("request_round_trip_seconds",
		"From when a request of the scenario was sent to its answer.", "request")
	s.requestsLost = add("requests_lost_total",
		"Requests of the scenario without an answer in time, or while the connection lasted.", "request")

	s.checks = add("checks_total",
		"Checks of the scenario, by whether they held.", "check", "result")

	s.delivery = add("delivery_seconds",
		"From a publication to when a member of its audience first got it.", "delivery")
	s.deliveries = add("deliveries_total",
		"Publications that a member of the audience got, by how they relate to the sender's others.", "delivery", "order")
	s.published = add("publications_total",
		"Messages sent to an audience.", "delivery")
	s.expected = add("deliveries_expected_total",
		"Members of the audience that each publication had when it was sent, added up.", "delivery")

	s.tick = add("tick_deviation_seconds",
		"By how much the time between two ticks of the server differed from what is wanted, either way.", "tick")

	s.iterations = add("iterations_total",
		"How often players went through the steps of the scenario.")
	s.playersLost = add("players_lost_total",
		"Players that ended before they had gone through their steps.")
	s.faults = add("expression_faults_total",
		"Expressions of the scenario that could not be evaluated.")
	return s
}

type scenarioCollector struct {
	// Static after construction.
	gather   func(context.Context, *ScenarioSnapshot) error
	scenario *Scenario
	series   *scenarioSeries

	mu sync.Mutex
	// Guarded by mu.
	sum *ScenarioSnapshot
}

// Describe implements prometheus.Collector.
func (c *scenarioCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.series.all {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *scenarioCollector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), GatherTimeout)
	defer cancel()
	c.sum.Reset()
	if err := c.gather(ctx, c.sum); err != nil {
		// A shard that answers too late must not write into the next scrape.
		c.sum = c.scenario.NewSnapshot()
		out <- prometheus.NewInvalidMetric(c.series.iterations, fmt.Errorf("gather shards: %w", err))
		return
	}
	e, s := emitter{out}, c.series
	e.counter(s.iterations, c.sum.Iterations)
	e.counter(s.playersLost, c.sum.PlayersLost)
	e.counter(s.faults, c.sum.Faults)
	for i := range c.sum.Requests {
		r := &c.sum.Requests[i]
		out <- newPromHistogram(s.response, &r.Response, r.Name)
		out <- newPromHistogram(s.roundTrip, &r.RoundTrip, r.Name)
		e.counter(s.requestsLost, r.Lost, r.Name)
	}
	for i := range c.sum.Checks {
		k := &c.sum.Checks[i]
		e.counter(s.checks, k.Held, k.Name, "held")
		e.counter(s.checks, k.Failed, k.Name, "failed")
	}
	for i := range c.sum.Deliveries {
		d := &c.sum.Deliveries[i]
		out <- newPromHistogram(s.delivery, &d.Latency, d.Name)
		for o := range messages.Order(messages.NumOrders) {
			e.counter(s.deliveries, d.Orders[o], d.Name, o.String())
		}
		e.counter(s.published, d.Published, d.Name)
		e.counter(s.expected, d.Expected, d.Name)
	}
	for i := range c.sum.Ticks {
		t := &c.sum.Ticks[i]
		out <- newPromHistogram(s.tick, &t.Deviation, t.Name)
	}
}
