//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"golang.org/x/sys/unix"
)

// playClient does one job, and answers with its result when all connections are closed again.
func playClient(stdin io.Reader, stdout io.Writer) error {
	in := json.NewDecoder(stdin)
	var j job
	if err := hear(in, &j); err != nil {
		return err
	}
	go func() {
		_ = hear(in, new(struct{}))
		os.Exit(0) // who asked has the answer, or is gone
	}()
	r, err := j.do()
	if err != nil {
		r = result{Error: err.Error()}
	}
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return err
	}
	select {}
}

// client makes the contestant.
func (j job) client() (client, error) {
	for _, k := range contestants {
		if k.name == j.Contestant {
			return k.make(j)
		}
	}
	return nil, fmt.Errorf("no contestant %q", j.Contestant)
}

// do has the contestant do the job.
func (j job) do() (r result, err error) {
	c, err := j.client()
	if err != nil {
		return r, err
	}
	began, used := time.Now(), processCPU()
	if err := c.connect(); err != nil {
		return r, fmt.Errorf("connect: %w", err)
	}
	r.ConnectCPU, r.ConnectSeconds = processCPU()-used, time.Since(began).Seconds()
	defer c.close()
	switch j.Mode {
	case modePaced:
		if err := c.pace(); err != nil {
			return r, err
		}
		fallthrough
	case modeClosed, modeTLS, modeStory:
		if err := j.measure(c, &r); err != nil {
			return r, err
		}
	case modeIdle, modeTLSIdle, modeStoryIdle:
		time.Sleep(j.Settle)
		runtime.GC()
		runtime.GC()
		debug.FreeOSMemory()
		if r.Resident, err = resident(); err != nil {
			return r, err
		}
	}
	r.Goroutines = runtime.NumGoroutine()
	if n := c.open(); n != j.Connections {
		return r, fmt.Errorf("%d of %d connections are open at the end", n, j.Connections)
	}
	return r, nil
}

// measure takes the window after the warm-up.
func (j job) measure(c client, r *result) error {
	time.Sleep(j.Warmup)
	if j.Profile != "" {
		f, err := os.Create(j.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	// The two readings are taken in the same order, so that the time that one takes, such as until a shard
	// answers, shifts the window and does not stretch it.
	first := read(c)
	time.Sleep(j.Measure)
	last := read(c)
	r.Mallocs = last.mallocs - first.mallocs
	r.Trips = last.trips - first.trips
	r.CPU = last.cpu - first.cpu
	r.User = last.user - first.user
	r.Seconds = last.at.Sub(first.at).Seconds()
	if r.Trips == 0 {
		return fmt.Errorf("no round trip in %v", j.Measure)
	}
	return nil
}

// reading is an instant of a client at work.
type reading struct {
	mallocs uint64
	trips   uint64
	cpu     float64
	user    float64
	at      time.Time
}

func read(c client) (now reading) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now.mallocs = m.Mallocs
	now.trips = c.trips()
	now.user = userCPU()
	now.cpu, now.at = processCPU(), time.Now()
	return now
}

// processCPU gives the seconds of user and system time that this process has used.
func processCPU() float64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // fails for a bad argument only
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// userCPU gives the seconds of user time that this process has used.
func userCPU() float64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()) / 1e9
}

// resident gives the resident memory of this process in bytes (proc(5), statm).
func resident() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		return 0, fmt.Errorf("statm: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
