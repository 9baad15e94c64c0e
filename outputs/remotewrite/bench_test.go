package remotewrite

import (
	"fmt"
	"testing"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/outputs/push"
	"github.com/loadrig/loadrig/report"
)

// BenchmarkRecord is an interval of the largest scenario there may be: 64 requests, checks, deliveries and ticks, all
// with latencies in a hundred bins.
func BenchmarkRecord(b *testing.B) {
	var n metrics.Names
	for i := range metrics.MaxNames {
		name := fmt.Sprint("name ", i)
		n.Requests, n.Checks = append(n.Requests, name), append(n.Checks, name)
		n.Deliveries, n.Ticks = append(n.Deliveries, name), append(n.Ticks, name)
	}
	names, err := metrics.NewScenario(n)
	if err != nil {
		b.Fatal(err)
	}
	shard := names.NewShard()
	for i := range metrics.MaxNames {
		for k := range 100 {
			at := messages.Stamp(k * 1e5)
			shard.Request(i, 0, at/2, at)
			shard.Delivered(i, 1e5, messages.OrderKept)
			shard.Tick(i, 1e5)
			shard.Check(i, true)
		}
	}
	r := metrics.NewRecorder(names)
	shard.AddTo(r.NowScenario)
	record := r.Record(0, 1)
	for _, mode := range []string{"", "true"} {
		b.Run("native="+mode, func(b *testing.B) {
			to, _ := push.ParseURL("http://127.0.0.1:1/")
			s, err := New(to.String(), Options{Getenv: func(name string) string { return map[string]string{Env + "_NATIVE": mode}[name] }})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Begin(&report.Manifest{}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Record(record); err != nil {
					b.Fatal(err)
				}
			}
			_ = s.End(nil)
		})
	}
}
