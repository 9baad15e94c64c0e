package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

func newRunsCommand(p *Process) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "runs",
		Short: "List the runs that were kept",
		Long: `Lists the runs that were kept, the newest first: under ~/.local/state/loadrig/runs, or
where XDG_STATE_HOME says. loadrig report ID prints one, loadrig compare two.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			parent, list, err := keptRuns(p)
			if err != nil {
				return err
			}
			if asJSON {
				return listRunsJSON(p, list)
			}
			return listRuns(p, parent, list)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array of objects")
	c.AddCommand(newPruneCommand(p))
	return c
}

func newPruneCommand(p *Process) *cobra.Command {
	keep := -1
	c := &cobra.Command{
		Use:   "prune --keep N",
		Short: "Remove all kept runs but the newest",
		Long: `Removes all kept runs but the newest, and prints the directory of each that it
removes. What may be under way, as it was written to within the last minute, stays.`,
		Example: "  loadrig runs prune --keep 20",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if keep < 0 {
				return usage("runs prune: got no --keep of 0 or more, want how many of the newest runs stay; see loadrig runs prune --help")
			}
			parent, list, err := keptRuns(p)
			if err != nil {
				return err
			}
			removed, err := rundir.Prune(parent, keep, time.Now())
			for _, path := range removed {
				fmt.Fprintln(p.Stdout, path)
			}
			if err != nil {
				return internal(err)
			}
			if young := len(list) - len(removed) - keep; young > 0 {
				fmt.Fprintf(p.Stderr, "loadrig: %d more stay, as they were written to within the last minute and may be under way\n", young)
			}
			return nil
		},
	}
	c.Flags().IntVar(&keep, "keep", keep, "`number` of runs that stay, the newest")
	c.Flags().Lookup("keep").DefValue = "0" // so that the help has no default, which there is none of
	return c
}

func keptRuns(p *Process) (parent string, list []rundir.Entry, err error) {
	if parent, err = rundir.Default(p.Getenv); err != nil {
		return "", nil, &exitError{ExitUsage, err}
	}
	if list, err = rundir.List(parent); err != nil {
		return "", nil, internal(err)
	}
	return parent, list, nil
}

// verdictOf words what is known of a run.
func verdictOf(e *rundir.Entry) string {
	switch {
	case e.Verdict == "":
		return "no end"
	case e.Interrupted:
		return string(e.Verdict) + ", interrupted"
	default:
		return string(e.Verdict)
	}
}

// whatOf says what a run was, in a few words.
func whatOf(m *report.Manifest) string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Scenario != nil:
		return m.Scenario.Name
	default:
		return m.Traffic
	}
}

func listRuns(p *Process, parent string, list []rundir.Entry) error {
	if len(list) == 0 {
		fmt.Fprintf(p.Stderr, "loadrig: no runs are kept in %s yet; loadrig run keeps one\n", parent)
		return nil
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RUN\tSTARTED\tVERDICT\tPLAYERS\tSIZE\tWHAT\tURL")
	for i := range list {
		m := &list[i].Manifest
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clipped(m.ID, 64), m.Started.Local().Format("2006-01-02 15:04:05"), verdictOf(&list[i]),
			figures.Count(m.Players), figures.Size(uint64(list[i].Bytes)), clipped(whatOf(m), 24), clipped(m.URL, 200))
	}
	_ = t.Flush()
	_, err := fmt.Fprint(p.Stdout, b.String())
	return err
}

// clipped shortens a text that goes into a table, and has it in one line, without what a terminal takes for commands: a
// directory may be somebody else's.
func clipped(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// listedRun is a run in the JSON of loadrig runs.
type listedRun struct {
	ID          string         `json:"id"`
	Name        string         `json:"name,omitempty"`
	Path        string         `json:"path"`
	Started     time.Time      `json:"started"`
	Verdict     report.Verdict `json:"verdict,omitempty"` // empty if the run has no end
	Interrupted bool           `json:"interrupted,omitempty"`
	Players     int            `json:"players"`
	URL         string         `json:"url"`
	Bytes       int64          `json:"bytes"`
}

func listRunsJSON(p *Process, list []rundir.Entry) error {
	out := []listedRun{}
	for _, e := range list {
		m := &e.Manifest
		out = append(out, listedRun{m.ID, m.Name, e.Path, m.Started, e.Verdict, e.Interrupted, m.Players, m.URL, e.Bytes})
	}
	enc := json.NewEncoder(p.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
