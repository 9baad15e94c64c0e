package otlp

import (
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// data gives all series as they are at the end of the last record. Metrics are called as Prometheus has them, so that
// dashboards and queries are the same whichever way the figures came.
func data(m *report.Manifest, w *metrics.Whole) *otlp.MetricsData {
	d := &points{start: nanos(m, 0), at: nanos(m, w.To), metrics: make(map[string]*otlp.Metric)}
	for _, f := range metrics.Families() {
		d.metrics[f.Name] = d.metric(f)
	}
	for _, key := range slices.Sorted(maps.Keys(w.Counters)) {
		d.number(key, w.Counters[key])
	}
	for _, key := range slices.Sorted(maps.Keys(w.Gauges)) {
		d.number(key, w.Gauges[key])
	}
	for _, key := range w.Timed() {
		d.times(key, w.TimesOf(key))
	}
	scope := &otlp.ScopeMetrics{Scope: &common.InstrumentationScope{Name: "github.com/loadrig/loadrig", Version: valid(m.Version)}}
	for _, name := range slices.Sorted(maps.Keys(d.metrics)) {
		if d.used[name] {
			scope.Metrics = append(scope.Metrics, d.metrics[name])
		}
	}
	return &otlp.MetricsData{ResourceMetrics: []*otlp.ResourceMetrics{{
		Resource:     &resource.Resource{Attributes: ofRun(m)},
		ScopeMetrics: []*otlp.ScopeMetrics{scope},
	}}}
}

// ofRun gives the attributes of the run. Its id is the instance of the service, as each run counts from 0.
func ofRun(m *report.Manifest) []*common.KeyValue {
	list := []*common.KeyValue{attribute("service.name", "loadrig"), attribute("service.version", m.Version),
		attribute("service.instance.id", m.ID), attribute("loadrig.run", m.ID)}
	if m.Host.Name != "" {
		list = append(list, attribute("host.name", m.Host.Name))
	}
	return list
}

func attribute(name, value string) *common.KeyValue {
	return &common.KeyValue{Key: name, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: valid(value)}}}
}

// valid is text that protobuf takes.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// points collects data points by metric.
type points struct {
	start, at uint64
	metrics   map[string]*otlp.Metric // by the family's name
	used      map[string]bool
}

func (d *points) metric(f *metrics.Family) *otlp.Metric {
	m := &otlp.Metric{Name: metrics.Prefix + f.Name, Description: f.Help}
	switch {
	case strings.Contains(f.Name, "_seconds"):
		m.Unit = "s"
	case strings.Contains(f.Name, "_bytes"):
		m.Unit = "By"
	}
	const cumulative = otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	switch f.Kind {
	case metrics.Counter:
		m.Data = &otlp.Metric_Sum{Sum: &otlp.Sum{IsMonotonic: true, AggregationTemporality: cumulative}}
	case metrics.Gauge:
		m.Data = &otlp.Metric_Gauge{Gauge: new(otlp.Gauge)}
	default:
		m.Data = &otlp.Metric_ExponentialHistogram{ExponentialHistogram: &otlp.ExponentialHistogram{AggregationTemporality: cumulative}}
	}
	return m
}

// of gives the metric of a key; nil if this version has none of that name, as a run of another one may.
func (d *points) of(key string) (*otlp.Metric, []*common.KeyValue) {
	name, labels, ok := metrics.ParseKey(key)
	m := d.metrics[name]
	if !ok || m == nil {
		return nil, nil
	}
	if d.used == nil {
		d.used = make(map[string]bool)
	}
	d.used[name] = true
	var attributes []*common.KeyValue
	for _, l := range labels {
		attributes = append(attributes, attribute(l.Name, l.Value))
	}
	return m, attributes
}

func (d *points) number(key string, v float64) {
	m, attributes := d.of(key)
	p := &otlp.NumberDataPoint{Attributes: attributes, TimeUnixNano: d.at, Value: &otlp.NumberDataPoint_AsDouble{AsDouble: v}}
	switch {
	case m.GetSum() != nil:
		p.StartTimeUnixNano = d.start
		m.GetSum().DataPoints = append(m.GetSum().DataPoints, p)
	case m.GetGauge() != nil:
		m.GetGauge().DataPoints = append(m.GetGauge().DataPoints, p)
	}
}

func (d *points) times(key string, h *metrics.Histogram) {
	m, attributes := d.of(key)
	e := m.GetExponentialHistogram()
	if e == nil {
		return
	}
	p := h.Prometheus()
	e.DataPoints = append(e.DataPoints, &otlp.ExponentialHistogramDataPoint{
		Attributes: attributes, StartTimeUnixNano: d.start, TimeUnixNano: d.at,
		Count: p.GetSampleCount(), Sum: proto.Float64(p.GetSampleSum()), Scale: p.GetSchema(),
		ZeroCount: p.GetZeroCount(), ZeroThreshold: p.GetZeroThreshold(), Positive: dense(p),
		Min: proto.Float64(h.Min().Seconds()), Max: proto.Float64(h.Max().Seconds()),
	})
}

// dense gives native buckets as OTLP has exponential ones: without holes, and with an index that is one less, as it
// names the lower bound, where Prometheus's names the upper one.
func dense(p *dto.Histogram) *otlp.ExponentialHistogramDataPoint_Buckets {
	b := new(otlp.ExponentialHistogramDataPoint_Buckets)
	count, at := int64(0), 0
	for i, s := range p.PositiveSpan {
		if i == 0 {
			b.Offset = s.GetOffset() - 1
		} else {
			b.BucketCounts = append(b.BucketCounts, make([]uint64, s.GetOffset())...)
		}
		for range s.GetLength() {
			count += p.PositiveDelta[at]
			at++
			b.BucketCounts = append(b.BucketCounts, uint64(count))
		}
	}
	return b
}
