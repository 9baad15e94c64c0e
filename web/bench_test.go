package web

import (
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/timeline"
)

// BenchmarkSecond is what the page costs the rig for each interval and one viewer: the row, how the run stands, and the
// message. At one a second, 10 ms are 1 % of a core.
func BenchmarkSecond(b *testing.B) {
	m := &report.Manifest{ID: "x", Interval: 1, MaxLag: .1, Players: 19_000}
	recorder, builder, course := metrics.NewRecorder(nil), report.NewBuilder(m), timeline.New()
	if err := course.Begin(m); err != nil {
		b.Fatal(err)
	}
	for i := range 19_000 { // answers from 10 µs to 190 ms
		d := time.Duration(i) * 10 * time.Microsecond
		recorder.Now.Response.Record(d)
		recorder.Now.RoundTrip.Record(d)
		recorder.Now.KernelRoundTrip.Record(d)
		recorder.Now.ReadLag.Record(d / 10)
		recorder.Now.ScheduleLag.Record(d / 10)
		recorder.Now.LoopTurn.Record(d / 10)
		recorder.Now.Handshake.Record(d)
		recorder.Now.Phases[messages.PhaseConnect].Record(d)
		recorder.Now.Phases[messages.PhaseUpgrade].Record(d)
	}
	l, at := NewLive(course, ""), cursor{}
	r := recorder.Record(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		builder.Record(r)
		_ = course.Record(r)
		_ = course.Stands(builder.Standing())
		if _, more, err := l.since(&at); err != nil {
			b.Fatal(err)
		} else if !more { // rows were halved
			run := course.Run()
			at = cursor{run.Gen, run.Next, run.EventsSeen()}
		}
		r.From, r.To, r.Seq = r.To, r.To+1, r.Seq+1
	}
}
