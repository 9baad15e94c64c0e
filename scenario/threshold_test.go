package scenario

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/threshold"
)

const series = `
players:
  ann:
    on:
      - { json: { op: say }, delivery: say, stamp: $.stamp }
      - { json: { op: state }, tick: state, interval: 50ms }
    steps:
      - connect
      - join: lobby
      - request: { name: "join: the room", json: { id: "{{ seq }}" }, id: $.id }
      - http: { name: login, url: "http://127.0.0.1:9/" }
      - publish: { name: say, audience: lobby, json: { op: say, stamp: "{{ stamp }}" } }
      - check: { name: alive, that: connected }
thresholds:
  - %s
`

// TestThresholds: what is written is what the run wants, and each kind of series has its names.
func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		text string
		want threshold.Spec
	}{
		{"p(95)<200ms", threshold.Spec{That: "p(95)<200ms"}},
		{`"request join: the room: p(95)<200ms"`, threshold.Spec{That: "request join: the room: p(95)<200ms"}},
		{`"  request   login : rate < 0.5%"`, threshold.Spec{That: "  request   login : rate < 0.5%"}},
		{`{ that: "delivery say: max<1s", window: 1m30s }`, threshold.Spec{That: "delivery say: max<1s", Window: 90}},
		{`{ that: "tick state: p(99)<5ms", delay: 0.5s }`, threshold.Spec{That: "tick state: p(99)<5ms", Delay: 0.5}},
		{`{ that: "check alive: rate>0.99", abort_on_fail: true }`, threshold.Spec{That: "check alive: rate>0.99", Abort: true}},
		{`{ that: "population ann: count>=3", abort_on_fail: false }`, threshold.Spec{That: "population ann: count>=3"}},
		{`request('login').rate < 1% && population("ann").p(95) < 1s`, threshold.Spec{That: `request('login').rate < 1% && population("ann").p(95) < 1s`}},
	} {
		s, err := Read(strings.NewReader(fmt.Sprintf(series, c.text)), "x.yaml", ".", Options{})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if diff := cmp.Diff([]threshold.Spec{c.want}, s.Thresholds); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.text, diff)
		}
	}
}

// TestCountersReference holds the table of counters in docs/scenarios.md to the code; -update writes it.
func TestCountersReference(t *testing.T) {
	const begin, end = "<!-- counters: begin -->\n", "<!-- counters: end -->\n"
	b, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s lacks %q or %q", referenceFile, begin, end)
	}
	var want strings.Builder
	want.WriteString("\n| counter | counts | of the metric | label |\n|---|---|---|---|\n")
	for _, c := range threshold.Counters() {
		fmt.Fprintf(&want, "| `%s` | %s | `%s` | %s |\n", c.Name, c.Doc, c.Metric, c.Label)
	}
	want.WriteString("\n")
	if got == want.String() {
		return
	}
	if !*update {
		t.Fatalf("%s is not what package threshold says (go test ./scenario -update writes it)", referenceFile)
	}
	if err := os.WriteFile(referenceFile, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
