package transport

import (
	"fmt"
	"os"
)

const (
	defaultEngine   = EngineEpoll
	loopbackSources = allLoopback
	abstractSockets = true
	maxUnixPath     = 107 // sun_path less its end
)

// ephemeralPorts gives the range the kernel takes local ports from.
func ephemeralPorts() (lo, hi int) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 32768, 60999
	}
	if _, err := fmt.Sscan(string(b), &lo, &hi); err != nil || lo < 1 || hi < lo {
		return 32768, 60999
	}
	return lo, hi
}
