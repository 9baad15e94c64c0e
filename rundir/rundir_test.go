package rundir

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// aRun tells the sink of a run of n intervals, each with an answer and an event, and gives its summary.
func aRun(t testing.TB, n int, sink report.Sink) *report.Summary {
	t.Helper()
	m := &report.Manifest{
		Schema: report.ManifestSchema, ID: fmt.Sprintf("20261125-1200%02d-c0ffee", n), Name: "market day", URL: "ws://127.0.0.1:1/",
		Started: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Players: 1, Interval: 1, MaxLag: 0.1, Version: "v1", Go: "go1", Engine: "epoll", Shards: 1,
	}
	must(t, sink.Begin(m))
	b, r, shard := report.NewBuilder(m), metrics.NewRecorder(nil), new(metrics.Shard)
	shard.Added(1)
	for i := range n {
		shard.Response(0, 1000, messages.Stamp(i+2)*messages.Stamp(time.Millisecond))
		r.Now.Reset()
		shard.AddTo(r.Now)
		rec := r.Record(float64(i), float64(i+1))
		b.Record(rec)
		must(t, sink.Record(rec))
		e := report.Event{At: float64(i + 1), Kind: report.Annotated, Text: fmt.Sprint("note ", i)}
		b.Event(e)
		must(t, sink.Event(e))
	}
	e := report.Event{At: float64(n), Kind: report.Ended, Outcome: &report.Outcome{Load: float64(n), ByState: map[string]int64{"idle": 1}}}
	b.Event(e)
	must(t, sink.Event(e))
	s := b.Summary()
	must(t, sink.End(s))
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// heard is a sink that keeps what it is told.
type heard struct {
	manifest *report.Manifest
	story    []string // "record 0", "note 0", …
	whole    metrics.Whole
	summary  *report.Summary
}

func (h *heard) Begin(m *report.Manifest) error { h.manifest = m; return nil }
func (h *heard) Record(r *metrics.Record) error {
	h.whole.Add(r)
	h.story = append(h.story, fmt.Sprint("record ", r.Seq))
	return nil
}
func (h *heard) Event(e report.Event) error {
	h.story = append(h.story, strings.TrimSpace(string(e.Kind)+" "+e.Text))
	return nil
}
func (h *heard) End(s *report.Summary) error { h.summary = s; return nil }

func replay(t *testing.T, path string) (*heard, Damage) {
	t.Helper()
	r, err := Open(path)
	must(t, err)
	h := new(heard)
	must(t, r.Replay(h))
	return h, r.Damage()
}

func written(t *testing.T, n int) (path string, s *report.Summary) {
	t.Helper()
	w := NewWriter(t.TempDir(), "")
	s = aRun(t, n, w)
	return w.Path(), s
}

// TestReplay: what was told of a run is told again, in its order, and the summary is the same, whether it is read
// or made anew.
func TestReplay(t *testing.T) {
	path, want := written(t, 3)
	for _, stored := range []bool{true, false} {
		if !stored {
			must(t, os.Remove(filepath.Join(path, summaryName)))
		}
		h, damage := replay(t, path)
		if damage != (Damage{}) {
			t.Errorf("got damage: %v", damage)
		}
		if d := cmp.Diff(want, h.summary); d != "" {
			t.Errorf("stored %t: (-want +got)\n%s", stored, d)
		}
		story := []string{"record 0", "annotated note 0", "record 1", "annotated note 1", "record 2", "annotated note 2", "ended"}
		if d := cmp.Diff(story, h.story); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		if h.manifest.Name != "market day" || h.whole.Times(metrics.Response).Max() != 4*time.Millisecond {
			t.Errorf("got %q, max %v", h.manifest.Name, h.whole.Times(metrics.Response).Max())
		}
	}
}

// TestTorn: a run that was cut off in the middle of a line is read up to there.
func TestTorn(t *testing.T) {
	path, _ := written(t, 3)
	must(t, os.Remove(filepath.Join(path, summaryName)))
	must(t, os.Remove(filepath.Join(path, eventsName)))
	b, err := os.ReadFile(filepath.Join(path, intervalsName))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(path, intervalsName), b[:len(b)-20], 0o600))
	h, damage := replay(t, path)
	if !h.summary.CutOff || h.summary.Duration != 2 || h.summary.Response.Count != 2 || h.summary.Verdict != report.Untrustworthy {
		t.Errorf("got cut off %t, %v s, %d answers, %s", h.summary.CutOff, h.summary.Duration, h.summary.Response.Count, h.summary.Verdict)
	}
	if want := "lines that could not be read: 1; the first: events.jsonl is not there"; damage.String() != want {
		t.Errorf("got %q, want %q", damage, want)
	}
}

