//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/loadrig/loadrig/target"
)

// options are the flags.
type options struct {
	rounds      int
	seconds     float64
	connections int
	few, many   int
	strict      bool
}

func main() {
	var o options
	var j job
	role := flag.String("role", "", "server or client; for the processes that bench itself starts")
	flag.StringVar(&j.Kind, "kind", "", "contestant of a client")
	flag.StringVar(&j.URL, "url", "", "server of a client")
	flag.StringVar(&j.Mode, "mode", "", "closed or idle")
	flag.IntVar(&j.Connections, "n", 0, "connections of a client")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds of the closed loop")
	flag.Float64Var(&o.seconds, "seconds", 3, "measured seconds of each")
	flag.IntVar(&o.connections, "connections", 1000, "connections of the closed loop")
	flag.IntVar(&o.few, "few", 2000, "idle connections at the foot of the slope")
	flag.IntVar(&o.many, "many", 18000, "idle connections at its top")
	flag.BoolVar(&o.strict, "strict", false, "exit 1 if a bar is missed")
	flag.Parse()
	j.Seconds = o.seconds
	var err error
	switch *role {
	case "server":
		err = serve()
	case "client":
		err = runClient(j)
	default:
		err = compare(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// serve runs the echo server that all contestants are measured on, until stdin ends.
func serve() error {
	s, err := target.Listen(target.Options{Loops: 1})
	if err != nil {
		return err
	}
	fmt.Println(s.URL())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = s.Close()
	}()
	return s.Serve()
}

// child starts this program again in a role, with one core of its own to schedule on. It ends when its
// stdin does.
func child(args ...string) (*exec.Cmd, io.Closer, io.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "BENCH_CHILD=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	return cmd, in, out, cmd.Start()
}

// measure has a fresh process do a job.
func measure(j job) (r result, err error) {
	cmd, in, out, err := child("-role", "client", "-kind", j.Kind, "-url", j.URL, "-mode", j.Mode,
		"-n", fmt.Sprint(j.Connections), "-seconds", fmt.Sprint(j.Seconds))
	if err != nil {
		return r, err
	}
	defer in.Close()
	kill := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	if err := json.NewDecoder(out).Decode(&r); err != nil {
		_ = cmd.Wait()
		return r, fmt.Errorf("%s %s: %w", j.Kind, j.Mode, err)
	}
	return r, cmd.Wait()
}

// compare measures all contestants in turn and prints the table.
func compare(o options) error {
	cmd, in, out, err := child("-role", "server")
	if err != nil {
		return err
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	var url string
	if _, err := fmt.Fscanln(out, &url); err != nil {
		return fmt.Errorf("the server did not start: %w", err)
	}
	t := newTable(o)
	for round := range o.rounds {
		for _, kind := range kinds {
			r, err := measure(job{kind, url, "closed", o.connections, o.seconds})
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "round %d/%d  %-8s %6.2f µs CPU a round trip, %.0f/s\n", round+1, o.rounds, kind, r.perTrip(), float64(r.Trips)/r.Seconds)
			t.closed[kind] = append(t.closed[kind], r)
		}
	}
	for _, kind := range kinds {
		for _, n := range []int{o.few, o.many} {
			r, err := measure(job{kind, url, "idle", n, 0})
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "idle  %-8s %5d connections, %.1f MiB resident, %.1f µs CPU a connect\n", kind, n, float64(r.RSS)/(1<<20), r.ConnectCPU*1e6/float64(n))
			t.idle[kind] = append(t.idle[kind], r)
		}
	}
	missed := t.write(os.Stdout, strings.Join(os.Args[1:], " "))
	if missed && o.strict {
		return fmt.Errorf("a bar was missed")
	}
	return nil
}
