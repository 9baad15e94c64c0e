package outputs

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// hdrLog makes a log of HdrHistogram, V1.3: a line for each interval and series that has something in it, tagged
// with the series' key. Values are in µs, and the column Interval_Max is in seconds, as the library has it for its
// default ratio; start times are seconds since the epoch.
type hdrLog struct {
	started time.Time
	h       *hdr.Histogram
}

func (l *hdrLog) head(b *bytes.Buffer, m *report.Manifest) error {
	l.started = m.Started
	l.h = hdr.New(metrics.MinValue.Microseconds(), metrics.MaxValue.Microseconds(), 3)
	w := hdr.NewHistogramLogWriter(b)
	for _, err := range []error{
		w.OutputComment(fmt.Sprintf("[Logged with loadrig %s, run %s; values in microseconds]", tag(m.Version), tag(m.ID))),
		w.OutputLogFormatVersion(),
		w.OutputStartTime(m.Started.UnixMilli()),
		w.OutputLegend(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *hdrLog) record(b *bytes.Buffer, r *metrics.Record) error {
	w := hdr.NewHistogramLogWriter(b)
	for _, key := range slices.Sorted(maps.Keys(r.Histograms)) {
		l.h.Reset()
		for d, n := range r.Histograms[key].Bins() {
			if err := l.h.RecordValues(d.Microseconds(), int64(n)); err != nil {
				return err
			}
		}
		l.h.SetTag(tag(key))
		l.h.SetStartTimeMs(l.at(r.From))
		l.h.SetEndTimeMs(l.at(r.To))
		if err := w.OutputIntervalHistogram(l.h); err != nil {
			return err
		}
	}
	return nil
}

func (l *hdrLog) at(seconds float64) int64 {
	return l.started.Add(time.Duration(seconds * 1e9)).UnixMilli()
}

// tag makes a key a tag, which has no space, no comma and no line break: those, and the sign itself, are written as
// %20, %2C and so on, as in a URL.
func tag(key string) string {
	var b strings.Builder
	for _, c := range []byte(key) {
		if c <= ' ' || c == ',' || c == '%' || c == 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
