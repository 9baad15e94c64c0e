package machine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/loadrig/loadrig/internal/figures"
)

// Need is what connections need of a machine.
type Need struct {
	Connections int // how many are asked for; 0 if nobody has said
	Shards      int // event loops of the rig
	// Routes gives for each address of the server from how many source addresses it is reached. Each such
	// pair has all local ports for itself. Empty means one from one.
	Routes []int
	// AutoSources says that the rig picks the source addresses itself, as it does towards loopback.
	AutoSources bool
	Local       bool // the server is on this machine too
	TLS         bool
	Goroutines  bool // a goroutine for each connection, instead of an event loop for all
}

// The names of the limits. Those of OpenFiles and LocalPorts are exact: beyond them connections fail. The
// others are estimates.
const (
	OpenFiles    = "open files"
	LocalPorts   = "local ports"
	Memory       = "memory"
	TCPMemory    = "tcp memory"
	Conntrack    = "conntrack"
	MachineFiles = "machine files"
)

// Names gives the names of all limits, known here or not.
func Names() []string {
	return []string{OpenFiles, LocalPorts, Memory, TCPMemory, Conntrack, MachineFiles}
}

// Bound is one limit. Of Limit, Used are taken, and each connection takes Each; all are of one unit:
// files, ports, connections or bytes.
type Bound struct {
	Name              string
	Limit, Used, Each int64
	Fits              int    // connections it allows: (Limit - Used) / Each
	Exact             bool   // more fail for certain; else it is an estimate, or others use it up too
	PerProcess        bool   // each process has this limit for itself, so several rigs hold more
	Here              string // what it is now, for people: "20,000 a process, 68 of them the rig's own"
	Raise             Raise
}

// Raise says how to get a limit out of the way.
type Raise struct {
	To  int // connections; those asked for, or a round number if the limit allows these
	Way []Remedy
}

// Remedy is one way to raise a limit.
type Remedy struct {
	Do    string // to be typed or written down; empty if there is no such thing
	Note  string // where, or what else to know
	First bool   // it is only a step before the next one, not another way
}

// What one connection takes. Measured on Linux 6.18 with loadrig run, as the slope of resident memory
// between 1,000 and 18,000 ws players: 1.0 KiB idle and 1.4 KiB with traffic; of wss players, between 1,000 and
// 5,000 (go run ./bench -only tlsidle), 6.5 KiB idle; with a goroutine each 9 to 14 and 29 to 37 KiB; the
// embedded server 0.3 KiB. What is reckoned with has room for buffers that grow with traffic.
// The kernel's share is not the process's memory: 9.9 KiB of slab for both ends.
const (
	plainBytes     = 2 << 10
	tlsBytes       = 10 << 10
	goroutineBytes = 16 << 10 // on top
	kernelBytes    = 5 << 10  // of one end of a TCP connection
	bufferBytes    = 4 << 10  // of the kernel's TCP buffers under traffic: a page at each end
	shardFiles     = 2        // an epoll set and its eventfd
	ownFiles       = 64       // of a rig, for output, scrapes and name lookups; 12 were seen in use
	spareFiles     = 32       // left where more than that are in use already
)

// Fit gives every limit that is known, the one that binds first at the head. There is always at least
// one.
func (l Limits) Fit(n Need) []Bound {
	bounds := []Bound{l.ports(n)}
	if l.Files > 0 {
		bounds = append(bounds, l.files(n))
	}
	if l.MemoryAvailable > 0 {
		bounds = append(bounds, l.memory(n))
	}
	if l.TCPMemory > 0 {
		bounds = append(bounds, l.tcpMemory(n))
	}
	if l.Conntrack > 0 {
		bounds = append(bounds, Bound{
			Name: Conntrack, Limit: int64(l.Conntrack), Used: int64(l.ConntrackUsed), Each: 1,
			Here: fmt.Sprintf("the firewall tracks up to %s, now %s",
				figures.Count(l.Conntrack), figures.Count(l.ConntrackUsed)),
		})
	}
	if l.MachineFiles > 0 {
		bounds = append(bounds, l.machineFiles(n))
	}
	for i := range bounds {
		b := &bounds[i]
		b.Fits = int(max(0, b.Limit-b.Used) / b.Each)
		b.Raise.To = b.goal(n)
		b.Raise.Way = l.ways(n, *b)
	}
	slices.SortStableFunc(bounds, func(a, b Bound) int { return cmp.Compare(a.Fits, b.Fits) })
	return bounds
}

