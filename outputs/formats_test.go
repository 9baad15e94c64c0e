package outputs

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// TestSummaries: text and JSON are report's.
func TestSummaries(t *testing.T) {
	for f, write := range map[Format]func(*report.Summary, io.Writer) error{Text: (*report.Summary).WriteText, JSON: (*report.Summary).WriteJSON} {
		got, s := written(t, f)
		var want strings.Builder
		if err := write(s, &want); err != nil || got != want.String() {
			t.Errorf("%s: got %q, want %q, %v", f, got, &want, err)
		}
	}
}

func TestCSV(t *testing.T) {
	text, _ := written(t, CSV)
	golden(t, "series.csv", text)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll() // each has as many cells as the first
	if err != nil {
		t.Fatal(err)
	}
	_, records, _ := run(t)
	series := 0
	for _, r := range records {
		series += len(r.Counters) + len(r.Gauges) + len(r.Histograms)
	}
	if len(rows) != 1+series {
		t.Errorf("got %d rows, want a head and %d", len(rows), series)
	}
	sum, requests := 0.0, 0.0
	for i, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("row %d: a spreadsheet takes %q for a formula", i+1, cell)
			}
			if strings.ContainsAny(cell, "\r\n") {
				t.Errorf("row %d: %q is more than a line", i+1, cell)
			}
		}
		if i == 0 {
			continue
		}
		key := strings.TrimPrefix(row[2], metrics.Prefix)
		if row[3] != "" {
			key += "{" + row[3] + "}"
		}
		name, labels, ok := metrics.ParseKey(key)
		if !ok {
			t.Errorf("row %d: %q is no series", i+1, key)
		}
		number := func(cell string) float64 {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Errorf("row %d: %v", i+1, err)
			}
			return v
		}
		switch name {
		case metrics.Sent.Name:
			sum += number(row[5])
		case metrics.RequestResponse.Name:
			requests += number(row[6]) * number(row[7])
			if labels[0].Value != nasty.request {
				t.Errorf("got the request %q, want %q", labels[0].Value, nasty.request)
			}
		}
	}
	if sum != 3 || fmt.Sprintf("%.6f", requests) != "0.006000" { // 2 + 1, 2 ms + 4 ms
		t.Errorf("got %v messages and %v s of requests, want 3 and 0.006", sum, requests)
	}
}

// TestHGRM: the library's reader finds each histogram of each interval, with its tag and its time.
func TestHGRM(t *testing.T) {
	text, s := written(t, HGRM)
	head := strings.Join(strings.SplitAfterN(text, "\n", 5)[:4], "")
	want := "#[Logged with loadrig v1.2.3, run 20261123-101112-c0ffee; values in microseconds]\n" +
		"#[Histogram log format version 1.3]\n#[StartTime: 1795428672 (seconds since epoch), 2026-11-23T10:11:12Z]\n" +
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
	if head != want {
		t.Errorf("got the head\n%swant\n%s", head, want)
	}
	m, records, _ := run(t)
	r := hdr.NewHistogramLogReader(strings.NewReader(text))
	all := make(map[string]*hdr.Histogram)
	for _, rec := range records {
		for range rec.Histograms {
			h, err := r.NextIntervalHistogram()
			if err != nil || h == nil {
				t.Fatalf("got %v, %v, want a histogram", h, err)
			}
			from := m.Started.Add(time.Duration(rec.From * 1e9)).UnixMilli()
			if h.StartTimeMs() != from || h.EndTimeMs() != from+1000 {
				t.Errorf("%s: got %d to %d, want %d and 1000 more", h.Tag(), h.StartTimeMs(), h.EndTimeMs(), from)
			}
			if all[h.Tag()] == nil {
				all[h.Tag()] = hdr.New(1, 60_000_000, 3)
			}
			all[h.Tag()].Merge(h)
		}
	}
	if h, err := r.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("got %v, %v, want no more", h, err)
	}
	key := metrics.RequestResponse.Key(nasty.request)
	for k, l := range map[string]report.Latency{key: s.Scenario.Requests[0].Response, metrics.RoundTrip.Key(): s.RoundTrip} {
		h := all[tag(k)]
		if h == nil {
			t.Errorf("%s is not there", k)
			continue
		}
		p99 := float64(h.ValueAtQuantile(99)) / 1e6 // the end of its bin, which is at most 0.1 % higher
		if uint64(h.TotalCount()) != l.Count || p99 < l.P99 || p99 > l.P99*1.001 {
			t.Errorf("%s: got %d with a p99 of %v s, want %+v", k, h.TotalCount(), p99, l)
		}
	}
	if strings.ContainsAny(tag(key+"\n,"), " \n,") {
		t.Errorf("got the tag %q", tag(key+"\n,"))
	}
}

