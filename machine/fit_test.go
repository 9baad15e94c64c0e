package machine

import (
	"runtime"
	"testing"
)

func TestFit(t *testing.T) {
	l := Limits{
		Files: 20000, OpenFiles: 10, PortLow: 32768, PortHigh: 60999,
		MemoryTotal: 8 << 30, MemoryAvailable: 7 << 30, TCPMemory: 1 << 30,
	}
	for _, c := range []struct {
		name   string
		change func(*Limits)
		need   Need
		binds  string
		fits   int
	}{
		{"files", func(*Limits) {}, Need{Shards: 2}, "open files", 20000 - 10 - 2*2 - 32},
		{"ports of one source", func(l *Limits) { l.Files = 0 }, Need{}, "local ports", 28232},
		{"ports of three sources", func(l *Limits) { l.Files = 0 }, Need{Sources: 3}, "local ports", 3 * 28232},
		{"ports of two servers", func(l *Limits) { l.Files = 0 }, Need{Servers: 2}, "local ports", 2 * 28232},
		{"tcp memory", func(l *Limits) { l.Files = 0 }, Need{Sources: 100}, "tcp memory", 1 << 30 / 4096},
		{"tcp memory, both ends", func(l *Limits) { l.Files = 0 }, Need{Sources: 100, Local: true}, "tcp memory", 1 << 30 / 8192},
		{"memory", func(l *Limits) { l.Files, l.MemoryAvailable = 0, 70<<20 }, Need{}, "memory", 70 << 20 / (7 << 10)},
		{"memory of wss", func(l *Limits) { l.Files, l.MemoryAvailable = 0, 170<<20 }, Need{TLS: true}, "memory", 170 << 20 / (17 << 10)},
		{"conntrack", func(l *Limits) { l.Conntrack, l.ConntrackUsed = 1000, 100 }, Need{}, "conntrack", 900},
		{"nothing left", func(l *Limits) { l.OpenFiles = 20000 }, Need{}, "open files", 0},
	} {
		limits := l
		c.change(&limits)
		bounds := limits.Fit(c.need)
		if bounds[0].Name != c.binds || bounds[0].Fits != c.fits {
			t.Errorf("%s: got %s with %d, want %s with %d", c.name, bounds[0].Name, bounds[0].Fits, c.binds, c.fits)
		}
		for _, b := range bounds {
			if b.Here == "" || b.Remedy == "" {
				t.Errorf("%s: %s does not say what it is or how to raise it", c.name, b.Name)
			}
		}
	}
}

// TestRead: whatever machine this is, it has ports and cores, and a process has files open.
func TestRead(t *testing.T) {
	l := Read()
	if l.Cores < 1 || l.Ports() < 1 {
		t.Errorf("got %+v", l)
	}
	if runtime.GOOS == "linux" && (l.OpenFiles < 3 || l.MemoryAvailable < 1<<20 || l.MemoryTotal < l.MemoryAvailable || l.TCPMemory == 0 || l.Somaxconn == 0) {
		t.Errorf("got %+v", l)
	}
}
