package schemas

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/scenario"
	"github.com/loadrig/loadrig/threshold"
)

func TestMain(m *testing.M) { wstest.Main(m) }

// compiled gives a schema, or the part of it that is called so, as a validator reads it.
func compiled(t *testing.T, name, part string) *jsonschema.Schema {
	t.Helper()
	text, ok := Text(name)
	if !ok {
		t.Fatalf("there is no schema %s", name)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("x.json", doc); err != nil {
		t.Fatal(err)
	}
	at := "x.json"
	if part != "" {
		at += "#/$defs/" + part
	}
	s, err := c.Compile(at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(s *jsonschema.Schema, b []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// TestNames: what loadrig schema takes.
func TestNames(t *testing.T) {
	if got, want := Names(), []string{"run", "summary"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, ok := Text("../schemas/run"); ok {
		t.Error("got a schema by a path")
	}
}

// TestGolden: the summaries that the tests of report hold fast.
func TestGolden(t *testing.T) {
	b, err := os.ReadFile("../../report/testdata/summary.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := check(compiled(t, "summary", ""), b); err != nil {
		t.Error(err)
	}
	if b, err = os.ReadFile("../../report/testdata/scenario.json"); err != nil {
		t.Fatal(err)
	}
	if err := check(compiled(t, "summary", "Scenario"), b); err != nil {
		t.Error(err)
	}
}

// TestRefuses: a schema that takes everything would be none.
func TestRefuses(t *testing.T) {
	b, err := os.ReadFile("../../report/testdata/summary.json")
	if err != nil {
		t.Fatal(err)
	}
	s := compiled(t, "summary", "")
	for _, c := range []struct{ from, to string }{
		{`"loadrig.summary/v1"`, `"loadrig.summary/v2"`},
		{`"verdict": "`, `"verdict": "un`},
		{`"players": 3`, `"players": "3"`},
		{`"players": 3`, `"palyers": 3`},
		{`"disconnects": [`, `"disconnects": null, "x": [`},
	} {
		other := strings.Replace(string(b), c.from, c.to, 1)
		if other == string(b) {
			t.Errorf("%s is not in it", c.from)
		} else if check(s, []byte(other)) == nil {
			t.Errorf("%s for %s: got no error", c.to, c.from)
		}
	}
	for part, text := range map[string]string{"Record": `{"seq":0,"from":0,"to":"1","counters":{}}`, "Event": `{"at":1}`, "Manifest": `{}`} {
		if check(compiled(t, "run", part), []byte(text)) == nil {
			t.Errorf("%s takes %s", part, text)
		}
	}
}

// TestNull: a threshold that nothing was measured for has a value of null, and not none.
func TestNull(t *testing.T) {
	b, err := json.Marshal(report.Threshold{Spec: threshold.Spec{That: "count>0"}, Unit: threshold.Count, Op: ">"})
	if err != nil {
		t.Fatal(err)
	}
	s := compiled(t, "summary", "Threshold")
	if err := check(s, b); err != nil {
		t.Errorf("%v of %s", err, b)
	}
	for from, to := range map[string]string{`"value":null`: `"value":""`, `"value":null,`: ``} {
		if check(s, []byte(strings.Replace(string(b), from, to, 1))) == nil {
			t.Errorf("%s for %s: got no error", to, from)
		}
	}
}

// tape checks all that a run tells, as JSON.
type tape struct {
	t                       *testing.T
	manifest, record, event *jsonschema.Schema
	records, events         int
}

func (p *tape) check(s *jsonschema.Schema, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = check(s, b)
	}
	if err != nil {
		p.t.Errorf("%v of %s", err, b)
	}
	return nil
}

func (p *tape) Begin(m *report.Manifest) error { return p.check(p.manifest, m) }

func (p *tape) Record(r *metrics.Record) error {
	p.records++
	return p.check(p.record, r)
}

func (p *tape) Event(e report.Event) error {
	p.events++
	return p.check(p.event, e)
}

func (p *tape) End(*report.Summary) error { return nil }

// TestRuns: what real runs write, one without a scenario and one with, is as the schemas say.
func TestRuns(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	plain := rig.Config{URL: srv.URL(), Connections: 20, Duration: 500 * time.Millisecond, MaxLag: time.Hour, Interval: 100 * time.Millisecond,
		Traffic: players.PingPong, Size: 32, Name: "a run", Tags: map[string]string{"a": "b"}}
	sc, err := scenario.Read(strings.NewReader(`
name: talk
players:
  talker:
    steps:
      - connect
      - request: {name: echo, json: {id: "{{ seq }}"}, id: id}
      - check: {name: holds, that: connected}
load: {players: 5, iterations: 3}
thresholds: ["request echo: p(99)<1h", "count>100000"]
`), "test.yaml", ".", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sc.File.Load.Plan()
	if err != nil {
		t.Fatal(err)
	}
	played := plain
	played.Play = &rig.Play{Scenario: sc, Plan: plan, Seed: 1}
	played.Connections = 5
	refused := plain
	refused.URL = "ws://127.0.0.1:1/"
	summary := compiled(t, "summary", "")
	for name, c := range map[string]rig.Config{"plain": plain, "scenario": played, "refused": refused} {
		t.Run(name, func(t *testing.T) {
			p := &tape{t: t, manifest: compiled(t, "run", "Manifest"), record: compiled(t, "run", "Record"), event: compiled(t, "run", "Event")}
			c.Sinks = []report.Sink{p}
			s, err := rig.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := s.WriteJSON(&b); err != nil {
				t.Fatal(err)
			}
			if err := check(summary, b.Bytes()); err != nil {
				t.Errorf("%v of %s", err, &b)
			}
			if p.records == 0 || p.events == 0 {
				t.Errorf("got %d records and %d events, want some", p.records, p.events)
			}
		})
	}
}
