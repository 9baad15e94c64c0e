package cli

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/compare"
	"github.com/loadrig/loadrig/outputs"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/timeline"
	"github.com/loadrig/loadrig/web"
)

// compareFlags are the flags of loadrig compare.
type compareFlags struct {
	tolerance shareFlag
	floor     time.Duration
	json      bool
	html      string
}

func newCompareCommand(p *Process) *cobra.Command {
	f := &compareFlags{tolerance: compare.DefaultTolerance}
	c := &cobra.Command{
		Use:   "compare RUN_A RUN_B",
		Short: "Tell whether two runs differ by more than chance",
		Long: `Compares two runs that were kept, B with A: response times, rates, and what should
not happen. What it calls a difference is more than the tolerance, and more than the
runs vary in themselves; two runs of the same are called different less than once in
20 times. docs/compare.md says how, and what it cannot see.

A run is a directory, or an id, the beginning of an id, or a name that loadrig runs
lists; last is the newest and last~1 the one before it.

Exit codes: 0 B is not worse than A; 2 usage; 99 B is worse in something.`,
		Example: `  loadrig compare last~1 last
  loadrig compare before after --tolerance 10%
  loadrig compare ./run-a ./run-b --json | jq .outcome
  loadrig compare last~1 last --html difference.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("compare: got %d arguments, want two runs; see loadrig compare --help", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return compareRuns(p, f, args[0], args[1]) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.Var(&f.tolerance, "tolerance", "`share` of A's figure up to which B's may differ, as 5% or 0.05")
	fs.DurationVar(&f.floor, "floor", compare.DefaultFloor, "`time` up to which times may differ, however short they are")
	fs.BoolVar(&f.json, "json", false, "print one JSON object")
	fs.StringVar(&f.html, "html", "", "`file` to draw both runs in, one over the other, to look at in a browser")
	return c
}

func compareRuns(p *Process, f *compareFlags, runA, runB string) error {
	o := compare.Options{Tolerance: float64(f.tolerance), Floor: f.floor}
	if f.floor < 0 || f.floor > time.Minute {
		return usage("--floor: got %v, want 0s to 1m", f.floor)
	}
	if o.Tolerance == 0 {
		o.Tolerance = -1 // none
	}
	if o.Floor == 0 {
		o.Floor = -1
	}
	page := htmlTo(f.html)
	if page.Destination == outputs.Stdout {
		return usage("--html: got -, want a file; stdout has the text")
	}
	if f.html != "" {
		if err := checkPage(page); err != nil {
			return err
		}
	}
	var (
		sides [2]*compare.Side
		drawn [2]*timeline.Timeline // nil if nothing is to be drawn
	)
	for i, what := range []string{runA, runB} {
		if f.html != "" {
			drawn[i] = timeline.New()
		}
		side, err := readSide(p, what, drawn[i])
		if err != nil {
			return err
		}
		sides[i] = side
	}
	r := compare.Runs(sides[0], sides[1], o)
	if f.html != "" {
		var b bytes.Buffer
		if err := web.WriteComparison(&b, drawn[0].Run(), drawn[1].Run(), r); err != nil {
			return internal(err)
		}
		if err := page.Write(outputs.Options{Stdout: p.Stdout}, b.Bytes()); err != nil {
			return internal(err)
		}
	}
	write := r.WriteText
	if f.json {
		write = r.WriteJSON
	}
	if err := write(p.Stdout); err != nil {
		return internal(fmt.Errorf("write the comparison: %w", err))
	}
	if r.Regressed() {
		return &exitError{code: ExitFailed}
	}
	return nil
}

// readSide reads the run that a user means, to draw it too if there is something to draw it with.
func readSide(p *Process, what string, drawn *timeline.Timeline) (*compare.Side, error) {
	r, err := openRun(p, what)
	if err != nil {
		return nil, err
	}
	side := compare.NewSide()
	if drawn == nil {
		return side, replay(p, r, side)
	}
	return side, replay(p, r, newTogether([]report.Sink{side, drawn}))
}

// shareFlag is a share: 5% or 0.05.
type shareFlag float64

// String implements pflag.Value.
func (s *shareFlag) String() string { return strconv.FormatFloat(100*float64(*s), 'g', 6, 64) + "%" }

// Type implements pflag.Value.
func (*shareFlag) Type() string { return "share" }

// Set implements pflag.Value.
func (s *shareFlag) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0) || math.IsInf(v, 0) || v > compare.MaxTolerance {
		return fmt.Errorf("got %q, want a share of 0 or more, as 5%% or 0.05", text)
	}
	*s = shareFlag(v)
	return nil
}
