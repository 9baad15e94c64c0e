package threshold

import (
	"fmt"
	"time"
)

// MinWindow is the shortest window. Records are made once a second or less often.
const MinWindow = time.Second

// Spec is a threshold as it is wanted of a run.
type Spec struct {
	That string `json:"that"`
	// Window is how long the windows are, of each of which it is to hold; 0 for the whole run alone.
	Window float64 `json:"window_seconds,omitempty"`
	// Delay is from the start of the run until it is looked at. At the end it is looked at in any case.
	Delay float64 `json:"delay_seconds,omitempty"`
	// Abort tells that the run is to end as soon as it fails.
	Abort bool `json:"abort_on_fail,omitempty"`
}

// Parse reads s. The error is an *Error.
func (s Spec) Parse(n Names) (*Threshold, error) {
	t, err := Parse(s.That, n)
	if err != nil {
		return nil, err
	}
	switch {
	case t.settles() && (s.Window != 0 || s.Abort):
		return nil, wrong("what was not delivered is known when the run is over, as some of it is on its way before; want it without window and abort_on_fail")
	case s.Window != 0 && (s.Window < MinWindow.Seconds() || !(s.Window <= maxDuration.Seconds())):
		return nil, wrong("got a window of %s, want %v or more", span(s.Window), MinWindow)
	case !(s.Delay >= 0 && s.Delay <= maxDuration.Seconds()):
		return nil, wrong("got a delay of %s, want 0s or more", span(s.Delay))
	}
	return t, nil
}

// String gives the threshold behind its window, for people: what is left of it where there is little room says
// both.
func (s Spec) String() string {
	if s.Window == 0 {
		return s.That
	}
	return fmt.Sprintf("any %s: %s", span(s.Window), s.That)
}

// span writes seconds as they are in a scenario: 5m, and not 5m0s.
func span(s float64) string {
	d := time.Duration(s * 1e9)
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	return d.String()
}
