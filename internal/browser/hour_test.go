package browser

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/timeline"
	"github.com/loadrig/loadrig/web"
)

// hour gives the report of an hour in seconds, made up: players that come and go, latencies with a tail that drifts, and
// what the rig measures of itself.
func hour(t *testing.T) []byte {
	t.Helper()
	const seconds = 3600
	m := &report.Manifest{Schema: report.ManifestSchema, ID: "20261125-120000-abcdef", Started: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
		URL: "wss://game.example/socket", Players: 20_000, Planned: seconds, Interval: 1, Traffic: "paced", Rate: 1, MaxLag: .1, Engine: "epoll", Shards: 2}
	course, builder, recorder := timeline.New(), report.NewBuilder(m), metrics.NewRecorder(nil)
	if err := course.Begin(m); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	now := recorder.Now
	now.Added, now.States[messages.Idle] = 20_000, 20_000
	cpu := 0.0
	for i := range seconds {
		came := uint64(min(20_000, i*30)) - now.Transitions[messages.Connecting][messages.Connected]
		now.Transitions[messages.Idle][messages.Connecting] += came
		now.Transitions[messages.Connecting][messages.Connected] += came
		now.States[messages.Idle] -= int64(came)
		now.States[messages.Connected] += int64(came)
		for range min(came, 50) {
			d := time.Duration(1e6 * random.ExpFloat64())
			now.Handshake.Record(d)
			now.Phases[messages.PhaseConnect].Record(d / 3)
			now.Phases[messages.PhaseTLS].Record(d / 3)
			now.Phases[messages.PhaseUpgrade].Record(d / 3)
		}
		sent := now.States[messages.Connected] + random.Int64N(100)
		now.Traffic.Sent[messages.OpText] += uint64(sent)
		now.Traffic.Received[messages.OpText] += uint64(sent)
		now.Traffic.SentBytes += uint64(64 * sent)
		now.Traffic.ReceivedBytes += uint64(64 * sent)
		now.Traffic.SentWire += uint64(72 * sent)
		now.Traffic.ReceivedWire += uint64(68 * sent)
		for range 400 {
			trip := time.Duration(1e6 * (5 + 2*math.Sin(float64(i)/200)) * math.Exp(random.NormFloat64()/2))
			lag := time.Duration(1e5 * random.ExpFloat64())
			now.RoundTrip.Record(trip)
			now.KernelRoundTrip.Record(trip - trip/10)
			now.ReadLag.Record(trip / 10)
			now.Response.Record(trip + lag)
			now.ScheduleLag.Record(lag)
			now.LoopTurn.Record(lag / 3)
		}
		if i%60 == 30 {
			now.Disconnects[messages.CauseReset] += random.Uint64N(5)
		}
		cpu += .4 + random.Float64()/5
		rec := recorder.Record(float64(i)+random.Float64()/1000, float64(i+1)+random.Float64()/1000, func(v metrics.Visitor) {
			v.Gauge(metrics.LoadPlayers, float64(min(20_000, i*30)))
			v.Count(metrics.LoadMessages, float64(i*20_000))
			v.Count(metrics.RigCPU, cpu)
			v.Count(metrics.RigCPUUsable, float64(2*i))
			v.Count(metrics.RigRunQueue, cpu/7)
			v.Count(metrics.RigWallClock, float64(i))
			v.Count(metrics.RigGCCPU, cpu/100)
			v.Count(metrics.RigGCPaused, cpu/1000)
			for _, mode := range []string{metrics.HostBusy, metrics.HostIdle, metrics.HostSteal, metrics.HostIOWait} {
				v.Count(metrics.HostCPU, cpu+random.Float64(), mode)
			}
			v.Gauge(metrics.RigResident, float64(60<<20+random.Int64N(1<<20)))
			v.Gauge(metrics.RigGoroutines, float64(20+random.IntN(9)))
			v.Gauge(metrics.RigFiles, float64(now.States[messages.Connected]+20))
			v.Gauge(metrics.RigFileLimit, 20_000)
			v.Gauge(metrics.RigGCPauseWorst, random.Float64()/1000)
		})
		builder.Record(rec)
		if err := course.Record(rec); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		e := report.Event{At: float64(i * 100), Kind: report.Stall, Text: "the rig stood still for 120ms", Seconds: .12}
		builder.Event(e)
		_ = course.Event(e)
	}
	e := report.Event{At: seconds, Kind: report.Ended, Outcome: &report.Outcome{Load: seconds, Asked: 20_000, ByState: map[string]int64{"connected": 20_000}, Peak: 20_000}}
	builder.Event(e)
	_ = course.Event(e)
	if err := course.End(builder.Summary()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := web.WriteReport(&b, course.Run()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHour: the report of an hour is small enough to be mailed, and is drawn. How smooth it is when one points at it and
// zooms is printed, not judged: machines differ.
func TestHour(t *testing.T) {
	page := hour(t)
	const bound = 2_000_000
	if len(page) > bound {
		t.Errorf("got a report of %d bytes, want at most %d", len(page), bound)
	}
	t.Logf("the report of an hour has %d bytes", len(page))
	path := filepath.Join(t.TempDir(), "hour.html")
	if err := os.WriteFile(path, page, 0o600); err != nil {
		t.Fatal(err)
	}
	b := look(t, chromium(t))
	b.size(1280, 900)
	b.open(fileURL(path))
	paint := eval[float64](b, `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1`)
	t.Logf("first paint after %.0f ms", paint)
	b.until("charts are drawn", `document.querySelectorAll("canvas").length > 0`)
	// The charts of latencies are the dearest.
	eval[int](b, `(() => { document.querySelector("canvas").closest("figure").scrollIntoView(); return 1 })()`)
	frames := func(what string, move func(i int)) {
		eval[int](b, `(() => { window.took = []; let last = performance.now(); window.counting = true;
			const step = now => { window.took.push(now - last); last = now; if (window.counting) requestAnimationFrame(step) };
			requestAnimationFrame(step); return 1 })()`)
		for i := range 120 {
			move(i)
		}
		took := eval[[]float64](b, `(window.counting = false, window.took.slice(1))`)
		slices.Sort(took)
		if len(took) == 0 {
			t.Errorf("%s: no frame was drawn", what)
			return
		}
		t.Logf("%s: %d frames, median %.1f ms, 95%% %.1f ms, worst %.1f ms", what, len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1])
	}
	point := func(x, y float64) {
		call(t, b.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: "mouseMoved", X: x, Y: y})
	}
	at := eval[[]float64](b, `(() => { const r = document.querySelector(".u-over").getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })()`)
	frames("pointing", func(i int) { point(at[0]+at[2]*float64(i)/120, at[1]+at[3]/2) })
	key := func(k string) { do(t, b.ctx, chromedp.KeyEvent(k)) }
	eval[int](b, `(() => { const e = document.querySelector(".u-over").closest("figure").querySelector("[tabindex='0']"); e.focus(); return 1 })()`)
	frames("zooming", func(i int) { key(fmt.Sprintf("%c", "+-"[i/10%2])) })
	b.quiet(fileURL(path))
}
