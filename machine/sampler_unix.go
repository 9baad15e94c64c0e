//go:build unix

package machine

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// sampleProcess asks what any unix tells of a process.
func sampleProcess(u *Usage) {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) == nil {
		u.CPU = time.Duration(r.Utime.Nano() + r.Stime.Nano())
		u.VoluntarySwitches, u.InvoluntarySwitches = int64(r.Nvcsw), int64(r.Nivcsw)
		u.Known |= FactCPU | FactSwitches
	}
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) == nil && uint64(l.Cur) < math.MaxInt32 {
		u.FileLimit = int(l.Cur)
		u.Known |= FactFileLimit
	}
}
