package machine

import "testing"

func TestNotes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Limits)
		need   Need
		note   string
		want   string
		warn   bool
	}{
		{"cores", func(*Limits) {}, Need{Shards: 2}, "cores", "2 cores for 2 event loops", false},
		{"one core, shared", func(l *Limits) { l.Cores, l.CPUs = 1, 1 }, Need{Shards: 1, Local: true}, "cores",
			"1 core for 1 event loop, shared with the server", false},
		{"some cores", func(l *Limits) { l.CPUs = 8 }, Need{Shards: 2}, "cores", "2 cores of 8 (GOMAXPROCS) for 2 event loops", false},
		{"more loops than cores", func(*Limits) {}, Need{Shards: 3}, "cores",
			"2 cores for 3 event loops; loops that share a core make each other late: --shards 2", true},
		{"a quota that is enough", func(l *Limits) { l.CPUQuota = 2 }, Need{Shards: 2}, "cores",
			"2 cores for 2 event loops; a quota of 2 cores", false},
		{"a quota that is not", func(l *Limits) { l.CPUQuota = 1.5 }, Need{Shards: 2}, "cores",
			"2 cores for 2 event loops; a quota of 1.5 cores, beyond which the kernel stops the rig for part of each period, " +
				"and it is late: --shards 1, or a quota of 2", true},
		{"a quota of less than one core", func(l *Limits) { l.CPUQuota = 0.25 }, Need{Shards: 1}, "cores",
			"2 cores for 1 event loop; a quota of 0.25 cores, beyond which the kernel stops the rig for part of each period, " +
				"and it is late: --shards 1, or a quota of 1", true},

		{"a quick clock", func(*Limits) {}, Need{}, "clock", "tsc, which is read without a system call", false},
		{"a clock nobody knows", func(l *Limits) { l.ClockSource = "sundial" }, Need{}, "clock", "sundial", false},
		{"no clock known", func(l *Limits) { l.ClockSource = "" }, Need{}, "clock", "", false},
		{"a slow clock", func(l *Limits) { l.ClockSource, l.Clocks = "hpet", []string{"hpet", "tsc"} }, Need{}, "clock",
			"hpet, which is slow: a time stamp takes a microsecond or more, and each message takes several; " +
				"echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource", true},
		{"only slow clocks", func(l *Limits) { l.ClockSource, l.Clocks = "acpi_pm", []string{"hpet", "acpi_pm"} }, Need{}, "clock",
			"acpi_pm, which is slow: a time stamp takes a microsecond or more, and each message takes several; " +
				"the kernel offers nothing quick here (hpet, acpi_pm)", true},

		{"few files, so never many ports", func(l *Limits) { l.Files = 14116 }, Need{}, "connecting", "", false},
		{"half of 28,232 ports", func(*Limits) {}, Need{}, "connecting",
			"quick up to 14,116 players, half of the ports; each more takes some 40 times as long; more --local-ips keep it quick", false},
		{"more than half", func(*Limits) {}, Need{Connections: 14117}, "connecting",
			"quick up to 14,116 players, half of the ports; each more takes some 40 times as long; more --local-ips keep it quick", true},
		{"half of twice as many", func(*Limits) {}, Need{Connections: 14117, Routes: []int{2}}, "connecting", "", false},

		{"no old connections", func(*Limits) {}, Need{}, "TIME_WAIT", "", false},
		{"a few old connections", func(l *Limits) { l.TimeWait, l.ReuseTimeWait = 1200, 1 }, Need{}, "TIME_WAIT",
			"1,200 ended connections hold their ports for a minute; new ones may take them (tcp_tw_reuse=1)", false},
		{"on loopback", func(l *Limits) { l.TimeWait, l.ReuseTimeWait = 1200, 2 }, Need{}, "TIME_WAIT",
			"1,200 ended connections hold their ports for a minute; new ones on loopback may take them (tcp_tw_reuse=2)", false},
		{"more than half of the ports", func(l *Limits) { l.TimeWait = 14117 }, Need{}, "TIME_WAIT",
			"14,117 ended connections hold their ports for a minute; new ones may not take them (tcp_tw_reuse=0)", true},

		{"the server is elsewhere", func(*Limits) {}, Need{}, "accepting", "", false},
		{"a long queue", func(*Limits) {}, Need{Local: true}, "accepting",
			"a server here takes bursts of up to 4,096 connections (somaxconn)", false},
		{"a short queue", func(l *Limits) { l.Somaxconn = 128 }, Need{Local: true}, "accepting",
			"a server here takes bursts of up to 128 connections (somaxconn); the rig opens 256 at a time, " +
				"and who finds no room tries again after a second: sysctl -w net.core.somaxconn=4096", true},
	} {
		l := ordinary()
		c.change(&l)
		var got Note
		for _, n := range l.Notes(c.need) {
			if n.Name == c.note {
				got = n
			}
		}
		if got.Text != c.want || got.Warn != c.warn {
			t.Errorf("%s: got %q, warning %v, want %q, %v", c.name, got.Text, got.Warn, c.want, c.warn)
		}
	}
}
