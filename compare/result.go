package compare

import (
	"errors"
	"fmt"
	"time"

	"github.com/loadrig/loadrig/report"
)

// Schema names the format of Result's JSON. Fields may be added to it; a change of meaning changes the number.
const Schema = "loadrig.compare/v1"

// Options are what a difference has to be to count. The zero value works.
type Options struct {
	// Tolerance is the change, as a share of A, up to which runs count as equal. Default DefaultTolerance; less
	// than 0 for none.
	Tolerance float64
	// Floor is a change of times up to which they count as equal. Default DefaultFloor; less than 0 for none.
	Floor time.Duration
}

// Defaults of Options.
const (
	DefaultTolerance = .05
	DefaultFloor     = 100 * time.Microsecond
)

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	if o.Tolerance != o.Tolerance || o.Tolerance > MaxTolerance {
		return fmt.Errorf("Tolerance: got %g, want a share from 0 to %d", o.Tolerance, MaxTolerance)
	}
	if o.Floor > time.Minute {
		return errors.New("Floor: got more than a minute, want less")
	}
	return nil
}

// MaxTolerance is the most that Options.Tolerance may be.
const MaxTolerance = 1000

func (o Options) withDefaults() Options {
	if o.Tolerance == 0 {
		o.Tolerance = DefaultTolerance
	}
	if o.Floor == 0 {
		o.Floor = DefaultFloor
	}
	o.Tolerance, o.Floor = max(0, o.Tolerance), max(0, o.Floor)
	return o
}

// Result is what came of comparing the run B with the run A.
type Result struct {
	Schema     string   `json:"schema"`
	Outcome    Outcome  `json:"outcome"`
	Headline   string   `json:"headline"` // the outcome in a sentence
	Warnings   []string `json:"warnings"` // why the comparison is worth less than it seems; empty if it is not
	A          Run      `json:"a"`
	B          Run      `json:"b"`
	Unlike     []Unlike `json:"unlike"` // in what the runs differ by plan
	Tolerance  float64  `json:"tolerance"`
	Floor      float64  `json:"floor_seconds"`
	Confidence float64  `json:"confidence"` // of all rows together; of each range by itself
	Rows       []Row    `json:"rows"`       // the most important first
}

// Regressed tells whether B is worse than A in something, beyond chance and tolerance.
func (r *Result) Regressed() bool { return r.Outcome == Worse || r.Outcome == Mixed }

// Outcome is the result in a word.
type Outcome string

// The outcomes. What the rig measures of itself has no part in them.
const (
	NoDifference Outcome = "no_significant_difference"
	Better       Outcome = "better"      // B is better than A in something, and in nothing worse
	Worse        Outcome = "worse"       // B is worse than A in something, and in nothing better
	Mixed        Outcome = "mixed"       // both
	Different    Outcome = "different"   // B differs in what is neither better nor worse
	CannotTell   Outcome = "cannot_tell" // nothing could be compared
)

// Run is one of the runs.
type Run struct {
	ID       string         `json:"id"`
	Name     string         `json:"name,omitempty"`
	Started  string         `json:"started"`           // RFC 3339
	Verdict  report.Verdict `json:"verdict,omitempty"` // none if the run was cut off
	Duration float64        `json:"duration_seconds"`  // of the load
	// SteadyFrom and SteadyTo are between what is compared, but for handshakes and rare events: of those, all is.
	SteadyFrom float64 `json:"steady_from_seconds"`
	SteadyTo   float64 `json:"steady_to_seconds"`
	Intervals  int     `json:"steady_intervals"`
}

// Unlike is something in which the runs differ by plan.
type Unlike struct {
	What string `json:"what"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Row compares one figure.
type Row struct {
	Series string  `json:"series"` // as metrics.Family.Key has it, or its name alone where several are added up
	Name   string  `json:"name"`   // for people
	Figure Figure  `json:"figure"`
	Unit   Unit    `json:"unit"` // of A, B, Change, Low and High
	A      float64 `json:"a"`    // the mean of the parts of the run; of rare events, that of the whole run
	B      float64 `json:"b"`
	Change float64 `json:"change"` // B - A
	// Low and High are between what the change is, with Confidence for this row by itself; nil where that is not known.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
	// P is the chance that runs that differ by no more than the tolerance look as different as these, or more,
	// adjusted for the number of rows; nil where it is not known.
	P       *float64 `json:"p"`
	Verdict Verdict  `json:"verdict"`
	Why     string   `json:"why,omitempty"` // of CannotTell
	Worse   bool     `json:"worse"`         // that B differs is a regression
	Better  bool     `json:"better"`        // that B differs is an improvement
	OfRig   bool     `json:"of_rig"`        // it says nothing about the server
	// RigLag is by how much the rig's own lateness differs in this figure, in seconds: B may differ by that much more
	// than by the tolerance. It is 0 for what has none of that in it.
	RigLag float64 `json:"rig_lag_seconds,omitempty"`

	rank    int  // less is more important
	ofLag   bool // without RigLag it might be a difference
	neutral bool // neither direction is a regression
}

// significant tells whether the row is a difference.
func (r *Row) significant() bool { return r.Verdict != NotSignificant && r.Verdict != Unknown }

// Figure is what of a series is compared.
type Figure string

// The figures.
const (
	P50  Figure = "p50" // quantiles of a typical interval
	P90  Figure = "p90"
	P99  Figure = "p99"
	Mean Figure = "mean" // of all that was measured
	Rate Figure = "rate" // per second
	Part Figure = "share"
)

// Unit is what a figure is measured in.
type Unit string

// The units.
const (
	Seconds   Unit = "seconds"
	PerSecond Unit = "per_second"
	Share     Unit = "share" // from 0 to 1
)

// Verdict says how B differs from A.
type Verdict string

// The verdicts of rows.
const (
	Faster         Verdict = "faster"
	Slower         Verdict = "slower"
	More           Verdict = "more"
	Fewer          Verdict = "fewer"
	NotSignificant Verdict = "no significant difference"
	Unknown        Verdict = "cannot tell"
)
