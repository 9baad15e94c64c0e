//go:build unix

package rig

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

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
