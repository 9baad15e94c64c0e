//go:build unix

package machine

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

func (l *Limits) readFiles() {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil || uint64(r.Cur) >= math.MaxInt32 {
		return
	}
	l.Files = int(r.Cur)
	if entries, err := os.ReadDir("/dev/fd"); err == nil {
		l.OpenFiles = len(entries) - 1 // less the one that reads the directory
	}
}
