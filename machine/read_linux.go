package machine

import (
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
)

func (l *Limits) read() {
	l.readFiles()
	l.PageSize = os.Getpagesize()
	l.readFrom(root{os.DirFS("/")})
}

// root is the file system in which the kernel tells about the machine.
type root struct{ fsys fs.FS }

// file reads a file of the kernel's; empty if it cannot be read. It gives fs.ReadFile the file system that can
// read a file at once: without, it would ask for a byte at a time, as these files have no size, and the
// files below /proc/sys end after the first read.
func (r root) file(name string) string {
	b, _ := fs.ReadFile(r.fsys, name)
	return string(b)
}

func (l *Limits) readFrom(r root) {
	const net = "proc/sys/net/"
	l.FilesCeiling = r.count("proc/sys/fs/nr_open")
	if f := r.fields("proc/sys/fs/file-nr"); len(f) == 3 { // in use, free, limit
		l.MachineFilesUsed, l.MachineFiles = count(f[0]), count(f[2])
	}
	if f := r.fields(net + "ipv4/ip_local_port_range"); len(f) == 2 {
		if lo, hi := count(f[0]), count(f[1]); lo > 0 && hi >= lo {
			l.PortLow, l.PortHigh = lo, hi
		}
	}
	l.PortsReserved = reserved(r.fields(net+"ipv4/ip_local_reserved_ports"), l.PortLow, l.PortHigh)
	l.readMemory(r)
	l.readTCP(r)
	l.CPUQuota = r.cpuQuota()
	l.ReuseTimeWait = r.count(net + "ipv4/tcp_tw_reuse")
	l.Conntrack = r.count(net + "netfilter/nf_conntrack_max")
	l.ConntrackUsed = r.count(net + "netfilter/nf_conntrack_count")
	l.Somaxconn = r.count(net + "core/somaxconn")
	const clock = "sys/devices/system/clocksource/clocksource0/"
	if f := r.fields(clock + "current_clocksource"); len(f) == 1 {
		l.ClockSource = f[0]
	}
	l.Clocks = r.fields(clock + "available_clocksource")
}

// reserved counts the ports of a list, as 8080,9000-9100, that are from lo to hi.
func reserved(list []string, lo, hi int) (n int) {
	if len(list) != 1 {
		return 0
	}
	for part := range strings.SplitSeq(list[0], ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, b := max(lo, count(first)), min(hi, count(last))
		n += max(0, b-a+1)
	}
	return n
}

func (l *Limits) readMemory(r root) {
	for name, value := range r.table("proc/meminfo") {
		switch name {
		case "MemTotal:":
			l.MemoryTotal = number(value) << 10
		case "MemAvailable:":
			l.MemoryAvailable = number(value) << 10
		}
	}
	if total, free, ok := r.groupMemory(); ok {
		l.MemoryTotal = min(l.MemoryTotal, total)
		l.MemoryAvailable = min(l.MemoryAvailable, free)
	}
}

// readTCP reads what TCP may take, which the kernel counts in pages, and what it has.
func (l *Limits) readTCP(r root) {
	page := int64(l.PageSize)
	if f := r.fields("proc/sys/net/ipv4/tcp_mem"); len(f) == 3 {
		l.TCPMemory = number(f[2]) * page
	}
	for line := range strings.Lines(r.file("proc/net/sockstat")) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TCP:" {
			continue
		}
		for i := 1; i+1 < len(f); i += 2 {
			switch f[i] {
			case "mem":
				l.TCPMemoryUsed = number(f[i+1]) * page
			case "tw":
				l.TimeWait = count(f[i+1])
			}
		}
	}
}

// fields reads a small file as words; none if it cannot be read.
func (r root) fields(name string) []string {
	return strings.Fields(r.file(name))
}

// table reads lines of a name and a value.
func (r root) table(name string) map[string]string {
	t := make(map[string]string)
	for line := range strings.Lines(r.file(name)) {
		if f := strings.Fields(line); len(f) >= 2 {
			t[f[0]] = f[1]
		}
	}
	return t
}

// number reads a file of one number; 0 if it is something else, such as max.
func (r root) number(name string) int64 {
	f := r.fields(name)
	if len(f) != 1 {
		return 0
	}
	return number(f[0])
}

func (r root) count(name string) int {
	f := r.fields(name)
	if len(f) != 1 {
		return 0
	}
	return count(f[0])
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// count reads a number of things; one so large that it is no limit is 0, as one that is none.
func count(s string) int {
	n := number(s)
	if n >= math.MaxInt32 {
		return 0
	}
	return int(n)
}
