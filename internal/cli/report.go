package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/outputs"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

func newReportCommand(p *Process) *cobra.Command {
	var (
		asJSON bool
		html   string
		out    []string
	)
	c := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Print what a run reported, once more, or write it to other outputs",
		Long: `Prints the summary of a run that was kept: of a directory, or of an id, the beginning
of an id, or a name that loadrig runs lists; last, the default, is the newest and
last~1 the one before it. Of a run that was cut off, it is made of what is there.
With --html it is drawn: one file with charts, to open in a browser or to mail. With -o
it is written to the outputs that loadrig run knows too.`,
		Example: `  loadrig report
  loadrig report last~1 --json
  loadrig report --html report.html
  loadrig report ./results/monday -o csv=monday.csv -o junit=monday.xml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("report: got %d arguments, want one run or none; see loadrig report --help", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := openRun(p, append(args, "last")[0])
			if err != nil {
				return err
			}
			if html != "" {
				page := htmlTo(html)
				if err := checkPage(page); err != nil {
					return err
				}
				out = append(out, page.String())
			}
			o := opener{p: p, logger: slog.New(slog.NewTextHandler(p.Stderr, nil)), from: "-o/--out", patient: true}
			sinks, _, err := o.open(out)
			if err != nil {
				return err
			}
			if len(sinks) > 0 && asJSON {
				return usage("--json: got it, and --html or -o/--out too; want -o json=- for JSON")
			}
			if len(sinks) > 0 {
				return replay(p, r, newTogether(sinks))
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
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&asJSON, "json", false, "print the summary as one JSON object")
	c.Flags().StringVar(&html, "html", "", "`file` to draw the run in, to look at in a browser; - is stdout")
	c.Flags().StringArrayVarP(&out, "out", "o", nil, outHelp)
	return c
}

// htmlTo is the output that --html asks for.
func htmlTo(file string) outputs.Spec { return outputs.Spec{Format: outputs.HTML, Destination: file} }

// checkPage tells what would keep it from being written; the flag is named as it was given.
func checkPage(page outputs.Spec) error {
	if err := page.Check(); err != nil {
		return &exitError{ExitUsage, fmt.Errorf("--%w", err)}
	}
	return nil
}

// together is several sinks as one. Each is told everything, whatever becomes of the others; what one could not take is
// told at the end.
type together struct {
	sinks []report.Sink
	first []error // by sink
}

func newTogether(sinks []report.Sink) *together {
	return &together{sinks, make([]error, len(sinks))}
}

// each calls f with each sink.
func (t *together) each(f func(report.Sink) error) {
	for i, s := range t.sinks {
		if err := f(s); err != nil && t.first[i] == nil {
			t.first[i] = err
		}
	}
}

// Begin implements report.Sink. Where one cannot begin, none does.
func (t *together) Begin(m *report.Manifest) error {
	for i, s := range t.sinks {
		if err := s.Begin(m); err != nil {
			for _, begun := range t.sinks[:i] {
				err = errors.Join(err, begun.End(nil))
			}
			return err
		}
	}
	return nil
}

// Record implements report.Sink.
func (t *together) Record(r *metrics.Record) error {
	t.each(func(s report.Sink) error { return s.Record(r) })
	return nil
}

// Event implements report.Sink.
func (t *together) Event(e report.Event) error {
	t.each(func(s report.Sink) error { return s.Event(e) })
	return nil
}

// Damaged implements rundir.Damaged.
func (t *together) Damaged(what string) {
	for _, s := range t.sinks {
		if told, ok := s.(rundir.Damaged); ok {
			told.Damaged(what)
		}
	}
}

// End implements report.Sink.
func (t *together) End(of *report.Summary) error {
	for i, s := range t.sinks {
		if err := s.End(of); err != nil { // it may say how much was lost in all
			t.first[i] = err
		}
	}
	return errors.Join(t.first...)
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
