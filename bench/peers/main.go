// Command peers measures load-test tools that speak WebSocket side by side: the memory that a player costs, and the CPU
// time of a round trip. It is a module of its own so that neither it nor what it measures is part of loadrig's; run.sh
// puts the tools into a scratch folder and starts it. Linux only, as it reads /proc.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// job is one measurement of one tool.
type job struct {
	players int
	rate    int           // players started per second
	period  time.Duration // between the messages of each; 0 is no pause: the next follows the answer
	window  time.Duration // for how long it is looked at once all players are there; then it is ended
	memory  bool          // what is looked at; otherwise it is CPU time
}

// play is how long a player would play if it were let: longer than any tool needs to get all of them there.
const play = 40 * time.Second

func (j job) ramp() time.Duration {
	return time.Duration(j.players) * time.Second / time.Duration(j.rate)
}

var (
	few  = job{players: 500, rate: 100, period: 5 * time.Second, window: 4 * time.Second, memory: true}
	many = job{players: 2000, rate: 400, period: 5 * time.Second, window: 4 * time.Second, memory: true}
	calm = job{players: 500, rate: 100, period: time.Second, window: 10 * time.Second}
	busy = job{players: 500, rate: 100, window: 8 * time.Second}
)

func main() {
	scratch := flag.String("scratch", "", "folder with the tools, as run.sh makes it")
	names := flag.String("tools", "loadrig,loadrig-1,k6,artillery,locust,tsung", "tools to measure")
	rounds := flag.Int("rounds", 3, "rounds, in each of which the tools take turns")
	flag.Parse()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	var err error
	if *scratch, err = filepath.Abs(*scratch); err == nil {
		err = measure(*scratch, strings.Split(*names, ","), *rounds, interrupted)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// row is what the rounds found out about one tool.
type row struct {
	tool             string
	few, many, slope []float64 // MiB with all players there, KiB of one more
	peak             []float64 // MiB, the most with many
	calm, busy       []float64 // µs per round trip
	toCalm, toBusy   []float64 // the same to loadrig's in the same round
	flatOut          []float64 // round trips a second of busy
}

func measure(scratch string, names []string, rounds int, interrupted <-chan os.Signal) error {
	rows := make([]row, len(names))
	for round := range rounds {
		var own row
		for i, name := range names {
			r := &rows[i]
			r.tool = name
			var got [4]result
			for k, j := range []job{few, many, calm, busy} {
				var err error
				if got[k], err = run(scratch, name, j, interrupted); err != nil {
					return fmt.Errorf("%s, %d players: %w", name, j.players, err)
				}
				fmt.Fprintf(os.Stderr, "round %d %-9s %4d players each %-5v: ", round+1, name, j.players, j.period)
				if j.memory {
					fmt.Fprintf(os.Stderr, "%.1f MiB PSS, %.1f at the peak\n", mib(got[k].held), mib(got[k].peak))
				} else {
					fmt.Fprintf(os.Stderr, "%.1f µs CPU per round trip, %.0f a second\n", got[k].perRoundTrip(), got[k].rate())
				}
			}
			r.add(got)
			if name == "loadrig" {
				own = *r
			}
			if own.tool != "" {
				r.toCalm = append(r.toCalm, r.calm[round]/own.calm[round])
				r.toBusy = append(r.toBusy, r.busy[round]/own.busy[round])
			}
		}
	}
	table(rows)
	return nil
}

func (r *row) add(got [4]result) {
	r.few = append(r.few, mib(got[0].held))
	r.many = append(r.many, mib(got[1].held))
	r.slope = append(r.slope, float64(got[1].held-got[0].held)/1024/float64(many.players-few.players))
	r.peak = append(r.peak, mib(got[1].peak))
	r.calm = append(r.calm, got[2].perRoundTrip())
	r.busy = append(r.busy, got[3].perRoundTrip())
	r.flatOut = append(r.flatOut, got[3].rate())
}

func table(rows []row) {
	fmt.Printf("| tool | MiB at %d players | at %d | at the peak | KiB per player more | µs CPU per round trip, paced | to loadrig | flat out | to loadrig | round trips/s |\n",
		few.players, many.players)
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range rows {
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.tool, spread(r.few, 0), spread(r.many, 0), spread(r.peak, 0), spread(r.slope, 1),
			spread(r.calm, 0), spread(r.toCalm, 2), spread(r.busy, 1), spread(r.toBusy, 1), spread(r.flatOut, 0))
	}
}

// spread gives the median, and least and most in parentheses.
func spread(v []float64, digits int) string {
	if len(v) == 0 {
		return "–"
	}
	return fmt.Sprintf("**%.*f** (%.*f–%.*f)", digits, median(v), digits, slices.Min(v), digits, slices.Max(v))
}

func median(v []float64) float64 {
	s := slices.SortedFunc(slices.Values(v), cmp.Compare)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
