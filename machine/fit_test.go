package machine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ordinary is a machine with the defaults of a Linux distribution and 20,000 descriptors a process.
func ordinary() Limits {
	return Limits{
		OS: "linux", Files: 20000, OpenFiles: 10, FilesCeiling: 1 << 20,
		PortLow: 32768, PortHigh: 60999,
		MemoryTotal: 8 << 30, MemoryAvailable: 7 << 30, TCPMemory: 1 << 30, PageSize: 4096,
		Somaxconn: 4096, Cores: 2, CPUs: 2, ClockSource: "tsc",
	}
}

func TestFit(t *testing.T) {
	const noFiles = 0
	for _, c := range []struct {
		name   string
		change func(*Limits)
		need   Need
		binds  string
		fits   int
	}{
		{"files", func(*Limits) {}, Need{Shards: 2}, OpenFiles, 20000 - 64 - 2*2},
		{"files, few in use", func(l *Limits) { l.OpenFiles = 32 }, Need{Shards: 2}, OpenFiles, 20000 - 64 - 2*2},
		{"files, many in use", func(l *Limits) { l.OpenFiles = 40 }, Need{Shards: 2}, OpenFiles, 20000 - (40 + 32) - 2*2},
		{"files, none left", func(l *Limits) { l.OpenFiles = 20000 }, Need{}, OpenFiles, 0},
		{"ports of one pair", func(l *Limits) { l.Files = noFiles }, Need{}, LocalPorts, 28232},
		{"ports, 232 of them reserved", func(l *Limits) { l.Files, l.PortsReserved = noFiles, 232 }, Need{}, LocalPorts, 28000},
		{"ports of three sources", func(l *Limits) { l.Files = noFiles }, Need{Routes: []int{3}}, LocalPorts, 3 * 28232},
		{"ports of two servers", func(l *Limits) { l.Files = noFiles }, Need{Routes: []int{1, 1}}, LocalPorts, 2 * 28232},
		{"ports of two servers, one from nine sources", func(l *Limits) { l.Files, l.TCPMemory, l.MemoryAvailable = noFiles, 0, 0 },
			Need{Routes: []int{9, 1}}, LocalPorts, (9 + 1) * 28232},
		{"ports, one of them the server's", func(l *Limits) { l.Files = noFiles }, Need{Local: true, Routes: []int{2}}, LocalPorts, 2 * 28231},
		{"tcp memory", func(l *Limits) { l.Files = noFiles }, Need{Routes: []int{100}}, TCPMemory, 1 << 30 / 4096},
		{"tcp memory, part of it in use", func(l *Limits) { l.Files, l.TCPMemoryUsed = noFiles, 1<<29 }, Need{Routes: []int{100}}, TCPMemory, 1 << 29 / 4096},
		{"tcp memory, both ends", func(l *Limits) { l.Files = noFiles }, Need{Routes: []int{100}, Local: true}, TCPMemory, 1 << 30 / 8192},
		{"memory", func(l *Limits) { l.Files, l.MemoryAvailable = noFiles, 70<<20 }, Need{}, Memory, 70 << 20 / ((2 + 5) << 10)},
		{"memory, both ends", func(l *Limits) { l.Files, l.MemoryAvailable = noFiles, 70<<20 }, Need{Local: true}, Memory, 70 << 20 / (2 * (2 + 5) << 10)},
		{"memory of wss", func(l *Limits) { l.Files, l.MemoryAvailable = noFiles, 210<<20 }, Need{TLS: true}, Memory, 210 << 20 / ((10 + 5) << 10)},
		{"memory of goroutines", func(l *Limits) { l.Files, l.MemoryAvailable = noFiles, 230<<20 }, Need{Goroutines: true}, Memory, 230 << 20 / ((2 + 16 + 5) << 10)},
		{"conntrack", func(l *Limits) { l.Conntrack, l.ConntrackUsed = 1000, 100 }, Need{}, Conntrack, 900},
		{"files of all", func(l *Limits) { l.MachineFiles, l.MachineFilesUsed = 10000, 500 }, Need{}, MachineFiles, 9500},
		{"files of all, both ends", func(l *Limits) { l.MachineFiles, l.MachineFilesUsed = 10000, 500 }, Need{Local: true}, MachineFiles, 9500 / 2},
		{"more in use than there are", func(l *Limits) { l.Conntrack, l.ConntrackUsed = 1000, 1001 }, Need{}, Conntrack, 0},
		{"nothing known", func(l *Limits) { *l = Limits{PortLow: 49152, PortHigh: 65535} }, Need{}, LocalPorts, 16384},
	} {
		l := ordinary()
		c.change(&l)
		bounds := l.Fit(c.need)
		if bounds[0].Name != c.binds || bounds[0].Fits != c.fits {
			t.Errorf("%s: got %s with %d, want %s with %d", c.name, bounds[0].Name, bounds[0].Fits, c.binds, c.fits)
		}
		if !slices.IsSortedFunc(bounds, func(a, b Bound) int { return a.Fits - b.Fits }) {
			t.Errorf("%s: got %v, want the one that binds first at the head", c.name, bounds)
		}
		for _, b := range bounds {
			if b.Here == "" || len(b.Raise.Way) == 0 || b.Raise.String() == "" {
				t.Errorf("%s: %s does not say what it is or how to raise it", c.name, b.Name)
			}
			if exact := b.Name == OpenFiles || b.Name == LocalPorts; b.Exact != exact {
				t.Errorf("%s: %s: got exact %v, want %v", c.name, b.Name, b.Exact, exact)
			}
		}
	}
}

