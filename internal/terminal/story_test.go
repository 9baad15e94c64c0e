package terminal

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

// story tells a View of a run, interval by interval, as rig does.
type story struct {
	t       testing.TB
	view    *View
	clock   time.Time
	builder *report.Builder
	rec     metrics.Record
	sum     map[string]float64
}

func manifest() *report.Manifest {
	return &report.Manifest{
		Schema: report.ManifestSchema, ID: "20260102-030405-abcdef", URL: "ws://game.example:8080/socket", Players: 5000, Planned: 120, Interval: 1,
		MaxLag: 0.1, Traffic: "paced", Rate: 2, Version: "v1.2.3", Go: "go1.26", Engine: "epoll", Shards: 2, Host: report.Host{OS: "linux", Arch: "amd64", CPUs: 2, Files: 20000},
		Thresholds: []threshold.Spec{{That: "p(95)<200ms"}, {That: "p(99)<30ms"}, {That: "dropped == 0"}, {That: "count>1000000"}},
	}
}

// tell begins a story on a View that draws nothing by itself.
func tell(t testing.TB, m *report.Manifest, ascii bool) *story {
	s := &story{t: t, clock: time.Unix(1e9, 0), builder: report.NewBuilder(m), sum: make(map[string]float64)}
	s.view = &View{opt: Options{ASCII: ascii, Interrupt: func() {}, Kill: func() {}}, done: make(chan struct{}), now: func() time.Time { return s.clock }}
	s.view.state.manifest, s.view.at = m, s.clock
	s.rec.Gauges, s.rec.Histograms = make(map[string]float64), make(map[string]*metrics.Histogram)
	return s
}

// begun is a run of which no interval is over yet.
func begun(t testing.TB, m *report.Manifest) *story {
	s := tell(t, m, false)
	s.view.version++
	s.clock = s.clock.Add(500 * time.Millisecond)
	return s
}

func (s *story) count(f *metrics.Family, n float64, labels ...string) { s.sum[f.Key(labels...)] += n }

func (s *story) gauge(f *metrics.Family, v float64, labels ...string) {
	s.rec.Gauges[f.Key(labels...)] = v
}

func (s *story) times(f *metrics.Family, n int, around time.Duration, labels ...string) {
	h := new(metrics.Histogram)
	for i := range n {
		h.Record(around/2 + around*time.Duration(i)/time.Duration(n))
	}
	s.rec.Histograms[f.Key(labels...)] = h
}

// step ends an interval of a second.
func (s *story) step() {
	s.rec.Counters = s.sum
	s.rec.From, s.rec.To = s.rec.To, s.rec.To+1
	s.clock = s.clock.Add(time.Second)
	events := s.builder.Record(&s.rec)
	s.ok(s.view.Record(&s.rec))
	for _, e := range events {
		s.event(e)
	}
	s.ok(s.view.Stands(s.builder.Standing()))
	s.rec.Seq++
	clear(s.rec.Histograms)
}

func (s *story) event(e report.Event) {
	s.builder.Event(e)
	s.ok(s.view.Event(e))
}

func (s *story) ok(err error) {
	if err != nil {
		s.t.Fatal(err)
	}
}

// usual is a second of a run of which most goes well.
func (s *story) usual(i int) {
	connected := min(5000, 400*float64(i+1))
	s.count(metrics.Transitions, min(400, 5000-connected+400), "idle", "connecting")
	s.count(metrics.Transitions, min(390, connected), "connecting", "connected")
	s.gauge(metrics.Connections, connected-200, "connected")
	s.gauge(metrics.Connections, 150, "connecting")
	s.gauge(metrics.Connections, 50, "disconnected")
	s.gauge(metrics.Connections, 5000-connected, "idle")
	s.gauge(metrics.LoadPlayers, connected)
	s.count(metrics.LoadMessages, 2*connected)
	s.count(metrics.Sent, 2*connected-20, "text")
	s.count(metrics.Received, 2*connected-40, "text")
	s.times(metrics.Response, 1000, time.Duration(2+i%7)*time.Millisecond)
	s.times(metrics.RoundTrip, 1000, 800*time.Microsecond)
	s.times(metrics.ScheduleLag, 1000, time.Duration(1+i%3)*time.Millisecond)
	s.times(metrics.LoopTurn, 1000, 90*time.Microsecond)
	s.times(metrics.HandshakeDuration, 100, time.Millisecond, metrics.PhaseTotal)
	s.rig()
}

func (s *story) rig() {
	s.count(metrics.RigCPU, 0.7)
	s.count(metrics.RigCPUUsable, 2)
	s.count(metrics.RigWallClock, 1)
	s.count(metrics.RigRunQueue, 0.1)
	s.count(metrics.RigGCCPU, 0.01)
	s.gauge(metrics.RigGCPauseWorst, 120e-6)
	s.gauge(metrics.RigResident, 120<<20)
	s.gauge(metrics.RigFiles, 5012)
	s.gauge(metrics.RigFileLimit, 20000)
	s.gauge(metrics.RigGoroutines, 31)
}

