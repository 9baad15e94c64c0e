package outputs

import (
	"strconv"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/report"
)

// thresholds gives what a summary has of them.
func thresholds(s *report.Summary) []report.Threshold {
	if s.Scenario == nil {
		return nil
	}
	return s.Scenario.Thresholds
}

// got words the figure of a threshold.
func got(t *report.Threshold) string {
	switch {
	case t.Value == nil:
		return "nothing"
	case t.Unit == report.Seconds:
		return figures.Seconds(*t.Value)
	case t.Unit == report.Share:
		return strconv.FormatFloat(100**t.Value, 'g', 4, 64) + "%"
	default:
		return figures.Count(uint64(*t.Value))
	}
}

// title is what a run is called: its name, or its scenario's, or what it talks to.
func title(s *report.Summary) string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Scenario != nil && s.Scenario.Name != "":
		return s.Scenario.Name
	default:
		return s.URL
	}
}
