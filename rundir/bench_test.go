package rundir

import (
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// BenchmarkRecord is what each interval costs: a record of a thousand answers, written and added up.
func BenchmarkRecord(b *testing.B) {
	w := NewWriter(b.TempDir(), "")
	m := &report.Manifest{Schema: report.ManifestSchema, ID: "x"}
	must(b, w.Begin(m))
	builder, r, shard := report.NewBuilder(m), metrics.NewRecorder(nil), new(metrics.Shard)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for k := range 1000 {
			at := messages.Stamp(i+k) * messages.Stamp(time.Microsecond)
			shard.Response(0, at, 2*at)
			shard.Lag(time.Duration(k) * time.Microsecond)
			shard.Turn(time.Duration(k) * time.Microsecond)
		}
		r.Now.Reset()
		shard.AddTo(r.Now)
		rec := r.Record(float64(i), float64(i+1))
		builder.Record(rec)
		must(b, w.Record(rec))
	}
	must(b, w.End(nil))
}
