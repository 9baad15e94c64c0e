package threshold

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/loadrig/loadrig/internal/nearest"
)

// What one threshold may take, and how many of them a run may have.
const (
	MaxLength = 4096 // bytes
	maxNodes  = 200  // parts of an expression
	Max       = 64   // thresholds of a run
)

// Unit is what a figure is measured in.
type Unit string

// The units.
const (
	Seconds   Unit = "seconds"
	Share     Unit = "share" // mostly from 0 to 1
	Count     Unit = "count"
	PerSecond Unit = "per_second"
	Number    Unit = "number" // written without a unit, or a ratio
	Truth     Unit = ""       // true or false
)

// Names are those that a run has beside loadrig's own.
type Names struct {
	Requests, Checks, Deliveries, Ticks, Populations []string

	// Partial tells that the lists may not be whole, as after a mistake elsewhere in a file: any name is taken then.
	Partial bool
}

// scenario tells whether the run has one; there is no scenario without players.
func (n *Names) scenario() bool { return n.Partial || len(n.Populations) > 0 }

// Times is what was measured of durations. A *metrics.Histogram is one.
type Times interface {
	Count() uint64
	Quantile(q float64) time.Duration
	Min() time.Duration
	Max() time.Duration
	Mean() time.Duration
}

// View is the figures of a run, or of a part of it, by the keys that records have them by. A series that is not
// there is 0, or an empty Times; a gauge that is not there is not known.
type View interface {
	Count(key string) float64
	Gauge(key string) (v float64, known bool)
	Times(key string) Times
	Seconds() float64 // how long the part is
}

// Threshold is one that was read. It does not change, and may be used by many at once.
type Threshold struct {
	Text string // as it is written
	root *node
}

// Result is what came of a threshold. Op, Value and Bound are those of the one comparison that it is; Op is empty
// for others, of which there is only whether they hold.
type Result struct {
	Held     bool
	Measured bool // whether there was anything to decide by; if not, it does not hold
	Unit     Unit // of Value and Bound
	Value    float64
	Op       string // one of < <= > >= == !=
	Bound    float64
}

// Error is a mistake in a threshold.
type Error struct {
	Message string // what was got, and what was wanted
	Column  int    // where in the text, in characters from 1; 0 if it is of the whole
}

// Error implements error.
func (e *Error) Error() string {
	if e.Column > 0 {
		return fmt.Sprintf("at column %d: %s", e.Column, e.Message)
	}
	return e.Message
}

func wrong(format string, args ...any) *Error { return &Error{Message: fmt.Sprintf(format, args...)} }

// Parse reads a threshold of a run that has these names. The error is an *Error.
func Parse(text string, n Names) (*Threshold, error) {
	if len(text) > MaxLength {
		return nil, wrong("got %d bytes, want at most %d", len(text), MaxLength)
	}
	var root *node
	var err *Error
	if short(text) {
		root, err = n.short(text)
	} else {
		root, err = n.expression(text)
	}
	if err != nil {
		return nil, err
	}
	return &Threshold{text, root}, nil
}

// Canonical gives a text that two thresholds have in common if they ask for the same.
func (t *Threshold) Canonical() string { return t.root.String() }

// Eval holds a threshold against figures that do not change any more.
func (t *Threshold) Eval(v View) Result {
	var r Result
	held, known := t.root.eval(v, false)
	r.Held, r.Measured = known && held != 0, known
	c := t.root
	if !c.compares() {
		return r
	}
	r.Op, r.Unit = c.op, c.l.unit
	if r.Unit == Number {
		r.Unit = c.r.unit
	}
	value, _ := c.l.eval(v, false)
	bound, _ := c.r.eval(v, false)
	if c.l.grows == fixed { // what was measured is the value, on whichever side it is written
		value, bound, r.Op = bound, value, turned[c.op]
	}
	if r.Bound = bound; known {
		r.Value = value
	}
	return r
}

// Fails tells of a run that goes on whether the threshold does not hold of it so far. A count that has not grown
// up to its bound yet is not taken for a failure, as it may, and nothing that was not measured is.
func (t *Threshold) Fails(v View) bool {
	held, known := t.root.eval(v, true)
	return known && held == 0
}

// Counters lists the keys of counters that it asks for, sorted.
func (t *Threshold) Counters() []string {
	return t.keys(func(f *figure) []string { return f.counters })
}

// Timed lists the keys of Times that it asks for, sorted.
func (t *Threshold) Timed() []string {
	return t.keys(func(f *figure) []string { return f.timed })
}

func (t *Threshold) keys(of func(*figure) []string) (keys []string) {
	t.root.each(func(n *node) {
		if n.fig != nil {
			keys = append(keys, of(n.fig)...)
		}
	})
	slices.Sort(keys)
	return slices.Compact(keys)
}

// settles tells whether it asks for what is only known when the run is over.
func (t *Threshold) settles() (yes bool) {
	t.root.each(func(n *node) { yes = yes || n.fig != nil && n.fig.settles })
	return yes
}

// Distance gives by how much r held, below 0 by how much it failed, in its unit. It is 0 where it cannot be
// told: nothing was measured, or it is not one comparison.
func (r *Result) Distance() float64 {
	if !r.Measured {
		return 0
	}
	switch r.Op {
	case "<", "<=":
		return r.Bound - r.Value
	case ">", ">=":
		return r.Value - r.Bound
	case "==":
		return 0 - math.Abs(r.Value-r.Bound)
	case "!=":
		return math.Abs(r.Value - r.Bound)
	default:
		return 0
	}
}

// Margin gives Distance as a share of the bound; ok is false where there is none.
func (r *Result) Margin() (share float64, ok bool) {
	if !r.Measured || r.Op == "" || r.Bound == 0 {
		return 0, false
	}
	share = r.Distance() / math.Abs(r.Bound)
	return share, !math.IsInf(share, 0) && !math.IsNaN(share)
}

// among words what was wanted where got is none of names: all of them if they are few, and the nearest.
func among(got string, names []string) string {
	s := "want " + strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return "there is none"
	case len(names) > 24:
		s = fmt.Sprintf("want one of %d names", len(names))
	}
	return s + meant(got, names)
}

// meant is the end of a message that names the nearest.
func meant(got string, names []string) string {
	if m := bareFigure.FindStringSubmatch(got); m != nil && slices.Contains(names, "p(N)") {
		return fmt.Sprintf("; did you mean p(%s)?", m[1])
	}
	if n, ok := nearest.Name(got, names); ok {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	return ""
}

// bareFigure is a percentile as other tools write it.
var bareFigure = regexp.MustCompile(`^p_?([0-9]{1,2}(?:\.[0-9]{1,6})?)$`)

// clip shortens a text for messages.
func clip(s string, n int) string {
	if r := []rune(s[:min(len(s), 4*n+4)]); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
