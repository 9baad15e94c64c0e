package rundir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

// TestOrder: what happened while a record was made is told before the next one, as it was then. So the end of the load
// is where it was, and a run that was cut off later is judged by its load, as it had been.
func TestOrder(t *testing.T) {
	w := NewWriter(t.TempDir(), "")
	m := &report.Manifest{
		Schema: report.ManifestSchema, ID: "20261125-120000-c0ffee", Started: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Players: 1, Interval: 1,
		Thresholds: []threshold.Spec{{That: `connections("connected") == 1`}, {That: "per_second(sent) < 5"}},
	}
	b := report.NewBuilder(m)
	must(t, w.Begin(m))
	at := func(from, to, connected float64) {
		rec := &metrics.Record{Seq: int(from), From: from, To: to, Counters: map[string]float64{`messages_sent_total{opcode="text"}`: 10},
			Gauges: map[string]float64{`connections{state="connected"}`: connected}}
		b.Record(rec)
		must(t, w.Record(rec))
	}
	event := func(at float64, kind report.EventKind, text string) {
		e := report.Event{At: at, Kind: kind, Text: text}
		b.Event(e)
		must(t, w.Event(e))
	}
	at(0, 1, 1)
	event(1, report.Crossed, "at its end")
	event(1.01, report.Broke, "while it was made")
	at(1, 2, 1)
	event(2.01, report.LoadOver, "")
	event(2.5, report.Stall, "in the middle")
	at(2, 3, 0)
	must(t, w.End(nil))
	h, _ := replay(t, w.Path())
	want := []string{"record 0", "threshold_crossed at its end", "law_broken while it was made", "record 1", "load_over", "rig_stall in the middle", "record 2"}
	if d := cmp.Diff(want, h.story); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff(b.Summary(), h.summary); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	s := h.summary
	if s.Duration != 2.01 || !s.Thresholds[0].Held || *s.Thresholds[1].Value > 5 {
		t.Errorf("got %v s and %s, %s, want what the load was, without the closing", s.Duration, s.Thresholds[0].Got(), s.Thresholds[1].Got())
	}
}

// TestNoFiles: what has no end is not read. That this test ends is what it tests.
func TestNoFiles(t *testing.T) {
	const endless = "/dev/zero"
	if _, err := os.Stat(endless); err != nil {
		t.Skip("SKIP: there is no /dev/zero here: ", err)
	}
	for _, name := range []string{manifestName, intervalsName, eventsName, summaryName} {
		path, _ := written(t, 1)
		must(t, os.Remove(filepath.Join(path, name)))
		must(t, os.Symlink(endless, filepath.Join(path, name)))
		r, err := Open(path)
		if err == nil {
			if err = r.Replay(new(heard)); err == nil && name == summaryName {
				err = errors.New(r.Damage().String()) // made anew
			}
		}
		if err == nil || !strings.Contains(err.Error(), name+": got what is no file (D") {
			t.Errorf("%s: got %v, want that it is none", name, err)
		}
	}
}
