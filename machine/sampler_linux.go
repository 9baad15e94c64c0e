package machine

import (
	"math"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of /proc/stat (USER_HZ), the same on all machines that Go runs on.
const tick = 10 * time.Millisecond

// kernel holds open what the kernel tells this process, so that a sample needs no new descriptor.
type kernel struct {
	statm, stat, pressure pseudo
	sockets, sockets6     pseudo
	descriptors           folder
	threads               threads
	groups                []cpuGroup
	throttled             throttle // Usage's Periods, ThrottledPeriods and Throttled
	ports                 int
	pid                   int
	pageSize              int
	set                   unix.CPUSet
	buf                   [4096]byte
}

func (k *kernel) open() { k.openIn("/") }

// openIn opens what is below another root.
func (k *kernel) openIn(dir string) {
	at := func(name string) string { return path.Join(dir, name) }
	k.pid, k.pageSize = os.Getpid(), os.Getpagesize()
	k.statm, k.stat = openPseudo(at("proc/self/statm")), openPseudo(at("proc/stat"))
	k.pressure = openPseudo(at("proc/pressure/cpu"))
	k.sockets, k.sockets6 = openPseudo(at("proc/net/sockstat")), openPseudo(at("proc/net/sockstat6"))
	k.descriptors = openFolder(at("proc/self/fd"))
	k.threads.open(at("proc/self/task"))
	k.openGroups(dir)
	var l Limits
	l.readFrom(dirRoot(dir))
	if l.PortHigh > 0 {
		k.ports = l.Ports()
	}
}

func (k *kernel) close() {
	for _, p := range []*pseudo{&k.statm, &k.stat, &k.pressure, &k.sockets, &k.sockets6, &k.descriptors.pseudo} {
		p.close()
	}
	k.threads.close()
	for i := range k.groups {
		k.groups[i].close()
	}
}

func (k *kernel) sample(u *Usage) {
	sampleProcess(u)
	var n [8]int64
	if figureList(k.statm.read(k.buf[:]), n[:2]) && n[1] <= math.MaxInt64/int64(k.pageSize) {
		u.Resident = n[1] * int64(k.pageSize)
		u.Known |= FactResident
	}
	if files, ok := k.descriptors.size(k.buf[:]); ok {
		u.Files = files
		u.Known |= FactFiles
	}
	if wait, alive, ok := k.threads.sample(k.buf[:]); ok {
		u.RunQueue, u.Threads = wait, alive
		u.Known |= FactRunQueue
	}
	// user nice system idle iowait irq softirq steal; what guests use is in user and nice already.
	if l, ok := line(k.stat.read(k.buf[:]), "cpu "); ok && figureList(l, n[:]) {
		busy, ok := total(n[0], n[1], n[2], n[5], n[6])
		if ok && max(busy, n[3], n[4], n[7]) <= math.MaxInt64/int64(tick) {
			u.HostBusy, u.HostIdle = time.Duration(busy)*tick, time.Duration(n[3])*tick
			u.HostIOWait, u.HostSteal = time.Duration(n[4])*tick, time.Duration(n[7])*tick
			u.Known |= FactHostCPU
		}
	}
	if l, ok := line(k.pressure.read(k.buf[:]), "some "); ok {
		if us, ok := named(l, "total="); ok && us <= math.MaxInt64/int64(time.Microsecond) {
			u.Pressure = time.Duration(us) * time.Microsecond
			u.Known |= FactPressure
		}
	}
	k.sampleSockets(u)
	k.sampleGroups(u)
}

// total adds counts, none of which is negative.
func total(counts ...int64) (sum int64, ok bool) {
	for _, n := range counts {
		if sum > math.MaxInt64-n {
			return 0, false
		}
		sum += n
	}
	return sum, true
}

func (k *kernel) sampleSockets(u *Usage) {
	if k.ports > 0 {
		u.Ports = k.ports
		u.Known |= FactPorts
	}
	l, ok := line(k.sockets.read(k.buf[:]), "TCP: ")
	if !ok {
		return
	}
	inUse, ok := named(l, "inuse")
	waiting, ok2 := named(l, "tw") // of both families
	if !ok || !ok2 {
		return
	}
	if l, ok := line(k.sockets6.read(k.buf[:]), "TCP6: "); ok { // absent where there is no IPv6
		if six, ok := named(l, "inuse"); ok {
			inUse = max(inUse, inUse+six)
		}
	}
	u.Sockets, u.TimeWait = int(min(inUse, math.MaxInt32)), int(min(waiting, math.MaxInt32))
	u.Known |= FactSockets
}

// affinity gives how many CPUs the first thread may run on. Not ok on a machine of more than 1,024.
func (k *kernel) affinity() (cpus float64, ok bool) {
	if unix.SchedGetaffinity(k.pid, &k.set) != nil {
		return 0, false
	}
	return float64(k.set.Count()), true
}

func dirRoot(dir string) root { return root{os.DirFS(dir)} }
