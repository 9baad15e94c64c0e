package report

import (
	"fmt"
	"strconv"
)

// Unit is what a threshold's figure is measured in.
type Unit string

// The units.
const (
	Seconds Unit = "seconds"
	Share   Unit = "share" // from 0 to 1
	Count   Unit = "count"
)

// Threshold is what a scenario wanted to hold of the whole run, and what came of it.
type Threshold struct {
	That  string   `json:"that"`  // as it is written
	Unit  Unit     `json:"unit"`  // of Value and Bound
	Value *float64 `json:"value"` // nil if nothing was measured that it is about; then it does not hold
	Op    string   `json:"op"`    // one of < <= > >= == !=
	Bound float64  `json:"bound"`
	Held  bool     `json:"held"`
}

// Judge sets Held. An Op that there is not holds of nothing.
func (t *Threshold) Judge() {
	if t.Held = false; t.Value == nil {
		return
	}
	v := *t.Value
	switch t.Op {
	case "<":
		t.Held = v < t.Bound
	case "<=":
		t.Held = v <= t.Bound
	case ">":
		t.Held = v > t.Bound
	case ">=":
		t.Held = v >= t.Bound
	case "==":
		t.Held = v == t.Bound
	case "!=":
		t.Held = v != t.Bound
	}
}

// got words the figure.
func (t *Threshold) got() string {
	switch {
	case t.Value == nil:
		return "nothing"
	case t.Unit == Seconds:
		return seconds(*t.Value)
	case t.Unit == Share:
		return strconv.FormatFloat(100**t.Value, 'g', 4, 64) + "%"
	default:
		return count(uint64(*t.Value))
	}
}

func (t *Threshold) failure() string {
	if t.Value == nil {
		return fmt.Sprintf("the threshold %s did not hold: nothing was measured that it is about", clip(t.That, columns))
	}
	return fmt.Sprintf("the threshold %s did not hold: got %s", clip(t.That, columns), t.got())
}

func (c *Scenario) thresholds() table {
	t := table{head: "threshold\tgot\tholds"}
	for i := range c.Thresholds {
		h := &c.Thresholds[i]
		holds := "yes"
		if !h.Held {
			holds = "NO"
		}
		t.row(nil, h.That, h.got(), holds)
	}
	return t
}
