package scenario

import (
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/loadrig/loadrig/threshold"
)

// Names gives the names that thresholds of a run of s may have.
func (s *Scenario) Names() threshold.Names {
	return threshold.Names{Requests: s.Requests, Checks: s.Checks, Deliveries: s.Deliveries, Ticks: s.Ticks, Populations: s.Populations}
}

// Spec gives a threshold as a run wants it.
func (t *Threshold) Spec() threshold.Spec {
	return threshold.Spec{That: t.Text, Window: t.Window.Seconds(), Delay: t.Delay.Seconds(), Abort: t.Abort}
}

// thresholds checks the file's thresholds. The names of series are looked up where sure tells that the file is
// right so far, as a step with a mistake has not made its series.
func (c *compiler) thresholds(sure bool) {
	type same struct {
		text   string
		window float64
	}
	seen := make(map[same]Pos)
	names := c.out.Names()
	names.Partial = !sure
	for i, t := range c.file.Thresholds {
		if i == threshold.Max {
			c.wrong(t.At, "thresholds: got %d, want at most %d", len(c.file.Thresholds), threshold.Max)
			return
		}
		if t.At == (Pos{}) || c.full() {
			continue // without a text, which is told already
		}
		spec := t.Spec()
		read, err := spec.Parse(names)
		if err != nil {
			at, why := c.inThreshold(t, err)
			c.wrong(at, "threshold %q: %s", clip(t.Text, 80), why)
			continue
		}
		key := same{read.Canonical(), spec.Window}
		if first, twice := seen[key]; twice {
			c.wrong(t.At, "threshold %q: it is there already, in line %d", clip(t.Text, 80), first.Line)
		}
		seen[key] = t.At
		c.out.Thresholds = append(c.out.Thresholds, spec)
	}
}

// inThreshold gives the place of a mistake, and what it is. It is in the text where that is on one line without
// escapes; else it is the text's, and the column is told.
func (c *compiler) inThreshold(t *Threshold, err error) (Pos, string) {
	var e *threshold.Error
	if !errors.As(err, &e) || e.Column == 0 {
		return t.At, err.Error()
	}
	at := c.find(t.At, t.Text, 0)
	if at.Line != t.At.Line || !strings.Contains(c.lines[at.Line-1], t.Text) {
		return t.At, err.Error()
	}
	at.Column += e.Column - 1
	return at, e.Message
}

// unquoted tells a threshold that YAML took for a mapping, because of the blank behind its colon.
func unquoted(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return false
	}
	kind, _, _ := strings.Cut(n.Content[0].Value, " ")
	return slices.Contains(threshold.Words(), kind)
}
