//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// report is what is printed.
type report struct {
	Command string
	Started time.Time
	Took    float64 // seconds
	Machine machineInfo
	Procs   int // GOMAXPROCS of every client
	Shards  int // of loadrig
	Results map[string]map[string][]result
	Bars    []bar
	Missed  int

	ledger *ledger
}

func newReport(l *ledger, command string, began time.Time, m machineInfo) *report {
	r := &report{
		Command: command, Started: began.UTC(), Took: time.Since(began).Seconds(), Machine: m,
		Procs: l.opts.procs, Shards: l.opts.shards, Results: l.results, Bars: l.bars(), ledger: l,
	}
	for _, b := range r.Bars {
		if b.Verdict == barMissed {
			r.Missed++
		}
	}
	return r
}

// json prints all, with every pass.
func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// markdown prints tables.
func (r *report) markdown(w io.Writer) error {
	p := &printer{w: w}
	p.printf("`%s`, %s UTC, %.0f s\n%s; GOMAXPROCS=%d for each client, loadrig with %s\n",
		r.Command, r.Started.Format("2006-01-02 15:04"), r.Took, r.Machine, r.Procs, plural(r.Shards, "shard"))
	for _, mode := range r.ledger.opts.modes {
		switch mode {
		case modeClosed, modePaced, modeTLS:
			r.loop(p, mode)
		case modeStory:
			r.story(p)
		case modeConnect:
			r.connect(p)
		case modeIdle, modeTLSIdle, modeStoryIdle:
			r.idle(p, mode)
		}
	}
	p.printf("\n**Bars**\n\n| loadrig | got | at most | |\n|---|--:|--:|---|\n")
	for _, b := range r.Bars {
		got := math.NaN()
		if b.Got != nil {
			got = *b.Got
		}
		p.printf("| %s | %s | %v | %s |\n", b.Name, figure(got, 3), b.Limit, b.Verdict)
	}
	return p.err
}

func (r *report) loop(p *printer, mode string) {
	o := r.ledger.opts
	reference := bare
	if isClosed(mode) {
		name := "Closed loop"
		if mode == modeTLS {
			name, reference = "Closed loop over wss", bareTLS
		}
		p.printf("\n**%s**: %d connections, one message of %d bytes under way on each; %s of %v s after %v s\n",
			name, o.connections, payloadSize, plural(o.rounds, "round"), o.seconds, o.warmup)
	} else {
		p.printf("\n**Paced**: %v messages per second of %d bytes over %d connections; %s of %v s after %v s\n",
			o.rate, payloadSize, o.pacedConns, plural(o.rounds, "round"), o.seconds, o.warmup)
	}
	p.printf("\n| client | µs CPU per round trip: min, median, max | to %s | loadrig to it: median (min–max) | round trips/s | busy | allocations per round trip |\n|---|--:|--:|--:|--:|--:|--:|\n", reference)
	for _, k := range r.who(mode) {
		each := func(f func(result) float64) spread { return spreadOf(r.ledger.each(mode, k, f)) }
		cpu := each(result.microsPerTrip)
		p.printf("| %s | %.2f, **%.2f**, %.2f | %s | %s | %.0f | %.0f %% | %.3f |\n", k, cpu.Min, cpu.Median, cpu.Max,
			figure(r.ratio(mode, k, reference, result.microsPerTrip).Median, 2), r.toIt(mode, k, result.microsPerTrip),
			each(result.perSecond).Median, 100*each(result.busy).Median, each(result.mallocsPerTrip).Median)
	}
}

func (r *report) story(p *printer) {
	o := r.ledger.opts
	p.printf("\n**Scenario**: %d players of %d steps a round, two of which send and two wait for the echo; %s of %v s after %v s\n",
		o.connections, stepsPerRound, plural(o.rounds, "round"), o.seconds, o.warmup)
	p.printf("\n| client | µs user CPU per step: min, median, max | µs CPU per step | steps/s | busy | allocations per step |\n|---|--:|--:|--:|--:|--:|\n")
	for _, k := range r.who(modeStory) {
		each := func(f func(result) float64) spread { return spreadOf(r.ledger.each(modeStory, k, f)) }
		user := each(result.userMicrosPerTrip)
		p.printf("| %s | %.2f, **%.2f**, %.2f | %.2f | %.0f | %.0f %% | %.3f |\n", k, user.Min, user.Median, user.Max,
			each(result.microsPerTrip).Median, each(result.perSecond).Median, 100*each(result.busy).Median, each(result.mallocsPerTrip).Median)
	}
}

func (r *report) connect(p *printer) {
	o := r.ledger.opts
	p.printf("\n**Connect**: %d connections, %d at a time; %s\n\n", o.connects, window, plural(o.rounds, "round"))
	p.printf("| client | µs CPU per connect: min, median, max | to bare | loadrig to it: median (min–max) | connects/s |\n|---|--:|--:|--:|--:|\n")
	for _, k := range r.who(modeConnect) {
		cpu := spreadOf(r.ledger.each(modeConnect, k, r.ledger.connectMicros))
		p.printf("| %s | %.1f, **%.1f**, %.1f | %s | %s | %.0f |\n", k, cpu.Min, cpu.Median, cpu.Max,
			figure(r.ratio(modeConnect, k, bare, r.ledger.connectMicros).Median, 2), r.toIt(modeConnect, k, r.ledger.connectMicros),
			spreadOf(r.ledger.each(modeConnect, k, r.ledger.connectRate)).Median)
	}
}

func (r *report) idle(p *printer, mode string) {
	few, many := r.ledger.opts.ends(mode)
	name := "Idle"
	switch mode {
	case modeTLSIdle:
		name = "Idle over wss"
	case modeStoryIdle:
		name = "Scenario at an ordinary pace"
	}
	p.printf("\n**%s**: slope from %d to %d connections", name, few, many)
	if slices.Contains(r.who(mode), deflate) {
		p.printf("; those of %s have sent %d messages each before", deflate, chatter)
	}
	p.printf("\n\n")
	p.printf("| client | MiB resident at %d | at %d | KiB per connection | goroutines per connection |\n|---|--:|--:|--:|--:|\n", few, many)
	for _, k := range r.who(mode) {
		kib := r.ledger.each(mode, k, residentKiB)
		p.printf("| %s | %.1f | %.1f | **%.2f** | %.2f |\n", k, kib[0]/1024, kib[1]/1024,
			r.ledger.slope(mode, k, residentKiB), r.ledger.slope(mode, k, goroutines))
	}
}

// who gives who was measured, in the order of their turns.
func (r *report) who(mode string) []string {
	return slices.DeleteFunc(allContestants(), func(k string) bool { return len(r.Results[mode][k]) == 0 })
}

func (r *report) ratio(mode, a, b string, f func(result) float64) spread {
	return spreadOf(r.ledger.ratios(mode, a, b, f))
}

// toIt gives loadrig's ratio to a contestant.
func (r *report) toIt(mode, k string, f func(result) float64) string {
	s := r.ratio(mode, loadrig, k, f)
	if k == loadrig || math.IsNaN(s.Median) {
		return "–"
	}
	return fmt.Sprintf("**%.2f** (%.2f–%.2f)", s.Median, s.Min, s.Max)
}

// figure prints v, or a dash where there is none.
func figure(v float64, digits int) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
