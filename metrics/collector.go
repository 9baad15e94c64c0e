package metrics

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// GatherTimeout is how long a scrape waits for the shards. It is half of Prometheus's default scrape
// timeout, so that the error still arrives.
const GatherTimeout = 5 * time.Second

// BuildInfo is what loadrig_build_info says about the binary. Empty fields are empty labels.
type BuildInfo struct {
	Version   string // "v1.2.3"
	Revision  string // the commit
	GoVersion string // "go1.26.0"
}

// NewCollector makes the collector of a Snapshot's series, and of build_info. At each scrape it calls gather,
// which adds every shard (Shard.AddTo on its own goroutine, and its messages.Traffic) to the empty Snapshot
// it is given, returns when the context ends, and leaves the Snapshot alone once it has returned.
// Where gather fails, the scrape does too.
//
// The collector is safe for concurrent use. Scrapes take turns and share one Snapshot; gather is
// never called twice at a time.
func NewCollector(gather func(context.Context, *Snapshot) error, build BuildInfo) prometheus.Collector {
	sum := new(Snapshot)
	return newCollector(OfConnections, func(ctx context.Context, v Visitor) error {
		sum.Reset()
		if err := gather(ctx, sum); err != nil {
			sum = new(Snapshot) // a shard that answers too late must not write into the next scrape
			return err
		}
		v.Gauge(Build, 1, build.Version, build.Revision, build.GoVersion)
		sum.Visit(v)
		return nil
	})
}

// NewCollector makes the collector of the scenario's series, which goes beside that of a Snapshot. gather is as
// that of NewCollector, with ScenarioShard.AddTo.
func (s *Scenario) NewCollector(gather func(context.Context, *ScenarioSnapshot) error) prometheus.Collector {
	sum := s.NewSnapshot()
	return newCollector(OfScenario, func(ctx context.Context, v Visitor) error {
		sum.Reset()
		if err := gather(ctx, sum); err != nil {
			sum = s.NewSnapshot()
			return err
		}
		sum.Visit(v)
		return nil
	})
}

// NewRigCollector makes the collector of the rig's own series, which show shows: what was last measured. It goes
// beside the others.
func NewRigCollector(show func(Visitor)) prometheus.Collector {
	return newCollector(OfRig, func(_ context.Context, v Visitor) error { show(v); return nil })
}

// newCollector makes a collector of what read shows, which is of one group.
func newCollector(g Group, read func(context.Context, Visitor) error) prometheus.Collector {
	c := &collector{read: read, descs: make(map[*Family]*prometheus.Desc)}
	for _, f := range families {
		if f.Group == g {
			c.descs[f] = prometheus.NewDesc(Prefix+f.Name, f.Help, f.Labels, nil)
		}
	}
	return c
}

// collector shows Prometheus what a Visitor is shown.
type collector struct {
	descs map[*Family]*prometheus.Desc // static after construction

	mu sync.Mutex
	// Guarded by mu.
	read func(context.Context, Visitor) error
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), GatherTimeout)
	defer cancel()
	if err := c.read(ctx, emitter{c.descs, out}); err != nil {
		for _, d := range c.descs { // any
			out <- prometheus.NewInvalidMetric(d, fmt.Errorf("gather shards: %w", err))
			return
		}
	}
}

// emitter makes const metrics. A label value that is not UTF-8, which only BuildInfo could hold, is
// mended rather than refused.
type emitter struct {
	descs map[*Family]*prometheus.Desc
	out   chan<- prometheus.Metric
}

// Count implements Visitor.
func (e emitter) Count(f *Family, n float64, labels ...string) {
	e.emit(f, prometheus.CounterValue, n, labels)
}

// Gauge implements Visitor.
func (e emitter) Gauge(f *Family, v float64, labels ...string) {
	e.emit(f, prometheus.GaugeValue, v, labels)
}

// Times implements Visitor.
func (e emitter) Times(f *Family, h *Histogram, labels ...string) {
	e.out <- newPromHistogram(e.descs[f], h, labels...)
}

func (e emitter) emit(f *Family, kind prometheus.ValueType, v float64, labels []string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
	}
	m, err := prometheus.NewConstMetric(e.descs[f], kind, v, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(e.descs[f], err)
	}
	e.out <- m
}