// faulty is what goes wrong.
func (s *story) faulty() {
	s.count(metrics.Transitions, 12, "connecting", "disconnected")
	s.count(metrics.HandshakeFailures, 12, "upgrade", "upgrade_status")
	s.count(metrics.Disconnects, 12, "upgrade_status", "remote")
	s.count(metrics.Disconnects, 3, "reset", "remote")
	s.count(metrics.Disconnects, 7, "local", "local") // by plan
	s.count(metrics.Dropped, 41, "backlog")
	s.count(metrics.Strays, 2, "corrupted")
	s.rec.Ends = []metrics.DisconnectCount{{Cause: "upgrade_status", Initiator: "remote", Count: 12}, {Cause: "reset", Initiator: "remote", Code: messages.CloseAbnormal, Count: 3}, {Cause: "local", Initiator: "local", Code: 1000, Count: 7}}
	s.times(metrics.Response, 1000, 190*time.Millisecond)
	s.gauge(metrics.RigGCPauseWorst, math.NaN())
	s.event(report.Event{At: s.rec.To, Kind: report.Stall, Seconds: .25, Text: "the rig stood still for 250ms"})
	s.view.Note("loadrig: an output lost something; the run goes on\n")
}

// bad is a run of which something went wrong.
func bad20(t testing.TB, m *report.Manifest, ascii bool) *story {
	s := tell(t, m, ascii)
	for i := range 20 {
		s.usual(i)
		if i == 12 {
			s.faulty()
		}
		s.step()
	}
	return s
}

// good is a run of which nothing did.
func good8(t testing.TB, m *report.Manifest, ascii bool) *story {
	s := tell(t, m, ascii)
	for i := range 8 {
		s.usual(i)
		s.step()
	}
	return s
}

// scenarioManifest is that of a scenario.
func scenarioManifest() *report.Manifest {
	m := manifest()
	m.Name, m.Planned, m.Traffic, m.Rate, m.Thresholds = "nightly", 0, "", 0, nil
	m.Tags = map[string]string{"build": "17"}
	m.Scenario = &report.ManifestScenario{Name: "evening rush", Requests: []string{"join", "move"}, Checks: []string{"welcome"}, Deliveries: []string{"chat"}, Ticks: []string{"world"}, Populations: []string{"walkers", "talkers"}}
	return m
}

func rush(t testing.TB, m *report.Manifest, ascii bool) *story {
	s := tell(t, m, ascii)
	for i := range 5 {
		s.usual(i)
		delete(s.sum, metrics.LoadMessages.Key())
		delete(s.rec.Gauges, metrics.LoadPlayers.Key())
		for k, name := range m.Scenario.Populations {
			s.count(metrics.PopulationStarts, float64(200*(k+1)), name)
			s.count(metrics.PopulationEnds, 20, name)
			s.count(metrics.PopulationIterations, 35, name)
			s.times(metrics.PopulationResponse, 100, 7*time.Millisecond, name)
		}
		for _, name := range m.Scenario.Requests {
			s.times(metrics.RequestResponse, 100, 5*time.Millisecond, name)
			s.count(metrics.RequestsLost, 1, name)
		}
		s.count(metrics.Checks, 90, m.Scenario.Checks[0], metrics.ResultHeld)
		s.count(metrics.Checks, 2, m.Scenario.Checks[0], metrics.ResultFailed)
		s.count(metrics.LoadStarts, 400, metrics.StartOnTime)
		s.count(metrics.Publications, 10, m.Scenario.Deliveries[0])
		s.count(metrics.DeliveriesExpected, 100, m.Scenario.Deliveries[0])
		s.count(metrics.Deliveries, 99, m.Scenario.Deliveries[0], messages.OrderKept.String())
		s.times(metrics.TickDeviation, 100, 2*time.Millisecond, m.Scenario.Ticks[0])
		s.step()
	}
	return s
}

// screen gives what a model has drawn, without styles, and checks that it fits.
func screen(t testing.TB, m *model) string {
	t.Helper()
	m.draw()
	text := unstyled(t, m.content)
	lines := strings.Split(text, "\n")
	if len(lines) > m.height {
		t.Errorf("got %d rows, want at most %d", len(lines), m.height)
	}
	for i, l := range lines {
		if w := width(l); w > m.width {
			t.Errorf("row %d is %d columns wide, want at most %d: %q", i, w, m.width, l)
		}
	}
	return text
}

// unstyled takes the styles away: CSI sequences that end in m. There must be no other ones.
func unstyled(t testing.TB, s string) string {
	t.Helper()
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			break
		}
		end := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("0123456789;:", r) })
		if end < 0 || after[end] != 'm' {
			t.Fatalf("got a sequence that is no style: %q", after[:min(len(after), 20)])
		}
		s = after[end+1:]
	}
	return b.String()
}

// on gives a model of the story on a screen.
func (s *story) on(w, h int) *model {
	m := newModel(s.view)
	m.width, m.height = w, h
	m.look()
	return m
}