// many gives a record with so many of a kind.
func many(kind, one string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"%d":%s`, i, one)
	}
	return fmt.Sprintf(`{"seq":0,"to":1,%q:{%s}}`, kind, strings.Join(list, ","))
}

// TestDamage: what cannot be read in the middle is passed over and told.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(lines []string) []string
		want   string
		left   int
	}{
		{"none", func(l []string) []string { return l }, "", 4},
		{"garbage", func(l []string) []string { l[1] = "\x00\x01"; return l },
			"lines that could not be read: 1; intervals that are missing: 1; the first: intervals.jsonl line 2: invalid character '\\x00' looking for beginning of value", 3},
		{"a line twice", func(l []string) []string { return slices.Insert(l, 1, l[0]) }, "lines that could not be read: 1; the first: intervals.jsonl line 2: got record 0 again", 4},
		{"one is missing", func(l []string) []string { return slices.Delete(l, 0, 2) }, "intervals that are missing: 2; the first: intervals.jsonl line 1: got record 2, want 0", 2},
		{"a histogram that is none", func(l []string) []string {
			l[3] = strings.Replace(l[3], `"count":1`, `"count":7`, 1)
			return l
		}, "lines that could not be read: 1; the first: intervals.jsonl line 4: histogram: got 1 in the bins, want count 7", 3},
		{"no histogram", func(l []string) []string { l[0] = `{"seq":0,"histograms":{"response_seconds":null}}`; return l }, "", 4},
		{"what no run has", func(l []string) []string {
			l[0] = `{"seq":0,"to":1,"counters":{"load_messages_total":1e308}}`
			l[1] = `{"seq":1,"from":1,"to":-1}`
			l[2] = `{"seq":9e18,"from":1,"to":2}`
			l[3] = `{"seq":0,"to":1e300}`
			return append(l, `{"seq":0,"to":1,"gauges":{"connections":-1e300}}`, many("counters", "1", maxCounts+1), many("histograms", "{}", maxTimes+1))
		}, `lines that could not be read: 7; the first: intervals.jsonl line 1: got "load_messages_total" of 1e+308, want a count`, 0},
		{"as much as there may be", func(l []string) []string { l[0] = many("histograms", "{}", maxTimes-2); return l }, "", 4},
		{"more over several", func(l []string) []string {
			l[0] = many("histograms", "{}", maxTimes)
			return l
		}, "lines that could not be read: 3; the first: intervals.jsonl line 2: got more than 1024 histograms, which no run has", 1},
		{"sessions that no run has", func(l []string) []string {
			l[0] = `{"seq":0,"to":1,"sessions":{"lost":[[3,1],[3,1]]}}`
			l[1] = `{"seq":0,"to":1,"sessions":{"kept":[[562,1]]}}`
			l[2] = `{"seq":0,"to":1,"sessions":{"open":[[1,0]]}}`
			l[3] = `{"seq":0,"to":1,"sessions":{"lost":[[1,-1]]}}`
			return append(l, `{"seq":0,"to":1,"sessions":{"lost":[[1,9007199254740992]],"open":[[1,1]]}}`,
				`{"seq":0,"to":1,"sessions":{"lost":[`+strings.Repeat("[],", maxSessionsText/3)+`[]]}}`)
		}, "lines that could not be read: 6; the first: intervals.jsonl line 1: got sessions in bin 3, want bins upwards, each once, below 562", 0},
		{"sessions", func(l []string) []string {
			l[0] = `{"seq":0,"to":1,"sessions":{"lost":[[0,1],[561,9007199254740990]],"open":[[1,1]]}}`
			return l
		}, "", 4},
		{"empty lines", func(l []string) []string { return slices.Insert(l, 2, "", "") }, "", 4},
	} {
		path, _ := written(t, 4)
		b, err := os.ReadFile(filepath.Join(path, intervalsName))
		must(t, err)
		lines := c.change(strings.Split(strings.TrimSpace(string(b)), "\n"))
		must(t, os.WriteFile(filepath.Join(path, intervalsName), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
		h, damage := replay(t, path)
		if damage.String() != c.want || h.whole.Records != c.left {
			t.Errorf("%s: got %q and %d records, want %q and %d", c.name, damage, h.whole.Records, c.want, c.left)
		}
	}
}

// TestOpenRefuses: what is no run directory, or one that is not understood, is told by what it is.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	with := func(manifest string) string {
		path := filepath.Join(dir, fmt.Sprint(len(manifest)))
		must(t, os.MkdirAll(path, 0o700))
		must(t, os.WriteFile(filepath.Join(path, manifestName), []byte(manifest), 0o600))
		return path
	}
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for path, want := range map[string]string{
		filepath.Join(dir, "nowhere"):            "there is none; see loadrig runs",
		file:                                     "got a file, want the directory of a run",
		dir:                                      "it has no manifest.json, so no run of loadrig was kept in it",
		with(`{"schema":"loadrig.run/v1","id":`): "manifest.json: got no JSON that can be read (unexpected end of JSON input)",
		with(`{"schema":"loadrig.run/v2"}`):      "manifest.json: got loadrig.run/v2, which a newer loadrig wrote; this one reads loadrig.run/v1: use a newer one",
		with(`{"schema":"other.run/v22"}`):       `manifest.json: got schema "other.run/v22", want loadrig.run/v1: loadrig did not write it`,
		with(`{}`):                               `manifest.json: got schema "", want loadrig.run/v1: loadrig did not write it`,
		with(`{"schema":"loadrig.run/v1","scenario":{"ticks":["a"` + strings.Repeat(`,"a"`, maxNames) + `]}}`): "manifest.json: got a scenario of 1025 ticks, which no run has",
		with(`{"schema":"loadrig.run/v1","players":"7"}`):                                                      "manifest.json: json: cannot unmarshal string into Go struct field Manifest.players of type int",
	} {
		_, err := Open(path)
		if err == nil || err.Error() != "run directory "+path+": "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestBeginRefuses: a directory that cannot be used is told before there is a run.
func TestBeginRefuses(t *testing.T) {
	full := t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "thesis.tex"), nil, 0o600))
	file := filepath.Join(full, "thesis.tex")
	for path, want := range map[string]string{
		full:                        "got one that is not empty (it has thesis.tex), want a new one",
		filepath.Join(file, "deep"): "mkdir thesis.tex: not a directory",
	} {
		err := NewWriter("", path).Begin(&report.Manifest{ID: "x"})
		if err == nil || err.Error() != "run directory "+path+": "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestDiskFull: what the disk does not take is told, and the run goes on: what comes later is there.
func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("SKIP: there is no /dev/full here: ", err)
	}
	defer full.Close()
	w := NewWriter(t.TempDir(), "")
	must(t, w.Begin(&report.Manifest{Schema: report.ManifestSchema, ID: "x"}))
	good := w.intervals.file
	must(t, w.Record(&metrics.Record{Seq: 0, To: 1}))
	w.intervals.file = full
	err = w.Record(&metrics.Record{Seq: 1, To: 2})
	if want := "run directory " + w.Path() + ": write full: no space left on device"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	w.intervals.file = good
	_, _ = good.WriteString(`{"seq":1,"to`) // what there was room for
	must(t, w.Record(&metrics.Record{Seq: 2, To: 3}))
	must(t, w.End(nil))
	h, damage := replay(t, w.Path())
	if damage.Lines != 1 || damage.Missing != 1 || h.whole.To != 3 {
		t.Errorf("got %v, up to %v s", damage, h.whole.To)
	}
}

// TestFilesAreTheOwners: a run may tell of a server what not everybody is to know.
func TestFilesAreTheOwners(t *testing.T) {
	path, _ := written(t, 1)
	for _, name := range []string{"", manifestName, intervalsName, eventsName, summaryName} {
		info, err := os.Stat(filepath.Join(path, name))
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got %v, want nothing for others", name, info.Mode())
		}
	}
}

func TestEventsAreBounded(t *testing.T) {
	w := NewWriter(t.TempDir(), "")
	must(t, w.Begin(&report.Manifest{Schema: report.ManifestSchema, ID: "x"}))
	for range maxEvents + 5 {
		must(t, w.Event(report.Event{Kind: report.Crossed}))
	}
	for _, once := range []report.EventKind{report.Aborted, report.LoadOver, report.Ended} {
		must(t, w.Event(report.Event{Kind: once}))
	}
	must(t, w.End(nil))
	h, _ := replay(t, w.Path())
	if n := len(h.story); n != maxEvents+3 || !slices.Equal(h.story[n-3:], []string{"aborted", "load_over", "ended"}) {
		t.Errorf("got %d events, the last %s", n, h.story[n-3:])
	}
}

// FuzzReplay: whatever is in the files, it is read or told, and the summary can be written.
func FuzzReplay(f *testing.F) {
	w := NewWriter(f.TempDir(), "")
	aRun(f, 2, w)
	var seed [4][]byte
	for i, name := range []string{manifestName, intervalsName, eventsName, summaryName} {
		seed[i], _ = os.ReadFile(filepath.Join(w.Path(), name))
	}
	f.Add(seed[0], seed[1], seed[2], seed[3])
	f.Add(seed[0], []byte(`{"seq":0,"to":1,"counters":{"load_messages_total":1e15}}`), []byte(`{"at":1,"kind":"ended","outcome":{"load_seconds":5e-324}}`), []byte(`{}`))
	f.Add(seed[0], []byte(`{"seq":0,"to":1e-320,"counters":{"load_messages_total":1e308}}`), []byte(``), []byte(`{}`))
	f.Add(seed[0], seed[1], []byte(`{"at":-1,"kind":"ended","outcome":{}}`), []byte(`{"schema":"loadrig.summary/v1","scenario":{}}`))
	f.Fuzz(func(t *testing.T, manifest, intervals, events, summary []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{manifestName: manifest, intervalsName: intervals, eventsName: events, summaryName: summary} {
			must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
		}
		r, err := Open(dir)
		if err != nil {
			return
		}
		h := new(heard)
		if err := r.Replay(h); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(h.summary); err != nil {
			t.Error(err)
		}
		_ = h.summary.WriteText(new(strings.Builder))
	})
}
