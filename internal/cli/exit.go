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
	ExitInterrupted   = 105 // ended before its time by an interrupt; the summary was still given
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

// flagError makes pflag's errors name the nearest flag, and the help.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if name, ok := nearest.Name(unknown.GetSpecifiedName(), names); ok {
			return usage("%w; did you mean --%s? see loadrig %s --help", err, name, c.Name())
		}
	}
	return usage("%w; see loadrig %s --help", err, c.Name())
}

// fromEnvironment gives flags that were not set the value of LOADRIG_NAME, if there is one.
func fromEnvironment(c *cobra.Command, getenv func(string) string) {
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		var errs []error
		c.Flags().VisitAll(func(f *pflag.Flag) {
			name := "LOADRIG_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
			if v := getenv(name); v != "" && !f.Changed && f.Name != "help" {
				if err := c.Flags().Set(f.Name, v); err != nil {
					errs = append(errs, fmt.Errorf("%s in the environment: %w", name, err))
				}
			}
		})
		if len(errs) > 0 {
			return &exitError{ExitUsage, errors.Join(errs...)}
		}
		return nil
	}
}
