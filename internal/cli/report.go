package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

func newReportCommand(p *Process) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Print what a run reported, once more",
		Long: `Prints the summary of a run that was kept: of a directory, or of an id, the beginning
of an id, or a name that loadrig runs lists; last, the default, is the newest and
last~1 the one before it. Of a run that was cut off, it is made of what is there.`,
		Example: `  loadrig report
  loadrig report last~1 --json
  loadrig report ./results/monday`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := openRun(p, append(args, "last")[0])
			if err != nil {
				return err
			}
			var s summaryOf
			if err := replay(p, r, &s); err != nil {
				return err
			}
			write := s.summary.WriteText
			if asJSON {
				write = s.summary.WriteJSON
			}
			if err := write(p.Stdout); err != nil {
				return internal(fmt.Errorf("write the report: %w", err))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the summary as one JSON object")
	return c
}

// openRun opens the run that a user means.
func openRun(p *Process, what string) (*rundir.Run, error) {
	parent, err := rundir.Default(p.Getenv)
	if err != nil {
		parent = "" // a path needs none
	}
	path, err := rundir.Find(parent, what)
	if err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	r, err := rundir.Open(path)
	if err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	return r, nil
}

// replay tells the sink the run, and says on stderr what of it could not be read.
func replay(p *Process, r *rundir.Run, sink report.Sink) error {
	if err := r.Replay(sink); err != nil {
		return internal(err)
	}
	if d := r.Damage(); d != (rundir.Damage{}) {
		fmt.Fprintf(p.Stderr, "loadrig: run directory %s is damaged: %s; what follows is of the rest\n", r.Path(), d)
	}
	return nil
}

// summaryOf is a Sink that wants the summary only.
type summaryOf struct{ summary *report.Summary }

// Begin implements report.Sink.
func (*summaryOf) Begin(*report.Manifest) error { return nil }

// Record implements report.Sink.
func (*summaryOf) Record(*metrics.Record) error { return nil }

// Event implements report.Sink.
func (*summaryOf) Event(report.Event) error { return nil }

// End implements report.Sink.
func (s *summaryOf) End(of *report.Summary) error { s.summary = of; return nil }
