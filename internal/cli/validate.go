package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/scenario"
)

func newValidateCommand(p *Process) *cobra.Command {
	var (
		vars   varFlags
		asJSON bool
		quiet  bool
	)
	c := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Tell all mistakes in scenario files",
		Long: `Reads scenario files, in YAML or JSON, with the files that they name, and tells all
mistakes in them at once: file, line, column, what was got and what is wanted, and
the line itself. Nothing is run. - is standard input.

Exit code 0 says that there are none, 104 that there are some, 2 that a file could
not be read.`,
		Example: `  loadrig validate chat.yaml
  loadrig validate -e room=attic chat.yaml game.yaml
  loadrig validate --json chat.yaml
  loadrig init chat -o - | loadrig validate -`,
		Args: someFiles,
		RunE: func(c *cobra.Command, args []string) error {
			given, err := vars.build()
			if err != nil {
				return err
			}
			v := validation{p: p, vars: given, json: asJSON, quiet: quiet}
			return v.run(args)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	vars.register(f)
	f.BoolVar(&asJSON, "json", false, "print the mistakes as a list in JSON, on stdout")
	f.BoolVarP(&quiet, "quiet", "q", false, "say nothing of files without mistakes")
	return c
}

func someFiles(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("validate: got no file, want one or more; - is standard input")
	}
	return nil
}

// validation is one call of loadrig validate.
type validation struct {
	p           *Process
	vars        map[string]string
	json, quiet bool

	found    []problem
	mistaken int // files
}

// problem is the JSON of scenario.Problem. Line and column are 0 for what has no place in the file.
type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func (v *validation) run(files []string) error {
	v.found = []problem{} // so that the list is there if it is empty
	var unread []error
	for _, file := range files {
		if err := v.one(file); err != nil {
			unread = append(unread, err)
		}
	}
	if v.json {
		if err := json.NewEncoder(v.p.Stdout).Encode(v.found); err != nil {
			return internal(err)
		}
	}
	switch {
	case len(unread) > 0:
		return &exitError{ExitUsage, errors.Join(unread...)}
	case v.mistaken > 0:
		return &exitError{code: ExitScenario}
	default:
		return nil
	}
}

// one tells the mistakes in one file; the error is that it could not be read.
func (v *validation) one(file string) error {
	_, err := loadScenario(v.p, file, scenario.Options{Vars: v.vars})
	var problems *scenario.Problems
	switch {
	case err == nil:
		if !v.json && !v.quiet {
			fmt.Fprintf(v.p.Stdout, "%s: no mistakes\n", nameOf(file))
		}
		return nil
	case !errors.As(err, &problems):
		return fileError("validate", nameOf(file), err)
	}
	v.mistaken++
	for _, m := range problems.List {
		v.found = append(v.found, problem{problems.File, m.Line, m.Column, m.Message})
	}
	if !v.json {
		fmt.Fprintln(v.p.Stderr, problems)
	}
	return nil
}

// nameOf is what a file is called.
func nameOf(file string) string {
	if file == "-" {
		return "stdin"
	}
	return file
}

// loadScenario reads a scenario; - is standard input.
func loadScenario(p *Process, file string, o scenario.Options) (*scenario.Scenario, error) {
	var sc *scenario.Scenario
	var err error
	if file == "-" {
		sc, err = scenario.Read(p.Stdin, nameOf(file), ".", o)
	} else {
		sc, err = scenario.Load(file, o)
	}
	if err == nil {
		err = outputProblems(sc, file)
	}
	if err != nil {
		return nil, err
	}
	return sc, nil
}