// TestReplayed: a run that is read again, from JSON, gives the same to the byte.
func TestReplayed(t *testing.T) {
	m, records, events := run(t)
	again := func(from, to any) {
		b, err := json.Marshal(from)
		if err == nil {
			err = json.Unmarshal(b, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	manifest := new(report.Manifest)
	again(m, manifest)
	for _, f := range []Format{Text, JSON, CSV, JUnit, Markdown, HGRM} {
		var texts [2]strings.Builder
		for i, m := range []*report.Manifest{m, manifest} {
			sink, err := Spec{f, Stdout}.Sink(Options{Stdout: &texts[i]})
			if err != nil {
				t.Fatal(err)
			}
			b := report.NewBuilder(m)
			err = sink.Begin(m)
			for _, r := range records {
				if i == 1 {
					read := new(metrics.Record)
					again(r, read)
					r = read
				}
				b.Record(r)
				err = errors.Join(err, sink.Record(r))
			}
			for _, e := range events {
				b.Event(e)
				err = errors.Join(err, sink.Event(e))
			}
			if err = errors.Join(err, sink.End(b.Summary())); err != nil {
				t.Error(err)
			}
		}
		if d := cmp.Diff(texts[0].String(), texts[1].String()); d != "" || texts[0].Len() == 0 {
			t.Errorf("%s (-first +again):\n%s", f, d)
		}
	}
}

// systemOut is the part of the XML that has the summary's text.
var systemOut = regexp.MustCompile(`(?s)<system-out>.*</system-out>`)

func TestJUnit(t *testing.T) {
	text, s := written(t, JUnit)
	golden(t, "junit.xml", systemOut.ReplaceAllString(text, "<system-out>…</system-out>"))
	got := parseJUnit(t, text)
	var out strings.Builder
	_ = s.WriteText(&out)
	if got.Out != out.String() {
		t.Errorf("got %q, want %q", got.Out, &out)
	}
	if got.Tests != 13 || got.Failures != 3 || got.Errors != 0 || got.Skipped != 2 {
		t.Errorf("got %d tests, %d failed, %d with errors, %d skipped; want 13, 3, 0, 2", got.Tests, got.Failures, got.Errors, got.Skipped)
	}
}

// suite is what a reader makes of JUnit XML.
type suite struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Out      string `xml:"system-out"`
	Cases    []struct {
		Failure *struct{} `xml:"failure"`
		Error   *struct{} `xml:"error"`
		Skipped *struct{} `xml:"skipped"`
	} `xml:"testcase"`
}

// parseJUnit reads the one suite, and checks that its counts are those of its cases.
func parseJUnit(t *testing.T, text string) suite {
	t.Helper()
	var all struct {
		Suites []suite `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &all); err != nil || len(all.Suites) != 1 {
		t.Fatalf("%d suites, %v in\n%s", len(all.Suites), err, text)
	}
	u := all.Suites[0]
	var n suite
	for _, c := range u.Cases {
		n.Tests++
		switch {
		case c.Failure != nil:
			n.Failures++
		case c.Error != nil:
			n.Errors++
		case c.Skipped != nil:
			n.Skipped++
		}
	}
	if n.Tests != u.Tests || n.Failures != u.Failures || n.Errors != u.Errors || n.Skipped != u.Skipped {
		t.Errorf("the attributes are not the counts of the cases in\n%s", text)
	}
	return u
}

// TestJUnitVerdicts: what is the server's is a failure, what is the rig's an error; and what no XML may have does no
// harm.
func TestJUnitVerdicts(t *testing.T) {
	for _, c := range []struct {
		name             string
		s                report.Summary
		failures, errors int
	}{
		{"pass", report.Summary{Verdict: report.Pass}, 0, 0},
		{"fail", report.Summary{Verdict: report.Fail, Reasons: []string{"\x1b[31m\x00\xff]]><&", "b"}}, 1, 0},
		{"untrustworthy", report.Summary{Verdict: report.Untrustworthy, Reasons: []string{"a"}}, 0, 1},
		{"late", report.Summary{Verdict: report.Untrustworthy, Trust: []report.Trust{{Name: report.TrustLag, Reason: "late"}, {Name: report.TrustGC, Held: true}}}, 0, 2},
		{"interrupted", report.Summary{Verdict: report.Pass, Interrupted: true}, 0, 1},
		{"a law broken", report.Summary{Verdict: report.Untrustworthy, Rig: report.Rig{Conservation: "1 + 1 = 3"}}, 0, 2},
	} {
		if c.s.Rig.Conservation == "" {
			c.s.Rig.Conservation = "ok"
		}
		sink, err := Spec{JUnit, Stdout}.Sink(Options{})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		sink.(*document).o.Stdout = &out
		if err := sink.Begin(&report.Manifest{MaxLag: .1}); err != nil {
			t.Fatal(err)
		}
		if err := sink.End(&c.s); err != nil {
			t.Fatal(err)
		}
		u := parseJUnit(t, out.String())
		if u.Failures != c.failures || u.Errors != c.errors {
			t.Errorf("%s: got %d failures and %d errors, want %d and %d:\n%s", c.name, u.Failures, u.Errors, c.failures, c.errors, &out)
		}
		for _, bad := range []string{"\x1b", "\x00", "\xff"} {
			if strings.Contains(out.String(), bad) {
				t.Errorf("%s: %q got through", c.name, bad)
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	text, _ := written(t, Markdown)
	golden(t, "summary.md", text)
	columns := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if columns != 0 && n != columns {
			t.Errorf("got %d columns, want %d: %s", n-1, columns-1, line)
		}
		columns = n
	}
	for _, bad := range []string{"<b>", "http://", " www.", "[x]", "`|"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q got through", bad)
		}
	}
	if got, want := plain("a\nb\x1b[0m\u202e|\xff"), `a b \[0m\|`+"\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
