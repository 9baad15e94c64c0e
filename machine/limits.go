package machine

import "runtime"

// Limits are what was read of this machine. What is not known, or has no limit here, is 0.
type Limits struct {
	OS string // runtime.GOOS: how limits are raised depends on it

	Files        int // descriptors that this process may have; Go raises the soft limit to the hard one
	OpenFiles    int // of them in use
	FilesCeiling int // the most that any process may be allowed (nr_open)

	MachineFiles     int // files that all processes together may have open (file-max)
	MachineFilesUsed int

	PortLow, PortHigh int // ephemeral ports, inclusive
	PortsReserved     int // of them, which the kernel gives to nobody

	TimeWait      int // sockets whose connection has ended and which hold its ports for a while
	ReuseTimeWait int // tcp_tw_reuse: 0 no, 1 yes, 2 on loopback

	MemoryTotal     int64 // bytes; a container's limit where it is less
	MemoryAvailable int64 // bytes of them that can be had without swapping

	TCPMemory     int64 // bytes that all TCP buffers of this machine may take (tcp_mem, third value)
	TCPMemoryUsed int64 // of them in use
	PageSize      int   // in which tcp_mem is set

	Conntrack     int // connections that the firewall's tracking can hold; 0 where it is not loaded
	ConntrackUsed int

	Somaxconn int // longest queue of connections that a server on this machine has not accepted yet

	Cores    int     // that Go may use at a time (GOMAXPROCS)
	CPUs     int     // that this process may run on
	CPUQuota float64 // cores' worth of time that a container may use; 0 for no quota

	ClockSource string   // of the kernel
	Clocks      []string // that it could use instead
}

// Read reads the limits as they are now.
func Read() Limits {
	l := Limits{
		OS: runtime.GOOS, Cores: runtime.GOMAXPROCS(0), CPUs: runtime.NumCPU(),
		PortLow: 49152, PortHigh: 65535, // RFC 6335
	}
	l.read()
	return l
}

// Ports gives the number of ephemeral ports. Each pair of a source and a destination has them for itself.
func (l Limits) Ports() int { return max(0, l.PortHigh-l.PortLow+1-l.PortsReserved) }
