package timeline

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// course makes the records of a run that takes a message and an answer of i ms in its i-th second.
type course struct {
	t        *Timeline
	recorder *metrics.Recorder
	at       float64
}

func begin(t *testing.T, scenario *report.ManifestScenario) *course {
	t.Helper()
	c := &course{t: New(), recorder: metrics.NewRecorder(nil)}
	if err := c.t.Begin(&report.Manifest{ID: "x", Interval: 1, Scenario: scenario}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *course) second(answer time.Duration) *metrics.Record {
	now := c.recorder.Now
	now.Traffic.Sent[messages.OpText]++
	now.States[messages.Connected]++
	now.Response.Record(answer)
	r := c.recorder.Record(c.at, c.at+1)
	c.at++
	_ = c.t.Record(r)
	return r
}

// column gives the figures of a column.
func (r *Run) column(t *testing.T, key string) (list []float64) {
	t.Helper()
	i := slices.Index(r.Columns, key)
	if i < 0 {
		t.Fatalf("got no column %s", key)
	}
	for k := range r.Rows {
		list = append(list, r.Data.data[i][k])
	}
	return list
}

func total(list []float64) (n float64) {
	for _, v := range list {
		n += v
	}
	return n
}

func TestRows(t *testing.T) {
	c := begin(t, nil)
	for i := range 3 {
		c.second(time.Duration(i+1) * time.Millisecond)
	}
	r := c.t.Run()
	for key, want := range map[string][]float64{
		"from": {0, 1, 2}, "to": {1, 2, 3}, "sent": {1, 1, 1}, "state:connected": {1, 2, 3}, "time:response:n": {1, 1, 1},
		"time:response:p50": {.001, .002, .003}, "time:response:max": {.001, .002, .003},
	} {
		if d := cmp.Diff(want, r.column(t, key)); d != "" {
			t.Errorf("%s (-want +got)\n%s", key, d)
		}
	}
	if v := r.column(t, "time:ping:p99")[0]; !math.IsNaN(v) {
		t.Errorf("got %v of what was never measured, want NaN", v)
	}
	if v := r.column(t, "asked:messages")[0]; !math.IsNaN(v) {
		t.Errorf("got %v messages asked for, want NaN, as nobody asked", v)
	}
}

// TestHalves: however long a run is, its rows are bounded, and nothing of its counts is lost.
func TestHalves(t *testing.T) {
	c := begin(t, nil)
	var (
		early   *Run
		answers [7]metrics.Histogram
	)
	for i := range answers {
		answers[i].Record(time.Duration(i+1) * time.Millisecond)
	}
	const n = 3*maxRows + 17
	for i := range n {
		_ = c.t.Record(&metrics.Record{Seq: i, From: float64(i), To: float64(i + 1),
			Counters:   map[string]float64{metrics.Sent.Key(messages.OpText.String()): float64(i + 1)},
			Histograms: map[string]*metrics.Histogram{metrics.Response.Key(): &answers[i%7]}})
		if i == maxRows-2 {
			early = c.t.Run()
		}
	}
	if err := c.t.End(nil); err != nil {
		t.Fatal(err)
	}
	r := c.t.Run()
	if r.Rows > maxRows || r.Width != 4 || r.Gen != 2 {
		t.Errorf("got %d rows of %d intervals, halved %d times; want at most %d, of 4, twice", r.Rows, r.Width, r.Gen, maxRows)
	}
	if got := total(r.column(t, "sent")); got != n {
		t.Errorf("got %v sent, want %d", got, n)
	}
	from, to := r.column(t, "from"), r.column(t, "to")
	if from[0] != 0 || to[len(to)-1] != n {
		t.Errorf("got from %v to %v, want 0 to %d", from[0], to[len(to)-1], n)
	}
	for i := 1; i < r.Rows; i++ {
		if from[i] != to[i-1] {
			t.Fatalf("row %d: got from %v, want %v", i, from[i], to[i-1])
		}
	}
	for i, worst := range r.column(t, "time:response:p50") { // of the intervals of the row
		want := 0.0
		for k := int(from[i]); k < int(to[i]); k++ {
			want = max(want, float64(1+k%7)/1000)
		}
		if math.Abs(worst-want) > want/1000 {
			t.Fatalf("row %d: got p50 %v, want %v", i, worst, want)
		}
	}
	cells := uint64(0)
	for _, row := range r.Heat.Cells.lists[0] {
		for _, cell := range row {
			cells += cell.count
		}
	}
	if cells != n {
		t.Errorf("got %d in the heat map, want %d", cells, n)
	}
	if early.Rows != maxRows-1 || early.column(t, "to")[early.Rows-1] != float64(maxRows-1) {
		t.Error("an earlier view has changed")
	}
}

// TestShortRows: what the end of the load cuts short joins what follows.
func TestShortRows(t *testing.T) {
	c := begin(t, nil)
	c.second(time.Millisecond)
	for _, to := range []float64{1.002, 1.4, 1.6, 1.61} {
		c.recorder.Now.Traffic.Sent[messages.OpText] += 5
		_ = c.t.Record(c.recorder.Record(c.at, to))
		c.at = to
	}
	if d := cmp.Diff([]float64{1, 1.6}, c.t.Run().column(t, "to")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	_ = c.t.End(nil)
	if d := cmp.Diff([]float64{1, 15, 5}, c.t.Run().column(t, "sent")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestSince(t *testing.T) {
	c := begin(t, nil)
	for range 3 {
		c.second(time.Millisecond)
	}
	_ = c.t.Event(report.Event{Kind: report.LoadOver})
	r := c.t.Run()
	for range 2 {
		c.second(time.Millisecond)
	}
	_ = c.t.Event(report.Event{Kind: report.Ended, Outcome: &report.Outcome{}})
	news := c.t.Since(r.Gen, r.Next, r.EventsSeen())
	if news == nil || news.Next != 5 || len(news.Events) != 1 || news.Events[0].Kind != report.Ended || news.Events[0].Outcome != nil {
		t.Fatalf("got %+v", news)
	}
	b, err := json.Marshal(news)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Rows [][]*float64
		Heat [][][]int
	}
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Rows) != 2 || len(read.Rows[0]) != len(r.Columns) || *read.Rows[1][1] != 5 || len(read.Heat[0]) != 2 {
		t.Errorf("got %d rows and %d columns of heat: %s", len(read.Rows), len(read.Heat[0]), b)
	}
	if again := c.t.Since(news.Gen, news.Next, news.EventsSeen()); again == nil || again.Next != 5 || len(again.Events) != 0 {
		t.Errorf("got %+v, want nothing new", again)
	}
	for name, bad := range map[string][3]int{"gen": {1, 3, 0}, "rows": {0, 6, 0}, "below": {0, -1, 0}, "events": {0, 3, 3}} {
		if c.t.Since(bad[0], bad[1], bad[2]) != nil {
			t.Errorf("%s: got news, want none", name)
		}
	}
}

// TestFewerRows: who has been away gets few rows, which have all that happened.
func TestFewerRows(t *testing.T) {
	c := begin(t, nil)
	for range 1003 {
		c.second(time.Millisecond)
	}
	news := c.t.Since(0, 0, 0)
	if n := len(news.Rows.data[0]); n > maxNews || n < maxNews/2 {
		t.Errorf("got %d rows, want at most %d", n, maxNews)
	}
	sent := slices.IndexFunc(c.t.columns.list, func(c column) bool { return c.key == "sent" })
	if got := total(news.Rows.data[sent]); got != 1003 {
		t.Errorf("got %v sent, want 1003", got)
	}
}

// TestScenarioColumns: all populations together are the response of a scenario.
func TestScenarioColumns(t *testing.T) {
	names := &report.ManifestScenario{Populations: []string{"a", "b"}, Requests: []string{"join"}, Checks: []string{"ok"}, Deliveries: []string{"chat"}, Ticks: []string{"t"}}
	c := begin(t, names)
	a, b := new(metrics.Histogram), new(metrics.Histogram)
	a.Record(time.Millisecond)
	b.Record(time.Second)
	b.Record(time.Second)
	_ = c.t.Record(&metrics.Record{To: 1, Sessions: &metrics.Sessions{Lost: [][2]uint64{{20, 1}}, Open: [][2]uint64{{40, 3}}}, Counters: map[string]float64{
		metrics.PopulationStarts.Key("a"): 5, metrics.PopulationEnds.Key("a"): 2,
		metrics.Deliveries.Key("chat", messages.OrderLate.String()): 3,
		metrics.LoadStarts.Key(metrics.StartLate):                   4, metrics.LoadStarts.Key(metrics.StartMissed): 3,
	}, Histograms: map[string]*metrics.Histogram{metrics.PopulationResponse.Key("a"): a, metrics.PopulationResponse.Key("b"): b}})
	r := c.t.Run()
	for key, want := range map[string]float64{
		"time:response:n": 3, "time:response:max": 1, "time:population/a/response:max": .001, "time:population/b/response:n": 2,
		"population:a:players": 3, "delivery:chat:late": 3, "asked:starts": 7, "starts": 4,
	} {
		if got := r.column(t, key)[0]; got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	if s := r.Survival; s == nil || s.Lost != 1 || s.Open != 3 || s.S[len(s.S)-1] != .75 {
		t.Errorf("got the survival %+v, want 3 of 4", s)
	}
	if want := []string{"response", "population/a", "population/b"}; !slices.Equal(r.Heat.Subjects, want) {
		t.Errorf("got %q, want %q", r.Heat.Subjects, want)
	}
}

func TestHeatBins(t *testing.T) {
	for d, want := range map[time.Duration]uint8{
		0: 0, time.Microsecond: 0, 2 * time.Microsecond: 7, 2*time.Microsecond + 1: 8, 1024 * time.Microsecond: 79, time.Hour: heatBins - 1,
	} {
		if got := heatBin(d); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}

// TestManyNames: a scenario with as many names as there may be has fewer rows, and no more memory.
func TestManyNames(t *testing.T) {
	var names []string
	for i := range metrics.MaxNames {
		names = append(names, strings.Repeat("n", i+1))
	}
	c := begin(t, &report.ManifestScenario{Populations: names, Requests: names, Checks: names, Deliveries: names, Ticks: names})
	if n := c.t.limit * len(c.t.data); n > maxCells {
		t.Errorf("got %d figures, want at most %d", n, maxCells)
	}
	for range c.t.limit {
		c.second(time.Millisecond)
	}
	if r := c.t.Run(); r.Width != 2 {
		t.Errorf("got rows of %d intervals after %d, want 2", r.Width, c.t.limit)
	}
}

// TestBounds: events are bounded, and a figure that is no number is null.
func TestBounds(t *testing.T) {
	c := begin(t, nil)
	for range 2 * maxEvents {
		_ = c.t.Event(report.Event{Kind: report.Stall})
	}
	if n := len(c.t.Run().Events); n != maxEvents {
		t.Errorf("got %d events, want %d", n, maxEvents)
	}
	_ = c.t.Record(&metrics.Record{To: 1, Counters: map[string]float64{metrics.RigCPU.Key(): math.Inf(1), metrics.SentBytes.Key(): 123456789012}})
	b, err := json.Marshal(c.t.Run())
	if err != nil || !json.Valid(b) {
		t.Fatalf("got %v: %s", err, b)
	}
	if !strings.Contains(string(b), "[123456789012]") {
		t.Error("a count has lost digits")
	}
}

// TestReaders: a run is read while it happens, by many.
func TestReaders(t *testing.T) {
	c := begin(t, nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			gen, next, events := 0, 0, 0
			for {
				_, changed := c.t.Changed()
				if news := c.t.Since(gen, next, events); news == nil {
					r := c.t.Run()
					gen, next, events = r.Gen, r.Next, r.EventsSeen()
				} else {
					if _, err := json.Marshal(news); err != nil {
						t.Error(err)
					}
					next, events = news.Next, news.EventsSeen()
				}
				select {
				case <-changed:
				case <-stop:
					return
				}
			}
		})
	}
	for range 300 {
		c.second(time.Millisecond)
		_ = c.t.Stands(&report.Summary{})
	}
	close(stop)
	wg.Wait()
}

func BenchmarkRecord(b *testing.B) {
	t := New()
	_ = t.Begin(&report.Manifest{Interval: 1})
	rec := metrics.NewRecorder(nil)
	for i := range 20_000 {
		rec.Now.Response.Record(time.Duration(i) * 10 * time.Microsecond)
		rec.Now.RoundTrip.Record(time.Duration(i) * time.Microsecond)
		rec.Now.ScheduleLag.Record(time.Duration(i) * time.Microsecond)
	}
	r := rec.Record(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		_ = t.Record(r)
		r.From, r.To = r.To, r.To+1
	}
}

func BenchmarkRunJSON(b *testing.B) {
	t := New()
	_ = t.Begin(&report.Manifest{Interval: 1})
	rec := metrics.NewRecorder(nil)
	for i := range 3600 {
		for k := range 50 {
			rec.Now.Response.Record(time.Duration(k*k*(i%10)) * 10 * time.Microsecond)
		}
		_ = t.Record(rec.Record(float64(i), float64(i+1)))
	}
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		j, err := json.Marshal(t.Run())
		if err != nil {
			b.Fatal(err)
		}
		size = len(j)
	}
	b.ReportMetric(float64(size), "bytes")
}

// TestHalved: a run with fewer rows has all that was counted, and the other stays as it is.
func TestHalved(t *testing.T) {
	c := begin(t, nil)
	for range 101 {
		c.second(time.Millisecond)
	}
	r := c.t.Run()
	half := r.Halved()
	if half.Rows != 51 || half.Width != 2 || total(half.column(t, "sent")) != 101 || len(half.Heat.Cells.lists[0]) != 51 {
		t.Errorf("got %d rows of %d intervals, %v sent", half.Rows, half.Width, total(half.column(t, "sent")))
	}
	if r.Rows != 101 || len(r.column(t, "sent")) != 101 {
		t.Error("the run has changed")
	}
	for half.Rows >= minRows {
		half = half.Halved()
	}
	if half.Halved() != half {
		t.Error("got fewer rows than a few")
	}
}

// TestMissingRecords: what was counted while records are missing is in no row: that of the next record is too short for
// it, and would show a rate that there never was. Nor is a row that has such an interval in it said to have counted less.
func TestMissingRecords(t *testing.T) {
	sent := func(seq ...int) []float64 {
		c := New()
		if err := c.Begin(&report.Manifest{ID: "x", Interval: 1}); err != nil {
			t.Fatal(err)
		}
		for _, i := range seq {
			_ = c.Record(&metrics.Record{Seq: i, From: float64(i), To: float64(i + 1),
				Counters: map[string]float64{metrics.Sent.Key(messages.OpText.String()): 10 * float64(i+1)}})
		}
		if len(seq) > maxRows {
			return c.Run().column(t, "sent")[:4]
		}
		return c.Run().column(t, "sent")
	}
	none := math.NaN()
	long := []int{0, 1, 4, 5, 6}
	for i := 7; len(long) <= maxRows; i++ {
		long = append(long, i)
	}
	for _, c := range []struct{ seq, want any }{
		{[]int{0, 1, 5, 6}, []float64{10, 10, none, 10}},
		{[]int{3, 4}, []float64{none, 10}},
		{long, []float64{20, none, 20, 20}},
	} {
		if d := cmp.Diff(c.want, sent(c.seq.([]int)...), cmpopts.EquateNaNs()); d != "" {
			t.Errorf("records from %d (-want +got)\n%s", c.seq.([]int)[:2], d)
		}
	}
}
