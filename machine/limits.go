package machine

import "runtime"

// Limits are what was read of this machine. What is not known, or has no limit here, is 0.
type Limits struct {
	Files     int // descriptors that this process may have; Go raises the soft limit to the hard one
	OpenFiles int // of them in use

	PortLow, PortHigh int // ephemeral ports, inclusive

	MemoryTotal     int64 // bytes
	MemoryAvailable int64 // bytes, what can be had without swapping; a container's limit where it is less

	TCPMemory     int64 // bytes that all TCP buffers of this machine may take (tcp_mem, third value)
	TCPMemoryUsed int64 // of them in use

	Conntrack     int // connections that the firewall's tracking can hold; 0 where it is not loaded
	ConntrackUsed int

	Somaxconn int // longest queue of connections that a server on this machine has not accepted yet

	Cores       int    // that Go may use
	ClockSource string // of the kernel
}

// Read reads the limits as they are now.
func Read() Limits {
	l := Limits{Cores: runtime.GOMAXPROCS(0), PortLow: 49152, PortHigh: 65535} // RFC 6335
	l.read()
	return l
}

// Ports gives the number of ephemeral ports.
func (l Limits) Ports() int { return l.PortHigh - l.PortLow + 1 }
