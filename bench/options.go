//go:build linux

package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// options are the flags.
type options struct {
	rounds      int
	seconds     float64 // measured, of each pass of the closed and the paced loop
	warmup      float64 // seconds before them
	connections int     // of the closed loop
	few, many   int     // idle connections at the foot and at the top of the slope
	tlsMany     int     // at its top over wss; the foot is a fifth of it
	connects    int
	rate        float64 // messages per second of the paced loop, all connections together
	pacedConns  int

	modes       []string // what is measured
	contestants []string // who is
	procs       int      // GOMAXPROCS of every client
	shards      int      // of loadrig
	profile     string   // folder for CPU profiles; empty for none

	json, strict bool
	settle       time.Duration // before memory is read
}

// Limits of the flags; together they bound the time that a benchmark takes.
const (
	maxRounds  = 100
	maxSeconds = 600
	spareFDs   = 64
)

func parse(args []string) (options, error) {
	o := options{settle: 300 * time.Millisecond}
	var only string
	var quick, paced bool
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 5, "interleaved rounds of the closed, connect and paced measurements")
	f.Float64Var(&o.seconds, "seconds", 3, "seconds measured in each closed or paced pass")
	f.Float64Var(&o.warmup, "warmup", 1, "seconds before them")
	f.IntVar(&o.connections, "connections", 1000, "connections of the closed loop, each with one message under way")
	f.IntVar(&o.few, "few", 2000, "idle connections at the foot of the memory slope")
	f.IntVar(&o.many, "many", 18000, "idle connections at its top")
	f.IntVar(&o.tlsMany, "tls-many", 5000, "idle connections over wss at the top of their slope; its foot is a fifth of that")
	f.IntVar(&o.connects, "connects", 10000, "connections opened as fast as it goes")
	f.BoolVar(&paced, "paced", false, "measure the paced loop too")
	f.Float64Var(&o.rate, "rate", 10000, "messages per second of the paced loop, over all connections")
	f.IntVar(&o.pacedConns, "paced-connections", 5000, "connections of the paced loop")
	f.StringVar(&only, "only", "", "comma-separated: measurements ("+strings.Join(allModes, ", ")+") and contestants ("+strings.Join(allContestants(), ", ")+"); default: all but paced, "+deflate+" and "+stamped)
	f.BoolVar(&quick, "quick", false, "a smoke run of some 20 s; its figures mean little. Flags that are given besides hold")
	f.IntVar(&o.procs, "procs", 1, "GOMAXPROCS of every client")
	f.IntVar(&o.shards, "shards", 1, "shards of loadrig")
	f.StringVar(&o.profile, "profile", "", "folder to write CPU profiles of the closed and paced passes to; costs some CPU")
	f.BoolVar(&o.json, "json", false, "print JSON instead of tables, with every pass")
	f.BoolVar(&o.strict, "strict", false, "exit 1 if a bar is missed")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("got the argument %q, want flags only", f.Arg(0))
	}
	if quick {
		given := make(map[string]bool)
		f.Visit(func(g *flag.Flag) { given[g.Name] = true })
		for name, v := range map[string]string{
			"rounds": "1", "seconds": "1", "warmup": "0.5", "few": "500", "many": "2500", "connects": "2000", "tls-many": "1500",
		} {
			if !given[name] {
				_ = f.Set(name, v)
			}
		}
	}
	if err := o.choose(only, paced); err != nil {
		return o, err
	}
	return o, o.validate()
}

// choose fills in what is measured.
func (o *options) choose(only string, paced bool) error {
	for name := range strings.SplitSeq(only, ",") {
		switch name = strings.TrimSpace(name); {
		case name == "":
		case slices.Contains(allModes, name):
			o.modes = append(o.modes, name)
		case slices.Contains(allContestants(), name):
			o.contestants = append(o.contestants, name)
		default:
			return fmt.Errorf("-only: got %q, want some of %s, %s", name, strings.Join(allModes, ", "), strings.Join(allContestants(), ", "))
		}
	}
	if len(o.modes) == 0 {
		o.modes = []string{modeClosed, modeConnect, modeIdle, modeTLS, modeTLSIdle, modeStory, modeStoryIdle}
	}
	if paced && !slices.Contains(o.modes, modePaced) {
		o.modes = append(o.modes, modePaced)
	}
	if len(o.contestants) == 0 {
		o.contestants = unasked()
	}
	return nil
}

// ends gives the foot and the top of a memory slope.
func (o *options) ends(mode string) (few, many int) {
	if mode == modeTLSIdle {
		return o.tlsMany / 5, o.tlsMany
	}
	return o.few, o.many
}

func (o *options) validate() error {
	for _, f := range []struct {
		flag           string
		got, low, high float64
	}{
		{"rounds", float64(o.rounds), 1, maxRounds},
		{"seconds", o.seconds, 0.05, maxSeconds},
		{"warmup", o.warmup, 0, maxSeconds},
		{"connections", float64(o.connections), 1, math.MaxInt32},
		{"few", float64(o.few), 1, math.MaxInt32},
		{"many", float64(o.many), float64(o.few + 1), math.MaxInt32},
		{"tls-many", float64(o.tlsMany), 5, math.MaxInt32},
		{"connects", float64(o.connects), 1, perSource}, // from one address, as nothing is plainer
		{"rate", o.rate, 1, 1e6},
		{"paced-connections", float64(o.pacedConns), 1, math.MaxInt32},
		{"procs", float64(o.procs), 1, 1024},
		{"shards", float64(o.shards), 1, 64},
	} {
		if !(f.got >= f.low && f.got <= f.high) {
			return fmt.Errorf("-%s: got %v, want %v to %v", f.flag, f.got, f.low, f.high)
		}
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	for _, f := range []struct {
		flag string
		got  int
	}{{"connections", o.connections}, {"many", o.many}, {"tls-many", o.tlsMany}, {"connects", o.connects}, {"paced-connections", o.pacedConns}} {
		if uint64(f.got)+spareFDs > l.Max {
			return fmt.Errorf("-%s: got %d, and a process here may have %d descriptors (ulimit -Hn)", f.flag, f.got, l.Max)
		}
	}
	if o.profile != "" {
		return os.MkdirAll(o.profile, 0o755)
	}
	return nil
}