// files counts this process's descriptors. What a rig has open for itself differs a little from one moment
// to the next; it is a fixed number here, so that what was said to fit still does when the run begins.
func (l Limits) files(n Need) Bound {
	own := max(ownFiles, l.OpenFiles+spareFiles) + shardFiles*n.Shards
	return Bound{
		Name: OpenFiles, Limit: int64(l.Files), Used: int64(own), Each: 1, Exact: true, PerProcess: true,
		Here: fmt.Sprintf("%s a process, %d of them for the rig itself", figures.Count(l.Files), own),
	}
}

func (n Need) pairs() (pairs int) {
	for _, sources := range n.Routes {
		pairs += sources
	}
	return max(1, pairs)
}

// portsEach gives the ports of one pair out of that many. A server on this machine listens on a port that
// may be one of them, and then no source gets it.
func (n Need) portsEach(ports int) int {
	if n.Local {
		ports--
	}
	return max(0, ports)
}

func (l Limits) ports(n Need) Bound {
	each := n.portsEach(l.Ports())
	return Bound{
		Name: LocalPorts, Limit: int64(each) * int64(n.pairs()), Each: 1, Exact: true,
		Here: fmt.Sprintf("%s of %d-%d × %s", figures.Count(each), l.PortLow, l.PortHigh, n.routes()),
	}
}

// routes says what has the ports for itself.
func (n Need) routes() string {
	servers := max(1, len(n.Routes))
	if sources := n.pairs() / servers; servers == 1 || len(slices.Compact(slices.Clone(n.Routes))) == 1 {
		return plural(sources, "source") + " × " + plural(servers, "server")
	}
	return plural(n.pairs(), "source-server pair")
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return figures.Count(n) + " " + what
}

func (l Limits) memory(n Need) Bound {
	each := plainBytes + kernelBytes
	if n.TLS {
		each += tlsBytes - plainBytes
	}
	if n.Goroutines {
		each += goroutineBytes
	}
	ends := "a player"
	if n.Local {
		each += plainBytes + kernelBytes
		ends = "for both ends"
	}
	return Bound{
		Name: Memory, Limit: l.MemoryTotal, Used: l.MemoryTotal - l.MemoryAvailable, Each: int64(each),
		Here: fmt.Sprintf("%s free of %s, %d KiB %s",
			size(l.MemoryAvailable), size(l.MemoryTotal), each>>10, ends),
	}
}

func (l Limits) tcpMemory(n Need) Bound {
	each := bufferBytes * n.ends()
	return Bound{
		Name: TCPMemory, Limit: l.TCPMemory, Used: l.TCPMemoryUsed, Each: int64(each),
		Here: fmt.Sprintf("%s for socket buffers, %d KiB a player", size(l.TCPMemory), each>>10),
	}
}

func (l Limits) machineFiles(n Need) Bound {
	return Bound{
		Name: MachineFiles, Limit: int64(l.MachineFiles), Used: int64(l.MachineFilesUsed), Each: int64(n.ends()),
		Here: fmt.Sprintf("%s in all, %s in use, %d a player",
			figures.Count(l.MachineFiles), figures.Count(l.MachineFilesUsed), n.ends()),
	}
}

// ends gives how many ends of each connection are on this machine.
func (n Need) ends() int {
	if n.Local {
		return 2
	}
	return 1
}

func size(n int64) string { return figures.Size(uint64(max(0, n))) }
