package report

import (
	"slices"
	"strings"
	"testing"
)

func TestThresholdJudge(t *testing.T) {
	for _, c := range []struct {
		op    string
		value float64
		want  bool
	}{
		{"<", 1, true}, {"<", 2, false}, {"<=", 2, true}, {"<=", 3, false}, {">", 3, true}, {">", 2, false},
		{">=", 2, true}, {">=", 1, false}, {"==", 2, true}, {"==", 1, false}, {"!=", 1, true}, {"!=", 2, false}, {"", 2, false},
	} {
		h := Threshold{Op: c.op, Value: &c.value, Bound: 2, Held: !c.want}
		if h.Judge(); h.Held != c.want {
			t.Errorf("%v %s 2: got %t, want %t", c.value, c.op, h.Held, c.want)
		}
		if h.Value, h.Held = nil, true; true {
			if h.Judge(); h.Held {
				t.Errorf("nothing %s 2 holds", c.op)
			}
		}
	}
}

// TestThresholdReasons: a threshold that did not hold fails the run, with its figure in its own unit.
func TestThresholdReasons(t *testing.T) {
	s := story(t)
	before := len(s.Scenario.failures())
	late, share, n := 0.25, 0.123456, 1234.0
	s.Scenario.Thresholds = []Threshold{
		{That: "p(95)<200ms", Unit: Seconds, Value: &late},
		{That: "rate<1%", Unit: Share, Value: &share},
		{That: "count>1", Unit: Count, Value: &n, Held: true},
		{That: "tick world: max<1s", Unit: Seconds},
	}
	want := []string{
		"the threshold p(95)<200ms did not hold: got 250ms",
		"the threshold rate<1% did not hold: got 12.35%",
		"the threshold tick world: max<1s did not hold: nothing was measured that it is about",
	}
	if got := s.Scenario.failures()[before:]; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var b strings.Builder
	s.Scenario.thresholds().write(&b)
	for _, row := range []string{"p(95)<200ms", "12.35%", "1,234", "nothing", "yes", "NO"} {
		if !strings.Contains(b.String(), row) {
			t.Errorf("got %s, want %s in it", b.String(), row)
		}
	}
}
