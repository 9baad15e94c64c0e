//go:build unix

package rig

import (
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// fileLimit gives how many descriptors this process may have, 0 if there is no limit, and how many it
// has. Go has raised the soft limit to the hard one at start.
func fileLimit() (limit uint64, open int) {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil || uint64(r.Cur) == unix.RLIM_INFINITY {
		return 0, 0
	}
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return uint64(r.Cur), 16
	}
	return uint64(r.Cur), len(entries)
}

// usage gives the CPU time this process has used and the most memory it has had resident, in bytes.
func usage() (cpu time.Duration, maxRSS int64) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	maxRSS = int64(u.Maxrss)
	if runtime.GOOS != "darwin" { // which counts bytes; all others count KiB
		maxRSS *= 1024
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), maxRSS
}
