//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"
)

// comparison runs the measurements, one client process at a time.
type comparison struct {
	opts   options
	server *server
	ledger *ledger
	talk   io.Writer
}

// compare measures what o asks for, and tells talk of each pass.
func compare(o options, talk io.Writer) (l *ledger, err error) {
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	c := &comparison{opts: o, server: s, ledger: newLedger(o), talk: talk}
	for _, mode := range o.modes {
		if isIdle(mode) {
			err = c.slope(mode)
		} else {
			err = c.rounds(mode)
		}
		if err != nil {
			return nil, err
		}
	}
	return c.ledger, nil
}

// rounds has the contestants take turns, so that a machine whose speed drifts is the same for all.
func (c *comparison) rounds(mode string) error {
	for round := range c.opts.rounds {
		for _, k := range contestants {
			if !slices.Contains(c.opts.contestants, k.name) || !slices.Contains(k.modes, mode) {
				continue
			}
			j := c.job(mode, k.name)
			if c.opts.profile != "" && mode != modeConnect {
				j.Profile = filepath.Join(c.opts.profile, fmt.Sprintf("%s-%s-%d.pprof", mode, k.name, round+1))
			}
			r, err := c.pass(j)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.talk, "%-7s round %d/%d  %-8s ", mode, round+1, c.opts.rounds, k.name)
			if mode == modeConnect {
				fmt.Fprintf(c.talk, "%6.1f µs CPU per connect, %6.0f/s\n", r.ConnectCPU*1e6/float64(j.Connections), float64(j.Connections)/r.ConnectSeconds)
			} else {
				fmt.Fprintf(c.talk, "%6.2f µs CPU per round trip, %6.0f/s, busy %3.0f %%\n", r.microsPerTrip(), r.perSecond(), 100*r.busy())
			}
			c.ledger.add(mode, k.name, r)
		}
	}
	return nil
}

// slope measures memory with few and with many connections.
func (c *comparison) slope(mode string) error {
	for _, k := range contestants {
		if !slices.Contains(c.opts.contestants, k.name) || !slices.Contains(k.modes, mode) {
			continue
		}
		few, many := c.opts.ends(mode)
		for _, n := range []int{few, many} {
			j := c.job(mode, k.name)
			j.Connections = n
			r, err := c.pass(j)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.talk, "%-7s %5d conns  %-8s %7.1f MiB resident, %d goroutines\n", mode, n, k.name, float64(r.Resident)/(1<<20), r.Goroutines)
			c.ledger.add(mode, k.name, r)
		}
	}
	return nil
}

func (c *comparison) job(mode, contestant string) job {
	o := c.opts
	j := job{Contestant: contestant, Mode: mode, URL: c.server.url, Shards: o.shards}
	if overTLS(mode) {
		j.URL = c.server.tlsURL
	}
	switch mode {
	case modeConnect:
		j.Connections = o.connects
	case modeIdle, modeTLSIdle, modeStoryIdle:
		j.Settle = o.settle
	case modeClosed, modeTLS, modeStory:
		j.Connections = o.connections
	case modePaced:
		j.Connections, j.Rate = o.pacedConns, o.rate
	}
	if isClosed(mode) || mode == modePaced || mode == modeStory {
		j.Warmup = time.Duration(o.warmup * float64(time.Second))
		j.Measure = time.Duration(o.seconds * float64(time.Second))
	}
	return j
}

// pass has a fresh process do a job.
func (c *comparison) pass(j job) (r result, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s %s: %w", j.Contestant, j.Mode, err)
		}
	}()
	if err := c.server.idle(); err != nil {
		return r, err
	}
	p, err := start(roleClient, c.opts.procs)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.ask(j, &r, j.limit()); err != nil {
		return r, err
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}
