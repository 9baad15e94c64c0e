package machine

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestReadKernel: what the kernel says in a file of its own is read as a whole. Files below /proc/sys end
// after the first read, however short that is.
func TestReadKernel(t *testing.T) {
	l := Read()
	if l.OpenFiles < 3 || l.MemoryAvailable < 1<<20 || l.MemoryTotal < l.MemoryAvailable || l.TCPMemory == 0 || l.ClockSource == "" {
		t.Errorf("got %+v", l)
	}
	for name, got := range map[string]int{"net/core/somaxconn": l.Somaxconn, "fs/nr_open": l.FilesCeiling} {
		b, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(b)); strconv.Itoa(got) != want {
			t.Errorf("%s: got %d, want %s", name, got, want)
		}
	}
}

// tree makes a file system of files and their contents.
func tree(files map[string]string) root {
	m := make(fstest.MapFS)
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root{m}
}

func TestReadFrom(t *testing.T) {
	got := Limits{PageSize: 4096, PortLow: 49152, PortHigh: 65535}
	got.readFrom(tree(map[string]string{
		"proc/sys/fs/nr_open":                                               "1048576\n",
		"proc/sys/fs/file-nr":                                               "449\t0\t2466170\n",
		"proc/sys/net/ipv4/ip_local_port_range":                             "32768\t60999\n",
		"proc/sys/net/ipv4/ip_local_reserved_ports":                         "8080,40000-40099,60999\n", // 101 of them in the range
		"proc/sys/net/ipv4/tcp_mem":                                         "287898\t383867\t575796\n",
		"proc/sys/net/ipv4/tcp_tw_reuse":                                    "2\n",
		"proc/sys/net/core/somaxconn":                                       "4096\n",
		"proc/sys/net/netfilter/nf_conntrack_max":                           "262144\n",
		"proc/sys/net/netfilter/nf_conntrack_count":                         "17\n",
		"proc/net/sockstat":                                                 "sockets: used 13\nTCP: inuse 1 orphan 0 tw 31 alloc 1 mem 262\nUDP: inuse 0 mem 5\n",
		"proc/meminfo":                                                      "MemTotal:       24684084 kB\nMemFree:  1 kB\nMemAvailable:   24381524 kB\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource":   "tsc\n",
		"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock \n",
	}))
	want := Limits{
		FilesCeiling: 1048576, MachineFiles: 2466170, MachineFilesUsed: 449,
		PortLow: 32768, PortHigh: 60999, PortsReserved: 101, TimeWait: 31, ReuseTimeWait: 2,
		MemoryTotal: 24684084 << 10, MemoryAvailable: 24381524 << 10,
		TCPMemory: 575796 * 4096, TCPMemoryUsed: 262 * 4096, PageSize: 4096,
		Conntrack: 262144, ConntrackUsed: 17, Somaxconn: 4096, ClockSource: "tsc", Clocks: []string{"tsc", "kvm-clock"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestReadNonsense: what cannot be understood is not known, and is no limit.
func TestReadNonsense(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing": {},
		"nonsense": {
			"proc/sys/fs/nr_open": "many", "proc/sys/fs/file-nr": "1 2", "proc/sys/net/ipv4/ip_local_port_range": "60999 32768",
			"proc/sys/net/ipv4/ip_local_reserved_ports": "x-y,-,,9-", "proc/sys/net/ipv4/tcp_mem": "1 2", "proc/sys/net/core/somaxconn": "-1",
			"proc/net/sockstat": "TCP: mem\n\nTCP:", "proc/meminfo": "MemTotal:\nMemAvailable: lots kB", "proc/self/cgroup": "::\n0\n",
			"proc/self/mountinfo": "1 2 - \n",
		},
		"no limit": {"proc/sys/fs/file-nr": "449 0 9223372036854775807"},
	} {
		got := Limits{PortLow: 49152, PortHigh: 65535}
		got.readFrom(tree(files))
		got.MachineFilesUsed = 0
		want := Limits{PortLow: 49152, PortHigh: 65535}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestReserved(t *testing.T) {
	for list, want := range map[string]int{
		"":                  0,
		"40000":             1,
		"100,40000":         1, // the first is outside 32768-60999
		"40000-40009":       10,
		"100-32768":         1,
		"60999-65535":       1,
		"1-65535":           28232,
		"40000-40001,50000": 3,
		"40009-40000":       0,
		"nonsense,40000-":   0,
	} {
		if got := reserved(strings.Fields(list), 32768, 60999); got != want {
			t.Errorf("%s: got %d, want %d", list, got, want)
		}
	}
}
