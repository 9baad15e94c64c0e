package machine

import (
	"cmp"
	"fmt"
	"math/bits"
	"strings"

	"github.com/loadrig/loadrig/internal/figures"
)

// mostAsked bounds the arithmetic of a number that somebody types.
const mostAsked = 1 << 40

// goal gives the connections that a limit is to be raised to: those asked for, or where the limit allows
// them a round number of at least twice what it allows.
func (b Bound) goal(n Need) int {
	if n.Connections > b.Fits {
		return int(min(int64(n.Connections), mostAsked, int64(1)<<(bits.UintSize-2)))
	}
	want := 2 * int64(max(1, b.Fits))
	for ten := int64(1); ; ten *= 10 {
		for _, digit := range []int64{1, 2, 5} {
			if digit*ten >= want {
				return int(min(digit*ten, int64(1)<<(bits.UintSize-2)))
			}
		}
	}
}

// target gives what a limit has to be for the goal.
func (b Bound) target() int64 { return int64(b.Raise.To)*b.Each + b.Used }

// ways gives the ways to raise b to its goal.
func (l Limits) ways(n Need, b Bound) []Remedy {
	switch b.Name {
	case OpenFiles:
		return l.moreFiles(b)
	case LocalPorts:
		return l.morePorts(n, b)
	case Memory:
		return []Remedy{{Note: size(int64(b.Raise.To)*b.Each) + " free: a larger machine, more for this container, or rigs on several machines"}}
	case TCPMemory:
		page := int64(max(1, l.PageSize))
		pages := (b.target() + page - 1) / page
		do := fmt.Sprintf(`sysctl -w net.ipv4.tcp_mem="%d %d %d"`, pages/2, pages*2/3, pages)
		return []Remedy{{Do: do, Note: "as root"}}
	case Conntrack:
		return []Remedy{
			{Do: fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=%d", b.target()), Note: "as root"},
			{Note: "a NOTRACK rule for the traffic to the server"},
		}
	default:
		return []Remedy{{Do: fmt.Sprintf("sysctl -w fs.file-max=%d", b.target()), Note: "as root"}}
	}
}

func (l Limits) moreFiles(b Bound) (ways []Remedy) {
	to := b.target()
	if l.FilesCeiling > 0 && to > int64(l.FilesCeiling) {
		ways = append(ways, Remedy{Do: fmt.Sprintf("sysctl -w fs.nr_open=%d", to), Note: "as root, first", First: true})
	}
	ways = append(ways, Remedy{Do: fmt.Sprintf("ulimit -n %d", to), Note: "as root, beforehand"})
	if l.OS == "linux" {
		ways = append(ways,
			Remedy{Do: fmt.Sprintf("LimitNOFILE=%d", to), Note: "of a systemd service"},
			Remedy{Do: fmt.Sprintf("docker run --ulimit nofile=%d:%d", to, to), Note: "for a container"})
	}
	if rigs := b.Rigs(b.Raise.To); rigs > 1 {
		ways = append(ways, Remedy{
			Do:   fmt.Sprintf("%d × loadrig run -c %d", rigs, (b.Raise.To+rigs-1)/rigs),
			Note: figures.Count(l.Files) + " files each",
		})
	}
	return ways
}

// Rigs gives how many processes with this limit hold so many connections; 0 if no number does, or the limit
// is not each process's own.
func (b Bound) Rigs(connections int) int {
	if !b.PerProcess || b.Fits == 0 {
		return 0
	}
	return (connections + b.Fits - 1) / b.Fits
}

// widest is the widest range of ephemeral ports that leaves alone those of well-known services.
var widest = Limits{PortLow: 1024, PortHigh: 65535}

func (l Limits) morePorts(n Need, b Bound) (ways []Remedy) {
	servers, goal := max(1, len(n.Routes)), b.Raise.To
	// sources gives how many source addresses reach the goal with so many ports of a pair; 0 if none does.
	sources := func(ports int) int {
		if ports == 0 {
			return 0
		}
		return (goal + ports*servers - 1) / (ports * servers)
	}
	from := "of this machine"
	if n.AutoSources {
		from = "any of 127.0.0.0/8"
	}
	spread := func(sources int) Remedy {
		return Remedy{Do: fmt.Sprintf("--local-ips with %d addresses", sources), Note: from}
	}
	now, wide := n.portsEach(l.Ports()), n.portsEach(widest.Ports()-l.PortsReserved)
	if do := l.widen(); do != "" && wide > now {
		enough := wide*n.pairs() >= goal
		ways = append(ways, Remedy{Do: do, Note: l.admin(), First: !enough})
		if !enough {
			ways = append(ways, spread(sources(wide)))
		}
	}
	if k := sources(now); k > 0 {
		ways = append(ways, spread(k))
	}
	return ways
}

func (l Limits) admin() string {
	if l.OS == "windows" {
		return "as admin"
	}
	return "as root"
}

// widen gives the command for the widest range of ports.
func (l Limits) widen() string {
	switch l.OS {
	case "linux":
		return fmt.Sprintf(`sysctl -w net.ipv4.ip_local_port_range="%d %d"`, widest.PortLow, widest.PortHigh)
	case "darwin":
		return fmt.Sprintf("sysctl -w net.inet.ip.portrange.first=%d", widest.PortLow)
	case "windows":
		return fmt.Sprintf("netsh int ipv4 set dynamicport tcp start=%d num=%d", widest.PortLow+1, widest.Ports()-1)
	default:
		return ""
	}
}

// String gives all the ways in one line, without what else there is to know.
func (r Raise) String() string {
	var b strings.Builder
	for i, w := range r.Way {
		switch {
		case i == 0:
		case r.Way[i-1].First:
			b.WriteString(" and then ")
		default:
			b.WriteString(", or ")
		}
		b.WriteString(cmp.Or(w.Do, w.Note))
	}
	return b.String()
}
