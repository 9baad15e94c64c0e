package compare

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// A run of any length is at most maxBlocks, and nothing is lost of it.
func TestLongRun(t *testing.T) {
	const intervals = 10*maxBlocks + 7
	s := play{id: "long", intervals: intervals, players: 5, response: steadyState(time.Millisecond)}.side(t)
	if n := len(s.blocks); n > maxBlocks || n < maxBlocks/2 {
		t.Errorf("got %d blocks, want %d to %d", n, maxBlocks/2, maxBlocks)
	}
	if s.width != 16 {
		t.Errorf("got %d intervals a block, want 16", s.width)
	}
	var n, sum, received float64
	for _, d := range s.times[metrics.Response.Key()] {
		n += d.n
		sum += d.sum
		if d.n > 0 && math.Abs(d.q[0]-.001) > 1e-12 {
			t.Fatalf("got a median of %g, want that of each interval", d.q[0])
		}
	}
	for _, v := range s.counts[data(metrics.Received)[0]] {
		received += v
	}
	if n != 4*intervals || math.Abs(sum-.005*intervals) > 1e-6 || received != 1000*intervals {
		t.Errorf("got %g times of %g s and %g messages, want %d of %g and %d", n, sum, received, 4*intervals, .005*intervals, 1000*intervals)
	}
	last := 0.0
	for i, b := range s.blocks {
		if b.from != last {
			t.Fatalf("block %d: got it from %g, want from %g, where the one before it ends", i, b.from, last)
		}
		last = b.to
	}
	if last != intervals {
		t.Errorf("got blocks to %g, want to %d", last, intervals)
	}
}

// record makes a record of an interval of a second.
func record(seq int, players float64) *metrics.Record {
	return &metrics.Record{Seq: seq, From: float64(seq), To: float64(seq + 1), Gauges: map[string]float64{connected: players}}
}

func TestSteady(t *testing.T) {
	for _, c := range []struct {
		name       string
		players    []float64 // at the end of each second
		over       float64
		first, end int
	}{
		{"all come in the first second", []float64{100, 100, 100, 100}, 0, 1, 4},
		{"they come in three", []float64{30, 60, 96, 100, 100, 100, 100, 100}, 0, 3, 8},
		{"some fail", []float64{97, 97, 50, 50, 50}, 0, 1, 5},
		{"a ramp to the end", []float64{10, 20, 30, 40, 50, 60}, 0, 1, 6},
		{"the load ends before the records", []float64{9, 9, 9, 9, 9, 9, 0}, 5.05, 1, 5},
		{"nobody", []float64{0, 0, 0}, 0, 1, 3},
		{"one interval", []float64{5}, 0, 0, 1},
		{"none", nil, 0, 0, 0},
	} {
		s := NewSide()
		for i, n := range c.players {
			if err := s.Record(record(i, n)); err != nil {
				t.Fatal(err)
			}
		}
		if c.over > 0 {
			_ = s.Event(report.Event{At: c.over, Kind: report.LoadOver})
		}
		if first, end := s.steady(); first != c.first || end != c.end {
			t.Errorf("%s: got blocks %d to %d, want %d to %d", c.name, first, end, c.first, c.end)
		}
	}
}

