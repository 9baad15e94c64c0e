package rig

import (
	"runtime"
	"sync"
	"time"

	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/metrics"
)

// health is what the rig measures of itself and of its machine. Its methods but stop are called by whoever makes the
// records, one at a time.
type health struct {
	sampler    *machine.Sampler
	began      machine.Usage
	before     machine.Usage
	now        machine.Usage
	usable     float64 // seconds of CPU time so far
	cycles     int64   // of the garbage collector
	collected  time.Time
	standstill *standstill
}

// newHealth begins to measure. Standstills are what is longer than least.
func newHealth(least time.Duration) *health {
	h := &health{sampler: machine.NewSampler(), standstill: watchForStandstills(least)}
	h.sampler.Sample(&h.began)
	h.now = h.began
	h.cycles, h.collected = h.began.GCCycles, h.began.At
	return h
}

// sample looks at the end of an interval.
func (h *health) sample() {
	h.before = h.now
	h.sampler.Sample(&h.now)
	if h.now.Known.Has(machine.FactCPUs) {
		h.usable += h.now.Usable() * h.now.At.Sub(h.before.At).Seconds()
	}
}

// Collections of a rig that makes little garbage: a small heap is collected as often as this, as Go by itself takes
// two minutes between collections that nothing presses for, and resident memory creeps up meanwhile by what a few
// minutes leave. That is no leak, but cannot be told from one. A large heap is left alone: there it does not show, and
// collecting costs more.
const (
	tidyEvery = 20 * time.Second
	smallHeap = 64 << 20 // bytes
)

// tidy collects garbage if it is time, and tells whether it did.
func (h *health) tidy() bool {
	u := &h.now
	if u.GCCycles != h.cycles {
		h.cycles, h.collected = u.GCCycles, u.At
	}
	if u.HeapBytes >= smallHeap || u.At.Sub(h.collected) < tidyEvery {
		return false
	}
	runtime.GC()
	return true
}

func (h *health) stop() {
	h.standstill.stop()
	h.sampler.Close()
}

// visit shows v what was sampled.
func (h *health) visit(v metrics.Visitor) {
	u, b := &h.now, &h.began
	known := u.Known & b.Known
	since := func(f *metrics.Family, now, before time.Duration, labels ...string) {
		v.Count(f, max(0, now-before).Seconds(), labels...)
	}
	if known.Has(machine.FactCPU) {
		since(metrics.RigCPU, u.CPU, b.CPU)
	}
	if known.Has(machine.FactCPUs) {
		v.Count(metrics.RigCPUUsable, h.usable)
	}
	if known.Has(machine.FactRunQueue) {
		since(metrics.RigRunQueue, u.RunQueue, b.RunQueue)
	}
	if known.Has(machine.FactSwitches) {
		v.Count(metrics.RigSwitches, float64(max(0, u.VoluntarySwitches-b.VoluntarySwitches)), metrics.SwitchVoluntary)
		v.Count(metrics.RigSwitches, float64(max(0, u.InvoluntarySwitches-b.InvoluntarySwitches)), metrics.SwitchInvoluntary)
	}
	if known.Has(machine.FactThrottling) {
		v.Count(metrics.RigThrottled, float64(max(0, u.ThrottledPeriods-b.ThrottledPeriods)))
		v.Count(metrics.RigPeriods, float64(max(0, u.Periods-b.Periods)))
	}
	since(metrics.RigGCCPU, u.GCCPU, b.GCCPU)
	since(metrics.RigGCPaused, u.GCPaused, b.GCPaused)
	v.Count(metrics.RigStalled, h.standstill.total().Seconds())
	v.Count(metrics.RigWallClock, u.At.Sub(b.At).Seconds())
	if known.Has(machine.FactHostCPU) {
		since(metrics.HostCPU, u.HostBusy, b.HostBusy, metrics.HostBusy)
		since(metrics.HostCPU, u.HostSteal, b.HostSteal, metrics.HostSteal)
		since(metrics.HostCPU, u.HostIOWait, b.HostIOWait, metrics.HostIOWait)
		since(metrics.HostCPU, u.HostIdle, b.HostIdle, metrics.HostIdle)
	}
	v.Gauge(metrics.RigGCPauseWorst, u.Since(&h.before).WorstGCPause.Seconds())
	if u.Known.Has(machine.FactResident) {
		v.Gauge(metrics.RigResident, float64(u.Resident))
	}
	v.Gauge(metrics.RigGoroutines, float64(u.Goroutines))
	if u.Known.Has(machine.FactFiles) {
		v.Gauge(metrics.RigFiles, float64(u.Files))
	}
	if u.Known.Has(machine.FactFileLimit) {
		v.Gauge(metrics.RigFileLimit, float64(u.FileLimit))
	}
	if u.Known.Has(machine.FactSockets) {
		v.Gauge(metrics.HostSockets, float64(u.Sockets), metrics.SocketsUsed)
		v.Gauge(metrics.HostSockets, float64(u.TimeWait), metrics.SocketsTimeWait)
	}
	if u.Known.Has(machine.FactPorts) {
		v.Gauge(metrics.HostPorts, float64(u.Ports))
	}
}

// look is how often a goroutine wants to run, to notice when it did not.
const look = 10 * time.Millisecond

// stall is one standstill of the rig.
type stall struct {
	end  time.Time
	took time.Duration
}

// standstill notices when the process does not run: stopped, suspended, or without a core.
type standstill struct {
	least      time.Duration
	quit, done chan struct{}

	mu sync.Mutex
	// Guarded by mu.
	sum  time.Duration
	news []stall // not taken yet; bounded
}

func watchForStandstills(least time.Duration) *standstill {
	s := &standstill{least: least, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		tick := time.NewTicker(look)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-s.quit:
				return
			case <-tick.C:
			}
			now := time.Now()
			s.looked(now, now.Sub(last)-look)
			last = now
		}
	}()
	return s
}

// maxNews bounds the standstills that are told one by one between two records.
const maxNews = 100

// looked takes how late a look was.
func (s *standstill) looked(now time.Time, late time.Duration) {
	if late <= s.least {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum += late
	if len(s.news) < maxNews {
		s.news = append(s.news, stall{now, late})
	}
}

func (s *standstill) total() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

// take gives the standstills since the last call.
func (s *standstill) take() []stall {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.news
	s.news = nil
	return news
}

func (s *standstill) stop() { close(s.quit); <-s.done }
