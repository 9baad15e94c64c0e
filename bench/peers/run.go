package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// result is what one run of a tool cost.
type result struct {
	held   int64         // bytes of memory of all its processes, the median of the window
	peak   int64         // the most until its end
	cpu    time.Duration // in the window
	echoes int64         // that the server sent in it
	lasted time.Duration // the window
	target stats
}

// perRoundTrip is µs of CPU time.
func (r result) perRoundTrip() float64 {
	return float64(r.cpu.Nanoseconds()) / 1e3 / float64(max(r.echoes, 1))
}

// rate is round trips a second.
func (r result) rate() float64 { return float64(r.echoes) / r.lasted.Seconds() }

// stats is what the target counted itself.
type stats struct {
	Opened   int64 `json:"opened"`
	PeakOpen int   `json:"peak_open"`
	Received int64 `json:"received"`
	Sent     int64 `json:"sent"`
}

// frame is the size of an echo of 64 bytes with its header (RFC 6455 §5.2), which tells echoes from written bytes.
const frame = 66

// sampleEvery is how often the tool is looked at.
const sampleEvery = 250 * time.Millisecond

// settle is how long after the last player came the window begins.
const settle = 2 * time.Second

// limit is how long a tool may take for a job.
const limit = 60 * time.Second

func run(scratch, tool string, j job, interrupted <-chan os.Signal) (r result, err error) {
	dir, err := os.MkdirTemp(scratch, tool)
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	server := exec.Command(filepath.Join(scratch, "loadrig"), "target", "--listen", "127.0.0.1:0")
	out, err := server.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := server.Start(); err != nil {
		return r, err
	}
	lines := bufio.NewReader(out)
	address, err := lines.ReadString('\n')
	if err == nil {
		err = r.watch(scratch, tool, j, strings.TrimSpace(address), dir, server.Process.Pid, interrupted)
	}
	_ = server.Process.Signal(os.Interrupt)
	err = errors.Join(err, json.NewDecoder(lines).Decode(&r.target), server.Wait())
	if err == nil && r.target.PeakOpen < j.players {
		err = fmt.Errorf("the server saw %d players at once, want %d", r.target.PeakOpen, j.players)
	}
	return r, err
}

// watch starts the tool, looks at it while it works, and waits for its end.
func (r *result) watch(scratch, tool string, j job, address, dir string, server int, interrupted <-chan os.Signal) error {
	args, env, err := command(scratch, tool, j, address, dir)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(scratch, fmt.Sprintf("%s-%d-%v.log", tool, j.players, j.period)))
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	kill := func(why error) error {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		<-ended
		return why
	}

	// The window begins when the server has all the players, not when they were to be there: some tools take seconds to
	// start, and their players would otherwise be counted as fewer.
	var begin, cpu time.Duration // since the start, of CPU time
	var wrote int64
	var held []int64
	start := time.Now()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("it ended before its window did: %w; see %s", cmp.Or(err, errors.New("no error")), log.Name())
		case <-interrupted:
			return kill(errors.New("interrupted"))
		case <-tick.C:
		}
		pids, now := tree(c.Process.Pid), time.Since(start)
		if now > limit {
			return kill(fmt.Errorf("it took too long; see %s", log.Name()))
		}
		if begin == 0 && established(address) >= j.players {
			begin = now + settle
		}
		inside := begin != 0 && now >= begin
		if j.memory { // the kernel adds it up in the reader's time, but holds the owner's lock
			m := memory(pids)
			r.peak = max(r.peak, m)
			if inside {
				held = append(held, m)
			}
		}
		switch {
		case inside && wrote == 0:
			begin, cpu, wrote = time.Since(start), cpuTime(pids), written(server)
		case inside && now >= begin+j.window:
			r.cpu, r.echoes, r.lasted = cpuTime(pids)-cpu, (written(server)-wrote)/frame, time.Since(start)-begin
			slices.Sort(held)
			if j.memory {
				r.held = held[len(held)/2]
			}
			return kill(nil)
		}
	}
}
