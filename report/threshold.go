package report

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/loadrig/loadrig/threshold"
)

// Threshold is what was wanted to hold of a run, and what came of it. Value, Op and Bound are those of the one
// comparison that it is, of the whole run or of the worst window; of another there is only whether it held.
type Threshold struct {
	threshold.Spec
	Held     bool           `json:"held"`
	Measured bool           `json:"measured"` // whether there was anything to decide by; if not, it did not hold
	Unit     threshold.Unit `json:"unit,omitempty"`
	Value    *float64       `json:"value"`
	Op       string         `json:"op,omitempty"` // one of < <= > >= == !=
	Bound    *float64       `json:"bound"`
	Margin   *float64       `json:"margin"` // by which share of the bound it held; below 0, failed
	// FirstFailed is when it did not hold for the first time, in seconds since the run began: the whole run up to
	// then, or the window that ended then. What only the end shows, as a count that is too low, has none.
	FirstFailed *float64 `json:"first_failed_seconds,omitempty"`
	WorstAt     *float64 `json:"worst_window_seconds,omitempty"` // when the worst window ended
	Fault       string   `json:"fault,omitempty"`                // why it could not be judged; then it did not hold
}

// fill takes a result.
func (t *Threshold) fill(r threshold.Result) {
	t.Held, t.Measured, t.Unit, t.Op = r.Held, r.Measured, r.Unit, r.Op
	if r.Op == "" {
		return
	}
	t.Bound = &r.Bound
	if r.Measured {
		t.Value = &r.Value
	}
	if m, ok := r.Margin(); ok {
		t.Margin = &m
	}
}

// figure words a value.
func figure(u threshold.Unit, v float64) string {
	if v < 0 {
		return "-" + figure(u, -v)
	}
	short := func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
	switch {
	case u == threshold.Seconds:
		return seconds(v)
	case u == threshold.Share:
		return short(100*v) + "%"
	case v >= 1000 && v < 1<<53 && u == threshold.PerSecond, v == math.Trunc(v) && v < 1<<53:
		return count(uint64(v+0.5)) + perSecond(u)
	default:
		return short(v) + perSecond(u)
	}
}

func perSecond(u threshold.Unit) string {
	if u == threshold.PerSecond {
		return "/s"
	}
	return ""
}

// Got words what was measured.
func (t *Threshold) Got() string {
	switch {
	case t.Fault != "":
		return "-"
	case !t.Measured:
		return "nothing"
	case t.Value == nil:
		return "-"
	default:
		return figure(t.Unit, *t.Value)
	}
}

// moment writes when something was, in seconds since the run began.
func moment(s float64) string {
	if s < 60 {
		return seconds(s)
	}
	return time.Duration(s * 1e9).Round(time.Second).String()
}

func (t *Threshold) failure() string {
	text := "the threshold " + clip(t.Spec.String(), columns)
	switch {
	case t.Fault != "":
		return text + " could not be judged: " + t.Fault
	case !t.Measured:
		return text + " did not hold: nothing was measured that it is about"
	case t.WorstAt != nil && t.Value != nil:
		return fmt.Sprintf("%s did not hold: got %s in the one up to %s", text, t.Got(), moment(*t.WorstAt))
	case t.Value != nil:
		return text + " did not hold: got " + t.Got()
	case t.FirstFailed != nil:
		return text + " did not hold, first after " + moment(*t.FirstFailed)
	default:
		return text + " did not hold"
	}
}

// thresholdFailures gives those that fail the run.
func (s *Summary) thresholdFailures() (reasons []string) {
	for i := range s.Thresholds {
		if t := &s.Thresholds[i]; !t.Held {
			reasons = append(reasons, t.failure())
		}
	}
	return reasons
}

// Words gives a threshold as a table has it: what it is, what was measured, the bound, by how much it held, whether,
// and when it first did not. What there is not is a dash.
func (t *Threshold) Words() (that, got, bound, margin, holds, first string) {
	bound, margin, holds, first = "-", "-", "yes", "-"
	if t.Bound != nil {
		bound = figure(t.Unit, *t.Bound)
	}
	if t.Margin != nil {
		margin = percent(*t.Margin)
	}
	if !t.Held {
		holds = "NO"
		if t.Measured {
			first = "at the end"
		}
	}
	if t.FirstFailed != nil {
		first = moment(*t.FirstFailed)
	}
	return t.Spec.String(), t.Got(), bound, margin, holds, first
}

func (s *Summary) thresholds() table {
	t := table{head: "threshold\tgot\tbound\tmargin\tholds\tfirst failed"}
	for i := range s.Thresholds {
		h := &s.Thresholds[i]
		if h.WorstAt != nil {
			t.foot = "any: of all parts of the run that are as long, the worst"
		}
		that, got, bound, margin, holds, first := h.Words()
		t.row(nil, that, got, bound, margin, holds, first)
	}
	return t
}

// percent writes a share of a bound, with its sign.
func percent(share float64) string {
	switch p := 100 * share; {
	case p > 999:
		return ">+999%"
	case p < -999:
		return "<-999%"
	case math.Abs(p) < 0.05:
		return "0%"
	case math.Abs(p) < 10:
		return fmt.Sprintf("%+.1f%%", p)
	default:
		return fmt.Sprintf("%+.0f%%", p)
	}
}
