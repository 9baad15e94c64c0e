package machine

import (
	"strings"
	"time"
)

// Usage is what the process and the machine were using at one moment. Counters only grow; two of them make
// rates and shares (see Since). What Known does not have is not known, and its fields are 0.
type Usage struct {
	At    time.Time // with the monotonic clock
	Known Fact

	// Of this process.

	CPU                 time.Duration // counter: user and system time of all threads (FactCPU)
	RunQueue            time.Duration // counter: threads could run and had no core, summed over threads (FactRunQueue)
	Threads             int           // of them now (FactRunQueue)
	VoluntarySwitches   int64         // counter: a thread had to wait for something (FactSwitches)
	InvoluntarySwitches int64         // counter: a thread had to leave its core to others (FactSwitches)
	Resident            int64         // bytes of memory now (FactResident)
	Files               int           // open descriptors now; before Linux 6.2 known up to 4,096 (FactFiles)
	FileLimit           int           // as Limits.Files (FactFileLimit)

	// Of the Go runtime; known everywhere.

	Goroutines   int
	Procs        int           // GOMAXPROCS
	HeapBytes    int64         // objects, the dead that are not swept yet among them
	GCCycles     int64         // counter
	GCCPU        time.Duration // counter: as of the end of the last cycle, by the clock, so too much if starved
	GCPaused     time.Duration // counter: all goroutines stopped
	GCPauses     Durations     // counter: each of these stops
	SchedLatency Durations     // counter: from when a goroutine could run until it did; the runtime looks at one in 8

	// Of the machine, and of what it gives this process.

	HostBusy   time.Duration // counter: of all CPUs together, as all of these four (FactHostCPU)
	HostIdle   time.Duration
	HostIOWait time.Duration // idle too; the kernel may take some of it back
	HostSteal  time.Duration // a virtual machine's CPUs could run and the host ran something else
	CPUs       float64       // cores' worth of time that this process may use: affinity and quota (FactCPUs)

	// Counters that begin with the sampler. Of the control groups around this process they follow the one
	// that was stopped most since the sample before (FactThrottling).
	Periods          int64         // in which the group ran, usually of 100 ms
	ThrottledPeriods int64         // of them in which it used up its quota and was stopped
	Throttled        time.Duration // of all CPUs together

	Pressure time.Duration // counter: some task of the machine waited for a CPU (FactPressure)

	Sockets  int // TCP sockets in use now, of all processes, listening ones too (FactSockets)
	TimeWait int // ended, and holding their ports still (FactSockets)
	Ports    int // ephemeral ports, as Limits.Ports; each pair of addresses has them for itself (FactPorts)
}

// Fact is a set of things that a Usage or an Interval knows. What a system does not tell is not in it, so
// that nobody takes a 0 for good news.
type Fact uint32

// The facts.
const (
	FactCPU Fact = 1 << iota
	FactRunQueue
	FactSwitches
	FactResident
	FactFiles
	FactFileLimit
	FactHostCPU
	FactCPUs
	FactThrottling
	FactPressure
	FactSockets
	FactPorts
	numFacts = iota
)

var factNames = [numFacts]string{
	"cpu", "run queue", "context switches", "resident memory", "open files", "open files limit",
	"host cpu", "usable cpus", "throttling", "cpu pressure", "sockets", "ports",
}

// Has tells whether all of these are known.
func (f Fact) Has(all Fact) bool { return f&all == all }

// String names them, with commas.
func (f Fact) String() string {
	var names []string
	for i, name := range factNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Absent gives what is not known.
func (f Fact) Absent() Fact { return ^f & (1<<numFacts - 1) }

// Usable gives how many cores' worth of time the process can use: Go uses no more than GOMAXPROCS of what it
// may have.
func (u *Usage) Usable() float64 {
	if procs := float64(u.Procs); procs > 0 {
		return min(u.CPUs, procs)
	}
	return u.CPUs
}
