package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/loadrig/loadrig/scenario"
)

// Process is all of the operating system that a command uses.
type Process struct {
	Args       []string // without the program's name
	Stdin      io.Reader
	Stdout     io.Writer
	Stderr     io.Writer
	Getenv     func(string) string
	Executable func() (string, error)
	// Interrupted gives a context that ends at the first interrupt; the second is no longer caught, and
	// so ends the process.
	Interrupted func(context.Context) (context.Context, context.CancelFunc)
	// Terminal gives the terminal that the command was given at; nil for none. May be nil itself.
	Terminal func() *Terminal
	// Signals calls f for each interrupt until stop is called, beside what Interrupted does; the second does not end
	// the process then. Die is for f to do that: it ends the process as a signal that nobody catches. Both are used
	// with a Terminal only.
	Signals func(f func(os.Signal)) (stop func())
	Die     func(os.Signal)
}

// Terminal is one that a command was given at, with this process in its foreground.
type Terminal struct {
	In, Err *os.File // stdin and stderr, which are it
	Out     *os.File // stdout, if that is it too; or else nil
	Environ []string
}

// ThisProcess gives the process that we are.
func ThisProcess() Process {
	return Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Executable: os.Executable,
		Interrupted: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			context.AfterFunc(ctx, stop)
			return ctx, stop
		},
		Terminal: thisTerminal,
		Signals: func(f func(os.Signal)) func() {
			c, quit, done := make(chan os.Signal, 2), make(chan struct{}), make(chan struct{})
			signal.Notify(c, os.Interrupt, syscall.SIGTERM)
			go func() {
				defer close(done)
				for {
					select {
					case sig := <-c:
						f(sig)
					case <-quit:
						return
					}
				}
			}()
			return sync.OnceFunc(func() { signal.Stop(c); close(quit); <-done })
		},
		Die: func(sig os.Signal) {
			signal.Reset(os.Interrupt, syscall.SIGTERM)
			if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(sig) == nil {
				time.Sleep(time.Second) // another thread may be the one that is ended by it
			}
			os.Exit(ExitInterrupted) // where a process cannot signal itself
		},
	}
}

// thisTerminal gives the terminal of this process. One that it is in the background of is none: reading it, or
// changing what it is set to, would stop the process.
func thisTerminal() *Terminal {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) || !foreground(os.Stdin) {
		return nil
	}
	t := &Terminal{In: os.Stdin, Err: os.Stderr, Environ: os.Environ()}
	if term.IsTerminal(int(os.Stdout.Fd())) {
		t.Out = os.Stdout
	}
	return t
}

// Main runs a command line and gives the exit code.
func Main(p Process) int {
	root := newRoot(&p)
	root.SetArgs(p.Args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.Execute()
	var exit *exitError
	switch {
	case err == nil:
		return ExitPass
	case errors.As(err, &exit):
		if exit.err != nil {
			say(p.Stderr, exit.err)
		}
		return exit.code
	default:
		say(p.Stderr, err) // cobra's own: unknown commands, flags and arguments
		return ExitUsage
	}
}

// say prints an error, a line for each mistake. Those of a scenario begin with their place, where editors
// look for it.
func say(w io.Writer, err error) {
	var problems *scenario.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(w, problems)
		return
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "loadrig: %s\n", strings.TrimRight(line, "\n"))
	}
}

func newRoot(p *Process) *cobra.Command {
	root := &cobra.Command{
		Use:   "loadrig",
		Short: "A rig of simulated players for WebSocket servers",
		Long: `loadrig holds thousands of WebSocket connections from one small machine, each a
simulated player, and says honestly what happened.

  loadrig run                                    a try, on an echo server of its own
  loadrig run --url wss://game.example/socket -c 5000 -d 5m
  loadrig run --help                             all the flags
  loadrig init                                   scenarios to begin with
  loadrig doctor                                 how many players fit this machine
  loadrig report                                 the last run once more
  loadrig compare last~1 last                    whether the last two differ

Exit codes: 0 pass, 2 usage, 98 untrustworthy (the rig could not keep up),
99 failed (or worse, of compare; or what doctor was asked for does not fit),
104 bad scenario, 105 interrupted, 108 aborted by a threshold, 109 internal error.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newRunCommand(p), newTargetCommand(p), newDoctorCommand(p), newValidateCommand(p), newSchemaCommand(), newInitCommand(p), newReportCommand(p), newRunsCommand(p), newCompareCommand(p), newVersionCommand())
	fitHelp(root)
	for _, c := range root.Commands() {
		fromEnvironment(c, p.Getenv)
	}
	return root
}