func TestHere(t *testing.T) {
	l := ordinary()
	l.Conntrack, l.ConntrackUsed, l.MachineFiles, l.MachineFilesUsed = 262144, 12, 2466170, 1094
	for name, want := range map[string]string{
		OpenFiles:    "20,000 a process, 68 of them for the rig itself",
		LocalPorts:   "28,231 of 32768-60999 × 9 sources × 1 server",
		Memory:       "7.0 GiB free of 8.0 GiB, 14 KiB for both ends",
		TCPMemory:    "1.0 GiB for socket buffers, 8 KiB a player",
		Conntrack:    "the firewall tracks up to 262,144, now 12",
		MachineFiles: "2,466,170 in all, 1,094 in use, 2 a player",
	} {
		if got := bound(t, l, Need{Shards: 2, Local: true, Routes: []int{9}}, name).Here; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, c := range []struct {
		routes []int
		want   string
	}{
		{nil, "28,232 of 32768-60999 × 1 source × 1 server"},
		{[]int{3, 3}, "28,232 of 32768-60999 × 3 sources × 2 servers"},
		{[]int{9, 1}, "28,232 of 32768-60999 × 10 source-server pairs"},
	} {
		if got := bound(t, l, Need{Routes: c.routes}, LocalPorts).Here; got != c.want {
			t.Errorf("%v: got %s, want %s", c.routes, got, c.want)
		}
	}
}

func bound(t *testing.T, l Limits, n Need, name string) Bound {
	t.Helper()
	for _, b := range l.Fit(n) {
		if b.Name == name {
			return b
		}
	}
	t.Fatalf("there is no bound %s", name)
	return Bound{}
}

// TestArithmetic: whatever the machine is, a bound is its own formula, and one more does not fit.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int { return rapid.IntRange(0, 1<<31-1).Draw(t, name) }
		l := Limits{
			OS:    rapid.SampledFrom([]string{"linux", "darwin", "windows", "plan9"}).Draw(t, "os"),
			Files: n("files"), OpenFiles: n("open"), FilesCeiling: n("ceiling"), MachineFiles: n("all"), MachineFilesUsed: n("used"),
			PortLow: rapid.IntRange(1, 65535).Draw(t, "low"), PortHigh: rapid.IntRange(1, 65535).Draw(t, "high"),
			MemoryTotal: int64(n("total")) << 10, MemoryAvailable: int64(n("available")) << 10,
			TCPMemory: int64(n("tcp")) << 10, TCPMemoryUsed: int64(n("tcp used")) << 10, PageSize: rapid.SampledFrom([]int{0, 4096}).Draw(t, "page"),
			Conntrack: n("tracked"), ConntrackUsed: n("tracked now"),
		}
		need := Need{
			Connections: rapid.Int().Draw(t, "asked"), Shards: rapid.IntRange(1, 1023).Draw(t, "shards"),
			Routes: rapid.SliceOfN(rapid.IntRange(1, 9), 0, 9).Draw(t, "routes"),
			Local:  rapid.Bool().Draw(t, "local"), TLS: rapid.Bool().Draw(t, "tls"), Goroutines: rapid.Bool().Draw(t, "goroutines"),
		}
		for _, b := range l.Fit(need) {
			free := max(0, b.Limit-b.Used)
			if int64(b.Fits)*b.Each > free || int64(b.Fits+1)*b.Each <= free {
				t.Errorf("%s: got %d of %d each in %d", b.Name, b.Fits, b.Each, free)
			}
			if b.Raise.To <= b.Fits || b.target() <= b.Limit {
				t.Errorf("%s: got %d players with %d, want more than the %d with %d that there are", b.Name, b.Raise.To, b.target(), b.Fits, b.Limit)
			}
		}
		if len(l.Notes(need)) == 0 {
			t.Error("got no notes, want the cores")
		}
	})
}
