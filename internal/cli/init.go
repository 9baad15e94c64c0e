package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/examples"
	"github.com/loadrig/loadrig/internal/nearest"
)

func newInitCommand(p *Process) *cobra.Command {
	var (
		out   string
		force bool
	)
	c := &cobra.Command{
		Use:   "init [NAME]",
		Short: "Write a scenario to begin with",
		Long: `Writes a commented scenario to NAME.yaml, which runs as it is. Without a name it
lists them:

` + listExamples("  "),
		Example: `  loadrig init
  loadrig init game && loadrig run game.yaml
  loadrig init chat -o rooms/lobby.yaml
  loadrig init auth -o -`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return exampleNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return writeExample(p, args[0], out, force)
			}
			if out != "" {
				return usage("-o/--out: got no NAME to write, want one of %s", strings.Join(exampleNames(), ", "))
			}
			_, err := io.WriteString(p.Stdout, listExamples(""))
			return err
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", "`file` to write to; - is standard output (default NAME.yaml)")
	f.BoolVar(&force, "force", false, "write over a file that is there")
	return c
}

// listExamples gives a line for each.
func listExamples(margin string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range examples.Scenarios() {
		fmt.Fprintf(w, "%s%s\t%s\n", margin, s.Name, s.Doc)
	}
	_ = w.Flush() // into memory
	return b.String()
}

func exampleNames() (names []string) {
	for _, s := range examples.Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

func writeExample(p *Process, name, out string, force bool) error {
	var text []byte
	for _, s := range examples.Scenarios() {
		if s.Name == name {
			text = s.Text
		}
	}
	if text == nil {
		if near, ok := nearest.Name(name, exampleNames()); ok {
			return usage("init: unknown scenario %q; did you mean %s?", name, near)
		}
		return usage("init: unknown scenario %q, want one of %s", name, strings.Join(exampleNames(), ", "))
	}
	switch out {
	case "-":
		_, err := p.Stdout.Write(text)
		return err
	case "":
		out = name + ".yaml"
	}
	if err := writeNew(out, text, force); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "loadrig: wrote %s; run it with loadrig run %s\n", out, out)
	return nil
}

// writeNew writes a file that is not there yet, or that may be written over.
func writeNew(path string, text []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("-o/--out: %s is there already, want another file, or --force to write over it", path)
	}
	if err != nil {
		return &exitError{ExitUsage, fileError("-o/--out", path, err)}
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return internal(err)
	}
	return nil
}
