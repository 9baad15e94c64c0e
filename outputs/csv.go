package outputs

import (
	"bytes"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// csvColumns is the head of a CSV file (RFC 4180, with LF), which has a row for each interval and series. time and
// seconds are the end of the interval. A counter has value (since the start of the run) and delta (of the
// interval), a gauge value (at the end of the interval), a histogram the rest (of the interval), in seconds.
//
// No cell begins with a character that a spreadsheet takes for a formula, whatever the names in a scenario are:
// they are within labels, which begins with a label's name.
var csvColumns = []string{
	"time", "seconds", "metric", "labels", "value", "delta", "count", "mean", "min", "p50", "p90", "p95", "p99", "p99.9", "max",
}

// csvRows makes the rows of a CSV file.
type csvRows struct {
	started time.Time
	before  map[string]float64 // counters
}

func (c *csvRows) head(b *bytes.Buffer, m *report.Manifest) error {
	c.started, c.before = m.Started, make(map[string]float64)
	w := csv.NewWriter(b)
	_ = w.Write(csvColumns)
	w.Flush()
	return w.Error()
}

func (c *csvRows) record(b *bytes.Buffer, r *metrics.Record) error {
	w := csv.NewWriter(b)
	at := c.started.Add(time.Duration(r.To * 1e9)).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	row := func(key string, cells ...string) {
		name, labels, _ := strings.Cut(strings.TrimSuffix(key, "}"), "{")
		_ = w.Write(append([]string{at, decimal(r.To), metrics.Prefix + name, labels}, cells...))
	}
	none := make([]string, len(csvColumns)-6)
	for _, key := range slices.Sorted(maps.Keys(r.Counters)) {
		n := r.Counters[key]
		row(key, append([]string{decimal(n), decimal(n - c.before[key])}, none...)...)
		c.before[key] = n
	}
	for _, key := range slices.Sorted(maps.Keys(r.Gauges)) {
		row(key, append([]string{decimal(r.Gauges[key]), ""}, none...)...)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Histograms)) {
		h := r.Histograms[key]
		cells := []string{"", "", strconv.FormatUint(h.Count(), 10)}
		for _, d := range []time.Duration{h.Mean(), h.Min(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.95), h.Quantile(.99), h.Quantile(.999), h.Max()} {
			cells = append(cells, decimal(d.Seconds()))
		}
		row(key, cells...)
	}
	w.Flush()
	return w.Error()
}

// decimal writes a number without an exponent.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
