package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/internal/nearest"
)

// The exit codes.
const (
	ExitPass          = 0   // the verdict is pass
	ExitUsage         = 2   // the command line or the environment is wrong; nothing was run
	ExitUntrustworthy = 98  // the rig could not do its part
	ExitFailed        = 99  // the verdict is fail
	ExitScenario      = 104 // a scenario file is wrong; nothing was run
	ExitInterrupted   = 105 // ended before its time by an interrupt; the summary was still given
	ExitScript        = 107 // a player's script is wrong, or failed
	ExitAborted       = 108 // a threshold ended the run before its time
	ExitInternal      = 109 // a fault of loadrig or of this machine
)

// exitError ends the program with a code, and says why if err is not nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit %d: %v", e.code, e.err) }
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{ExitUsage, fmt.Errorf(format, args...)}
}

func internal(err error) error { return &exitError{ExitInternal, err} }

// flagError makes pflag's errors say what was wanted, name the nearest flag, and point to the help.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		if name, ok := nearest.Name(unknown.GetSpecifiedName(), flagNames(c)); ok {
			return usage("%w; did you mean --%s? see loadrig %s --help", err, name, path(c))
		}
	case errors.As(err, &invalid):
		return usage("--%s: %w; see loadrig %s --help", invalid.GetFlag().Name, wrongValue(invalid.GetFlag(), invalid.GetValue()), path(c))
	}
	return usage("%w; see loadrig %s --help", err, path(c))
}

// path is a command's name behind loadrig: runs prune.
func path(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// wrongValue says what a flag takes.
func wrongValue(f *pflag.Flag, got string) error {
	want, ok := map[string]string{
		"int":      "a whole number",
		"bool":     "true or false",
		"size":     "a number of bytes, as 65536, 64KiB or 16MiB",
		"duration": "a time with its unit, as 30s, 5m or 1h30m",
		"compress": "on, off or takeover",
		"share":    "a share of 0 or more, as 5% or 0.05",
		"rate":     "a number of 0 or more per second, minute or hour, as 50/s, 3000/m or 10/h",
	}[f.Value.Type()]
	if !ok {
		want = f.Value.Type()
	}
	return fmt.Errorf("got %q, want %s", got, want)
}

// variable is the name of a flag's variable of the environment.
func variable(flag string) string {
	return "LOADRIG_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment gives flags that were not set the value of LOADRIG_NAME, if there is one.
func fromEnvironment(c *cobra.Command, getenv func(string) string) {
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		var errs []error
		c.Flags().VisitAll(func(f *pflag.Flag) {
			name := variable(f.Name)
			if v := getenv(name); v != "" && !f.Changed && !f.Hidden && f.Name != "help" {
				if c.Flags().Set(f.Name, v) != nil {
					errs = append(errs, fmt.Errorf("%s in the environment: %w", name, wrongValue(f, v)))
				}
			}
		})
		if len(errs) > 0 {
			return &exitError{ExitUsage, errors.Join(errs...)}
		}
		return nil
	}
}

// knownCommand refuses what is no subcommand, and names the nearest.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	if name, ok := nearest.Name(args[0], names); ok {
		return usage("unknown command %q; did you mean %s?", args[0], name)
	}
	return usage("unknown command %q; see loadrig --help", args[0])
}
