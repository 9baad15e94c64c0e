package machine

import (
	"slices"
	"testing"
)

func TestRaise(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Limits)
		need   Need
		bound  string
		to     int
		want   []string
	}{
		{"files for 100,000: 64 + 2·2 for the rig; ⌈100,000 / 19,932⌉ = 6 rigs of ⌈100,000 / 6⌉", func(*Limits) {}, Need{Connections: 100000, Shards: 2}, OpenFiles, 100000,
			[]string{"ulimit -n 100068", "LimitNOFILE=100068", "docker run --ulimit nofile=100068:100068", "6 × loadrig run -c 16667"}},
		{"files beyond the ceiling of 1,048,576", func(*Limits) {}, Need{Connections: 2000000, Shards: 2}, OpenFiles, 2000000,
			[]string{"sysctl -w fs.nr_open=2000068", "then ulimit -n 2000068", "LimitNOFILE=2000068", "docker run --ulimit nofile=2000068:2000068", "101 × loadrig run -c 19802"}},
		{"files, none left for a rig", func(l *Limits) { l.OpenFiles = 19990 }, Need{Connections: 10, Shards: 2}, OpenFiles, 10,
			[]string{"ulimit -n 20036", "LimitNOFILE=20036", "docker run --ulimit nofile=20036:20036"}},
		{"files, nobody asked: twice 19,932, made round", func(*Limits) {}, Need{Shards: 2}, OpenFiles, 50000,
			[]string{"ulimit -n 50068", "LimitNOFILE=50068", "docker run --ulimit nofile=50068:50068", "3 × loadrig run -c 16667"}},
		{"files, on a Mac", func(l *Limits) { l.OS = "darwin" }, Need{Connections: 30000}, OpenFiles, 30000,
			[]string{"ulimit -n 30064", "2 × loadrig run -c 15000"}},
		{"ports: 64,512 of the widest range are enough, or ⌈60,000 / 28,232⌉ sources", func(*Limits) {}, Need{Connections: 60000}, LocalPorts, 60000,
			[]string{`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`, "--local-ips with 3 addresses"}},
		{"ports: ⌈100,000 / 64,512⌉, or ⌈100,000 / 28,232⌉", func(*Limits) {}, Need{Connections: 100000}, LocalPorts, 100000,
			[]string{`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`, "then --local-ips with 2 addresses", "--local-ips with 4 addresses"}},
		{"ports of two servers: ⌈100,000 / 2 / 28,232⌉", func(*Limits) {}, Need{Connections: 100000, Routes: []int{1, 1}}, LocalPorts, 100000,
			[]string{`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`, "--local-ips with 2 addresses"}},
		{"ports, the range is as wide as it gets", func(l *Limits) { l.PortLow, l.PortHigh = 1024, 65535 }, Need{Connections: 100000}, LocalPorts, 100000,
			[]string{"--local-ips with 2 addresses"}},
		{"ports, on a Mac", func(l *Limits) { l.OS = "darwin" }, Need{Connections: 60000}, LocalPorts, 60000,
			[]string{"sysctl -w net.inet.ip.portrange.first=1024", "--local-ips with 3 addresses"}},
		{"ports, on Windows", func(l *Limits) { l.OS = "windows" }, Need{Connections: 60000}, LocalPorts, 60000,
			[]string{"netsh int ipv4 set dynamicport tcp start=1025 num=64511", "--local-ips with 3 addresses"}},
		{"memory: 1,500,000 · 7 KiB", func(*Limits) {}, Need{Connections: 1500000}, Memory, 1500000,
			[]string{"10.0 GiB free: a larger machine, more for this container, or rigs on several machines"}},
		{"tcp memory: a page each, and 4 in use", func(l *Limits) { l.TCPMemoryUsed = 4 * 4096 }, Need{Connections: 300000}, TCPMemory, 300000,
			[]string{`sysctl -w net.ipv4.tcp_mem="150002 200002 300004"`}},
		{"conntrack: 12 in use", func(l *Limits) { l.Conntrack, l.ConntrackUsed = 1000, 12 }, Need{Connections: 1000}, Conntrack, 1000,
			[]string{"sysctl -w net.netfilter.nf_conntrack_max=1012", "a NOTRACK rule for the traffic to the server"}},
		{"machine files: two each, and 500 in use", func(l *Limits) { l.MachineFiles, l.MachineFilesUsed = 10000, 500 }, Need{Connections: 10000, Local: true}, MachineFiles, 10000,
			[]string{"sysctl -w fs.file-max=20500"}},
	} {
		l := ordinary()
		c.change(&l)
		r := bound(t, l, c.need, c.bound).Raise
		var got []string
		for i, w := range r.Way {
			do := w.Do
			if do == "" {
				do = w.Note
			}
			if i > 0 && r.Way[i-1].First {
				do = "then " + do
			}
			got = append(got, do)
		}
		if r.To != c.to || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %d by %q, want %d by %q", c.name, r.To, got, c.to, c.want)
		}
	}
}

// TestRaised: who does as told has room for what was asked for, and for no more.
func TestRaised(t *testing.T) {
	need := Need{Connections: 2000000, Shards: 2, Local: true, Routes: []int{9}}
	l := ordinary()
	l.Conntrack, l.ConntrackUsed, l.MachineFiles, l.MachineFilesUsed, l.TCPMemoryUsed = 1000, 12, 10000, 500, 8192
	to := make(map[string]int64)
	for _, b := range l.Fit(need) {
		to[b.Name] = b.target()
	}
	l.Files, l.Conntrack, l.MachineFiles = int(to[OpenFiles]), int(to[Conntrack]), int(to[MachineFiles])
	l.TCPMemory = to[TCPMemory]
	for _, b := range l.Fit(need) {
		if b.Name != LocalPorts && b.Name != Memory && b.Fits != need.Connections {
			t.Errorf("%s: got %d, want %d", b.Name, b.Fits, need.Connections)
		}
	}
}

func TestRaiseString(t *testing.T) {
	r := Raise{Way: []Remedy{{Do: "a", Note: "as root", First: true}, {Do: "b"}, {Do: "c", Note: "x"}, {Note: "a fourth"}}}
	if got, want := r.String(), "a and then b, or c, or a fourth"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Raise{}).String(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
