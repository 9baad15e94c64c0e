package machine

import "time"

// Interval says what was used from one moment to another. Shares are from 0 to 1. What Known does not have
// is not known, and its fields are 0.
type Interval struct {
	Wall  time.Duration // 0 where there was no interval; nothing is known then
	Known Fact

	Cores    float64 // used by this process, on average: 1 is one core all the time (FactCPU)
	CPUShare float64 // of the cores that it may use: quota, affinity and GOMAXPROCS (FactCPU, FactCPUs)

	// Waiting is how many of its threads could run and had no core, on average. WaitShare is their waiting
	// as a share of the time that they wanted to run: 0.95 is a process that got a twentieth of what it
	// wanted. A process that wants little waits little, whatever its share is; look at both.
	Waiting   float64 // FactRunQueue
	WaitShare float64 // FactRunQueue, FactCPU

	VoluntarySwitches   float64 // a second (FactSwitches)
	InvoluntarySwitches float64 // a second (FactSwitches)

	GCCycles     int64
	GCShare      float64       // of the CPU time of this process (FactCPU)
	GCPauseShare float64       // of the time
	WorstGCPause time.Duration // as Durations.Max
	SchedLatency Durations

	// Of the time of all CPUs of the machine (FactHostCPU).
	HostBusy, HostSteal, HostIOWait float64

	ThrottledShare float64       // of the periods, those in which a quota stopped this process (FactThrottling)
	Throttled      time.Duration // of all CPUs together (FactThrottling)

	Pressure float64 // share of the time in which some task of the machine waited for a CPU (FactPressure)
}

// Since gives what was used from earlier to u, both of one sampler's.
func (u *Usage) Since(earlier *Usage) Interval {
	i := Interval{Wall: u.At.Sub(earlier.At)}
	if i.Wall <= 0 {
		return Interval{}
	}
	i.Known = u.Known & earlier.Known
	wall := i.Wall.Seconds()
	cpu := grown(u.CPU, earlier.CPU)
	if i.Known.Has(FactCPU) {
		i.Cores = cpu / wall
		// Estimated by the runtime, and told a cycle at a time, so it may be more than all there was.
		i.GCShare = share(grown(u.GCCPU, earlier.GCCPU), cpu)
		if may := min(u.Usable(), earlier.Usable()); i.Known.Has(FactCPUs) {
			i.CPUShare = share(i.Cores, may)
		}
	}
	if i.Known.Has(FactRunQueue) {
		wait := grown(u.RunQueue, earlier.RunQueue)
		i.Waiting = wait / wall
		if i.Known.Has(FactCPU) {
			i.WaitShare = share(wait, wait+cpu)
		}
	}
	if i.Known.Has(FactSwitches) {
		i.VoluntarySwitches = float64(max(0, u.VoluntarySwitches-earlier.VoluntarySwitches)) / wall
		i.InvoluntarySwitches = float64(max(0, u.InvoluntarySwitches-earlier.InvoluntarySwitches)) / wall
	}
	i.GCCycles = u.GCCycles - earlier.GCCycles
	i.GCPauseShare = share(grown(u.GCPaused, earlier.GCPaused), wall)
	pauses := u.GCPauses.Since(&earlier.GCPauses)
	i.WorstGCPause = pauses.Max()
	i.SchedLatency = u.SchedLatency.Since(&earlier.SchedLatency)
	if i.Known.Has(FactHostCPU) {
		busy, steal := grown(u.HostBusy, earlier.HostBusy), grown(u.HostSteal, earlier.HostSteal)
		iowait := grown(u.HostIOWait, earlier.HostIOWait)
		all := busy + steal + iowait + grown(u.HostIdle, earlier.HostIdle)
		i.HostBusy, i.HostSteal, i.HostIOWait = share(busy, all), share(steal, all), share(iowait, all)
		if all == 0 { // the kernel counts in hundredths of a second: too short to tell
			i.Known &^= FactHostCPU
		}
	}
	if i.Known.Has(FactThrottling) {
		i.ThrottledShare = share(float64(u.ThrottledPeriods-earlier.ThrottledPeriods), float64(u.Periods-earlier.Periods))
		i.Throttled = max(0, u.Throttled-earlier.Throttled)
	}
	if i.Known.Has(FactPressure) {
		i.Pressure = share(grown(u.Pressure, earlier.Pressure), wall)
	}
	return i
}

// grown gives by how many seconds a counter grew; one that the kernel took some back of did not.
func grown(now, before time.Duration) float64 { return max(0, now-before).Seconds() }

// share gives part of whole, from 0 to 1.
func share(part, whole float64) float64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	return min(1, part/whole)
}
