package metrics

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/loadrig/loadrig/messages"
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

// NewCollector makes the collector of all of loadrig's series. At each scrape it calls gather, which
// adds every shard (Shard.AddTo on its own goroutine, and its messages.Traffic) to the empty Snapshot
// it is given, returns when the context ends, and leaves the Snapshot alone once it has returned.
// Where gather fails, the scrape does too.
//
// The collector is safe for concurrent use. Scrapes take turns and share one Snapshot; gather is
// never called twice at a time.
func NewCollector(gather func(context.Context, *Snapshot) error, build BuildInfo) prometheus.Collector {
	return &collector{
		gather: gather,
		build:  build,
		series: newSeries(),
		sum:    new(Snapshot),
	}
}

type collector struct {
	// Static after construction.
	gather func(context.Context, *Snapshot) error
	build  BuildInfo
	series *series

	mu sync.Mutex
	// Guarded by mu.
	sum *Snapshot
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.series.all {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), GatherTimeout)
	defer cancel()
	c.sum.Reset()
	if err := c.gather(ctx, c.sum); err != nil {
		// A shard that answers too late must not write into the next scrape.
		c.sum = new(Snapshot)
		out <- prometheus.NewInvalidMetric(c.series.connections, fmt.Errorf("gather shards: %w", err))
		return
	}
	e := emitter{out}
	e.gauge(c.series.buildInfo, 1, c.build.Version, c.build.Revision, c.build.GoVersion)
	c.connections(e)
	c.traffic(e)
	c.ends(e)
	c.latencies(out)
}

func (c *collector) connections(e emitter) {
	legal := legalTransitions()
	for _, from := range messages.States() {
		e.gauge(c.series.connections, float64(c.sum.States[from]), from.String())
		for _, to := range messages.States() {
			if n := c.sum.Transitions[from][to]; legal[from][to] || n > 0 {
				e.counter(c.series.transitions, n, from.String(), to.String())
			}
		}
	}
	for k := range messages.CommandKind(messages.NumCommands) {
		for _, st := range messages.States() {
			if n := c.sum.Refused[k][st]; n > 0 {
				e.counter(c.series.refused, n, k.String(), st.String())
			}
		}
	}
}

func (c *collector) traffic(e emitter) {
	t := &c.sum.Traffic
	for op := range messages.Op(messages.NumOps) {
		e.counter(c.series.sent, t.Sent[op], op.String())
		e.counter(c.series.received, t.Received[op], op.String())
	}
	for d := range messages.Drop(messages.NumDrops) {
		e.counter(c.series.dropped, t.Dropped[d], d.String())
	}
	e.counter(c.series.sentBytes, t.SentBytes)
	e.counter(c.series.receivedBytes, t.ReceivedBytes)
}

// ends shows all causes, also at 0, so that a rate is known from the first one on. Combinations that
// mostly make no sense are shown once they occur.
func (c *collector) ends(e emitter) {
	for _, cause := range messages.Causes() {
		e.counter(c.series.disconnects, c.sum.Disconnects[cause], cause.String(), cause.Initiator().String())
		for p := range messages.Phase(messages.NumPhases) {
			if n := c.sum.HandshakeFailures[p][cause]; n > 0 {
				e.counter(c.series.handshakeFailures, n, p.String(), cause.String())
			}
		}
	}
	c.sum.Closes(func(label string, by messages.Initiator, n uint64) {
		e.counter(c.series.closes, n, label, by.String())
	})
}

func (c *collector) latencies(out chan<- prometheus.Metric) {
	s := c.series
	out <- newPromHistogram(s.roundTrip, &c.sum.RoundTrip)
	out <- newPromHistogram(s.response, &c.sum.Response)
	out <- newPromHistogram(s.scheduleLag, &c.sum.ScheduleLag)
	out <- newPromHistogram(s.ping, &c.sum.Ping)
	out <- newPromHistogram(s.handshake, &c.sum.Handshake, "total")
	for p := range messages.Phase(messages.NumPhases) {
		out <- newPromHistogram(s.handshake, &c.sum.Phases[p], p.String())
	}
}

// emitter makes const metrics. A label value that is not UTF-8, which only BuildInfo could hold, is
// mended rather than refused.
type emitter struct{ out chan<- prometheus.Metric }

func (e emitter) counter(d *prometheus.Desc, n uint64, labels ...string) {
	e.emit(d, prometheus.CounterValue, float64(n), labels)
}

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.emit(d, prometheus.GaugeValue, v, labels)
}

func (e emitter) emit(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels []string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
	}
	m, err := prometheus.NewConstMetric(d, kind, v, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err)
	}
	e.out <- m
}
