package outputs

import "github.com/loadrig/loadrig/report"

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
