package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/threshold"
)

// TestStanding: a run under way has no verdict and was not cut off; its thresholds say how they stand, and asking how
// it stands changes nothing of what comes of it.
func TestStanding(t *testing.T) {
	specs := []threshold.Spec{{That: "p(95)<200ms"}, {That: "max<200ms", Window: 2}, {That: "count>1000"}}
	asked, plain := stepsOf(specs...), stepsOf(specs...)
	for i := range 10 {
		d := 10 * ms
		if i == 2 || i == 3 {
			d = 300 * ms
		}
		asked.step(d, d, d, d)
		plain.step(d, d, d, d)
		s := asked.b.Standing()
		if s.Verdict != "" || s.CutOff || len(s.Thresholds) != 3 {
			t.Fatalf("after %d s: got verdict %q, cut off %t, %d thresholds", i+1, s.Verdict, s.CutOff, len(s.Thresholds))
		}
		if got, want := s.Thresholds[1].Held, i < 2; got != want {
			t.Errorf("after %d s the window holds: got %t, want %t", i+1, got, want)
		}
		for _, r := range s.Reasons {
			if strings.Contains(r, "threshold") {
				t.Errorf("after %d s: got the reason %q, want none of thresholds", i+1, r)
			}
		}
	}
	if d := cmp.Diff(plain.end(), asked.end()); d != "" {
		t.Errorf("(-not asked +asked)\n%s", d)
	}
	if d := cmp.Diff(asked.b.Summary(), asked.b.Standing()); d != "" {
		t.Errorf("of a run that has ended (-summary +standing)\n%s", d)
	}
}
