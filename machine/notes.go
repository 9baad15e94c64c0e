package machine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/internal/figures"
)

// Note is a fact that limits no number of players but matters to how well they are served or measured.
type Note struct {
	Name string
	Text string // what it is, and where Warn is set also what to do about it
	Warn bool   // it spoils figures, or will
}

// Notes gives what there is to know of this machine besides its limits.
func (l Limits) Notes(n Need) []Note {
	notes := []Note{l.cores(n)}
	add := func(note Note) {
		if note.Text != "" {
			notes = append(notes, note)
		}
	}
	add(l.clock())
	add(l.connecting(n))
	add(l.timeWait(n))
	add(l.accepting(n))
	return notes
}

func (l Limits) cores(n Need) Note {
	note := Note{Name: "cores"}
	note.Text = plural(l.Cores, "core")
	if l.CPUs > l.Cores {
		note.Text += fmt.Sprintf(" of %d (GOMAXPROCS)", l.CPUs)
	}
	note.Text += " for " + plural(n.Shards, "event loop")
	if n.Local {
		note.Text += ", shared with the server"
	}
	if l.CPUQuota > 0 {
		note.Text += fmt.Sprintf("; a quota of %.4g cores", l.CPUQuota)
	}
	switch {
	case l.CPUQuota > 0 && float64(n.Shards) > l.CPUQuota:
		note.Warn = true
		note.Text += fmt.Sprintf(", beyond which the kernel stops the rig for part of each period, and it is late: --shards %d, or a quota of %d",
			max(1, int(l.CPUQuota)), n.Shards)
	case n.Shards > l.Cores:
		note.Warn = true
		note.Text += fmt.Sprintf("; loops that share a core make each other late: --shards %d", l.Cores)
	}
	return note
}

// quickClocks are read without a system call.
var quickClocks = []string{"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}

// slowClocks are read from a device, or are coarse.
var slowClocks = []string{"hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"}

func (l Limits) clock() Note {
	note := Note{Name: "clock"}
	switch c := l.ClockSource; {
	case c == "":
	case slices.Contains(quickClocks, c):
		note.Text = c + ", which is read without a system call"
	case slices.Contains(slowClocks, c):
		note.Warn = true
		note.Text = c + ", which is slow: a time stamp takes a microsecond or more, and each message takes several; "
		if i := slices.IndexFunc(l.Clocks, func(c string) bool { return slices.Contains(quickClocks, c) }); i >= 0 {
			note.Text += fmt.Sprintf("echo %s > /sys/devices/system/clocksource/clocksource0/current_clocksource", l.Clocks[i])
		} else {
			note.Text += "the kernel offers nothing quick here"
			if len(l.Clocks) > 0 {
				note.Text += " (" + strings.Join(l.Clocks, ", ") + ")"
			}
		}
	default:
		note.Text = c
	}
	return note
}

// connecting says where connecting turns slow: the kernel finds a free port quickly while half of them are
// free, and then takes some 40 times as long.
func (l Limits) connecting(n Need) Note {
	ports := l.ports(n)
	quick := int(ports.Limit / 2)
	if l.OS != "linux" || (l.Files > 0 && n.Connections <= quick && l.Files <= quick) {
		return Note{}
	}
	return Note{
		Name: "connecting", Warn: n.Connections > quick,
		Text: fmt.Sprintf("quick up to %s players, half of the ports; each more takes some 40 times as long; more --local-ips keep it quick",
			figures.Count(quick)),
	}
}

func (l Limits) timeWait(n Need) Note {
	if l.TimeWait == 0 {
		return Note{}
	}
	reuse := map[int]string{0: "new ones may not", 1: "new ones may", 2: "new ones on loopback may"}[l.ReuseTimeWait]
	return Note{
		Name: "TIME_WAIT", Warn: int64(l.TimeWait) > l.ports(n).Limit/2,
		Text: fmt.Sprintf("%s ended connections hold their ports for a minute; %s take them (tcp_tw_reuse=%d)",
			figures.Count(l.TimeWait), reuse, l.ReuseTimeWait),
	}
}

// burst is how many players connect at a time unless a rate is set.
const burst = 256

func (l Limits) accepting(n Need) Note {
	if !n.Local || l.Somaxconn == 0 {
		return Note{}
	}
	note := Note{Name: "accepting"}
	note.Text = fmt.Sprintf("a server here takes bursts of up to %s connections (somaxconn)", figures.Count(l.Somaxconn))
	if l.Somaxconn < burst {
		note.Warn = true
		note.Text += fmt.Sprintf("; the rig opens %d at a time, and who finds no room tries again after a second: ", burst) +
			"sysctl -w net.core.somaxconn=4096"
	}
	return note
}