// The rate of what was counted while records are missing is that of the time that they are missing for.
func TestMissingRecords(t *testing.T) {
	s := NewSide()
	for _, i := range []int{0, 1, 2, 3, 7, 8} { // counters count on
		r := record(i, 1)
		r.Counters = map[string]float64{data(metrics.Received)[0]: 10 * float64(i+1)}
		if err := s.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	for i, rate := range s.rates(flows[0]) {
		if rate != 10 {
			t.Errorf("batch %d: got %g a second, want 10", i, rate)
		}
	}
}

func TestRecordsThatCannotBe(t *testing.T) {
	for name, r := range map[string]*metrics.Record{
		"before the last": {From: .5, To: 2}, "backwards": {From: 3, To: 2}, "no number": {From: math.NaN(), To: 2},
		"no end": {From: 1, To: math.NaN()}, "for ever": {From: 1, To: math.Inf(1)},
	} {
		s := NewSide()
		if err := s.Record(record(0, 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Record(r); err == nil || !strings.HasPrefix(err.Error(), "record 0: got ") {
			t.Errorf("%s: got %v, want an error", name, err)
		}
	}
}

// Whatever there is of two runs, there is a result that can be written, and it blames nobody.
func TestTooLittle(t *testing.T) {
	run := func(intervals int) *Side {
		return play{id: "r", intervals: intervals, players: 1, response: steadyState(time.Millisecond), verdict: report.Pass}.side(t)
	}
	other := NewSide()
	r := record(0, 1)
	var h metrics.Histogram
	h.Record(time.Second)
	r.Histograms = map[string]*metrics.Histogram{metrics.RequestResponse.Key("join"): &h, "of_another_loadrig_seconds": &h, "bad{": &h, "nothing": nil}
	r.Counters = map[string]float64{remote: math.Inf(1), metrics.Sent.Key("text"): math.NaN(), "of_another_loadrig_total": 5, metrics.PlayersLost.Key(): -5}
	if err := other.Record(r); err != nil {
		t.Fatal(err)
	}
	sides := map[string]*Side{"nothing": NewSide(), "one interval": run(1), "four": run(4), "another": other}
	for nameA, a := range sides {
		for nameB, b := range sides {
			got := Runs(a, b, Options{})
			if got.Outcome != CannotTell || got.Regressed() {
				t.Errorf("%s and %s: got %s, want that it cannot be told", nameA, nameB, got.Outcome)
			}
			var out bytes.Buffer
			if err := got.WriteJSON(&out); err != nil {
				t.Errorf("%s and %s: %v", nameA, nameB, err)
			}
			if err := got.WriteText(&out); err != nil {
				t.Errorf("%s and %s: %v", nameA, nameB, err)
			}
		}
	}
	if got := Runs(run(30), run(5), Options{}); got.Outcome != NoDifference {
		t.Errorf("30 intervals and 5: got %s, want %s", got.Outcome, NoDifference)
	}
}

// A run file can name what it likes; there is room for so many.
func TestManySeries(t *testing.T) {
	s := NewSide()
	r := record(0, 1)
	r.Counters = make(map[string]float64)
	for i := range maxSeries + 10 {
		r.Counters[metrics.RequestsLost.Key(string(rune('a'+i%26))+strings.Repeat("x", i/26))] = 1
	}
	if err := s.Record(r); err != nil {
		t.Fatal(err)
	}
	if len(s.counts) != maxSeries || !s.leftOver {
		t.Errorf("got %d series, want %d, and that some were left out", len(s.counts), maxSeries)
	}
}

func FuzzRuns(f *testing.F) {
	f.Add([]byte(`{"seq":0,"from":0,"to":1,"counters":{"messages_sent_total{opcode=\"text\"}":5}}`), []byte(`{"to":1}`))
	f.Add([]byte(`{"to":1,"counters":{"players_lost_total":1e300}}`), []byte(`{"from":-1}`))
	var seed bytes.Buffer
	e := json.NewEncoder(&seed)
	for i := range 6 {
		r := record(i, 1)
		var h metrics.Histogram
		h.Record(time.Duration(i))
		r.Histograms = map[string]*metrics.Histogram{metrics.Response.Key(): &h}
		r.Counters = map[string]float64{
			remote: float64(i), metrics.Checks.Key("c", metrics.ResultFailed): 1, metrics.DeliveriesExpected.Key("d"): float64(i),
			metrics.Deliveries.Key("d", "late"): float64(2 * i), metrics.RequestsLost.Key("q"): 9,
		}
		_ = e.Encode(r)
	}
	f.Add(seed.Bytes(), bytes.ReplaceAll(seed.Bytes(), []byte(`"to"`), []byte(`"from"`)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var sides [2]*Side
		for i, lines := range [][]byte{a, b} {
			sides[i] = NewSide()
			for line := range bytes.Lines(lines) {
				var r metrics.Record
				if json.Unmarshal(line, &r) == nil {
					_ = sides[i].Record(&r)
				}
			}
		}
		for _, o := range []Options{{}, {Tolerance: -1, Floor: -1}, {Tolerance: MaxTolerance}} {
			got := Runs(sides[0], sides[1], o)
			if err := got.WriteJSON(new(bytes.Buffer)); err != nil {
				t.Fatal(err)
			}
			if err := got.WriteText(new(bytes.Buffer)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
