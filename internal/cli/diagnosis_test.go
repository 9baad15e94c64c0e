package cli

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/rig"
)

var update = flag.Bool("update", false, "write the golden files")

// small has the defaults of a Linux distribution and 20,000 descriptors a process.
var small = machine.Limits{
	OS: "linux", Files: 20000, OpenFiles: 12, FilesCeiling: 1 << 20, MachineFiles: 2466170, MachineFilesUsed: 1094,
	PortLow: 32768, PortHigh: 60999, MemoryTotal: 8 << 30, MemoryAvailable: 7 << 30,
	TCPMemory: 2 << 30, TCPMemoryUsed: 1 << 20, PageSize: 4096, Somaxconn: 4096,
	Cores: 2, CPUs: 2, ClockSource: "tsc", Clocks: []string{"tsc", "kvm-clock"},
}

// poor is a container with little, on a machine that has seen better days.
var poor = machine.Limits{
	OS: "linux", Files: 1024, OpenFiles: 40, FilesCeiling: 4096, PortLow: 32768, PortHigh: 36863, TimeWait: 3000, ReuseTimeWait: 2,
	MemoryTotal: 64 << 20, MemoryAvailable: 9 << 20, TCPMemory: 64 << 20, PageSize: 4096, Conntrack: 16384, ConntrackUsed: 15000,
	Somaxconn: 128, Cores: 4, CPUs: 8, CPUQuota: 1.5, ClockSource: "hpet", Clocks: []string{"hpet", "acpi_pm"},
}

// bare is all that is known of a Windows machine.
var bare = machine.Limits{OS: "windows", PortLow: 49152, PortHigh: 65535, Cores: 8, CPUs: 8}

func diagnose(l machine.Limits, n machine.Need, url string, servers ...string) diagnosis {
	d := diagnosis{Room: rig.Room{Limits: l, Need: n, Bounds: l.Fit(n)}, url: url}
	for _, s := range servers {
		d.Servers = append(d.Servers, netip.MustParseAddr(s))
	}
	return d
}

func embedded(l machine.Limits, asked int) diagnosis {
	n := machine.Need{Connections: asked, Shards: l.Cores, Routes: []int{9}, AutoSources: true, Local: true}
	return diagnose(l, n, "", "127.0.0.1")
}

// TestDiagnosis holds the text to golden files. The figures in them can be checked by hand: see the tables
// in package machine.
func TestDiagnosis(t *testing.T) {
	remote := machine.Need{Connections: 1000, Shards: 2, Routes: []int{1, 1, 1}, TLS: true}
	many := machine.Need{Connections: 50000, Shards: 2, Routes: []int{2, 2, 2, 2, 2, 1}}
	for name, d := range map[string]diagnosis{
		"embedded.txt":   embedded(small, 0),
		"too-many.txt":   embedded(small, 100000),
		"far-beyond.txt": embedded(small, 30_000_000),
		"poor.txt":       embedded(poor, 700),
		"bare.txt":       embedded(bare, 0),
		"remote.txt":     diagnose(small, remote, "wss://game.example/socket", "192.0.2.1", "192.0.2.2", "192.0.2.3"),
		"literal.txt":    diagnose(small, machine.Need{Shards: 1, Routes: []int{1}}, "ws://192.0.2.1/", "192.0.2.1"),
		"many.txt": diagnose(small, many, "ws://game.example/", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5",
			"2001:db8::1"),
		"local.txt":     diagnose(small, machine.Need{Connections: 10, Shards: 2, Routes: []int{9, 1}, Local: true, AutoSources: true}, "ws://localhost/", "127.0.0.1", "::1"),
		"embedded.json": embedded(small, 0),
		"too-many.json": embedded(small, 100000),
	} {
		var b bytes.Buffer
		write := d.writeText
		if filepath.Ext(name) == ".json" {
			write = d.writeJSON
		}
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "doctor", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s (-want +got; -update writes it):\n%s", name, d)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns && filepath.Ext(name) == ".txt" {
				t.Errorf("%s: got %d columns, want at most %d: %s", name, n, columns, line)
			}
		}
	}
}

// TestVerdict: what run would refuse does not fit; what only an estimate is against may not fit; both are a
// failure of the check.
func TestVerdict(t *testing.T) {
	tight := small
	tight.MemoryAvailable = 14 << 20 // for 1,024 players of 14 KiB
	for _, c := range []struct {
		l       machine.Limits
		asked   int
		fits    bool
		refused bool
		want    string
	}{
		{small, 0, true, false, "19,932 players fit; open files bind first"},
		{small, 19932, true, false, "FITS   19,932 players; 19,932 do, then open files bind"},
		{small, 19933, false, true, "DOES NOT FIT   19,933 players; 19,932 do, and open files bind first"},
		{tight, 0, true, false, "about 1,020 players fit; memory binds first"},
		{tight, 1024, true, false, "FITS   1,024 players; about 1,020 do, then memory binds"},
		{tight, 1025, false, false, "MAY NOT FIT   1,025 players; about 1,020 do, and memory binds first"},
		{tight, 20000, false, true, "DOES NOT FIT   20,000 players; about 1,020 do, and memory binds first"},
	} {
		d := embedded(c.l, c.asked)
		if d.fits() != c.fits || (d.Refuse() != nil) != c.refused || d.headline() != c.want {
			t.Errorf("%d: got fits %v, refused %v, %q, want %v, %v, %q", c.asked, d.fits(), d.Refuse(), d.headline(), c.fits, c.refused, c.want)
		}
	}
}

func TestRow(t *testing.T) {
	var b strings.Builder
	row(&b, "  name  ", "")
	row(&b, "  × ", strings.Repeat("x", 90)+" y")
	if got, want := b.String(), "  name  \n  × "+strings.Repeat("x", 90)+"\n    y\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
