package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/scenario"
)

// varFlags give a scenario's variables other first values.
type varFlags struct {
	given []string
	file  string
}

func (f *varFlags) register(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.given, "var", "e", nil, "`NAME=VALUE` for a variable of the scenario; repeatable")
	fs.StringVar(&f.file, "vars", "", "`file`, in YAML or JSON, with a mapping from variables to values; those of -e go before them")
}

// build gives the values by name, nil for none.
func (f *varFlags) build() (map[string]string, error) {
	if f.file == "" && len(f.given) == 0 {
		return nil, nil
	}
	vars := make(map[string]string)
	if f.file != "" {
		read, err := scenario.LoadVars(f.file)
		if err != nil {
			var problems *scenario.Problems
			if errors.As(err, &problems) {
				return nil, &exitError{ExitScenario, err}
			}
			return nil, &exitError{ExitUsage, fileError("--vars", f.file, err)}
		}
		maps.Copy(vars, read)
	}
	for _, s := range f.given {
		name, value, err := scenario.ParseVar(s)
		if err != nil {
			return nil, usage("-e/--var: %w", err)
		}
		vars[name] = value
	}
	return vars, nil
}

// fileError says that a file cannot be read or written; what names it on the command line.
func fileError(what, path string, err error) error {
	var fault *os.PathError
	if errors.As(err, &fault) {
		err = fault.Err
	}
	return fmt.Errorf("%s: %s: %w", what, path, err)
}
