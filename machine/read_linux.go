package machine

import (
	"os"
	"strconv"
	"strings"
)

func (l *Limits) read() {
	l.readFiles()
	if lo, hi := pair(field("/proc/sys/net/ipv4/ip_local_port_range")); lo > 0 && hi >= lo {
		l.PortLow, l.PortHigh = int(lo), int(hi)
	}
	l.readMemory()
	l.readTCP()
	l.Conntrack = int(number("/proc/sys/net/netfilter/nf_conntrack_max"))
	l.ConntrackUsed = int(number("/proc/sys/net/netfilter/nf_conntrack_count"))
	l.Somaxconn = int(number("/proc/sys/net/core/somaxconn"))
	if b := field("/sys/devices/system/clocksource/clocksource0/current_clocksource"); len(b) == 1 {
		l.ClockSource = b[0]
	}
}

func (l *Limits) readMemory() {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			l.MemoryTotal = kib << 10
		case "MemAvailable:":
			l.MemoryAvailable = kib << 10
		}
	}
	// A container may have less than its host; "max" reads as 0, no limit.
	if limit := number("/sys/fs/cgroup/memory.max"); limit > 0 {
		free := max(0, limit-number("/sys/fs/cgroup/memory.current"))
		l.MemoryTotal = min(l.MemoryTotal, limit)
		l.MemoryAvailable = min(l.MemoryAvailable, free)
	}
}

// readTCP reads what TCP may take, which the kernel counts in pages.
func (l *Limits) readTCP() {
	page := int64(os.Getpagesize())
	if f := field("/proc/sys/net/ipv4/tcp_mem"); len(f) == 3 {
		n, _ := strconv.ParseInt(f[2], 10, 64)
		l.TCPMemory = n * page
	}
	b, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "TCP:" {
			for i := 1; i+1 < len(f); i += 2 {
				if f[i] == "mem" {
					n, _ := strconv.ParseInt(f[i+1], 10, 64)
					l.TCPMemoryUsed = n * page
				}
			}
		}
	}
}

// field reads a small file as words; none if it cannot be read.
func field(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

func number(path string) int64 {
	f := field(path)
	if len(f) != 1 {
		return 0
	}
	n, _ := strconv.ParseInt(f[0], 10, 64)
	return n
}

func pair(f []string) (a, b int64) {
	if len(f) != 2 {
		return 0, 0
	}
	a, _ = strconv.ParseInt(f[0], 10, 64)
	b, _ = strconv.ParseInt(f[1], 10, 64)
	return a, b
}
