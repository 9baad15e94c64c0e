//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// roleEnv makes this program one of the processes that it starts itself.
const roleEnv = "LOADRIG_BENCH_ROLE"

func main() {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role))
	}
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	began, machine := time.Now(), thisMachine()
	l, err := compare(o, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	r := newReport(l, strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " "), began, machine)
	write := r.markdown
	if o.json {
		write = r.json
	}
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if r.Missed > 0 && o.strict {
		fmt.Fprintf(os.Stderr, "bench: %d of %d bars missed\n", r.Missed, len(r.Bars))
		os.Exit(1)
	}
}

// play is what a process does that bench has started; the result is its exit code.
func play(role string) int {
	var err error
	switch role {
	case roleServer:
		err = playServer(os.Stdin, os.Stdout)
	case roleClient:
		err = playClient(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("role: got %q, want %s or %s", role, roleServer, roleClient)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v\n", role, err)
		return 1
	}
	return 0
}
