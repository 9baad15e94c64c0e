package machine

import (
	"time"

	"golang.org/x/sys/windows"
)

// kernel is what this system tells. It holds nothing.
type kernel struct{}

func (kernel) open()  {}
func (kernel) close() {}

func (kernel) sample(u *Usage) {
	var created, exited, system, user windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &system, &user) != nil {
		return
	}
	u.CPU = ticks(system) + ticks(user)
	u.Known |= FactCPU
}

// ticks reads a length of time, which is in units of 100 ns. Filetime.Nanoseconds reads dates.
func ticks(f windows.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
