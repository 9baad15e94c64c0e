package machine

import (
	"maps"
	"slices"
	"testing"
)

// What /proc/self/mountinfo has where control groups are mounted.
const (
	mountsV2   = "26 23 0:23 / /sys rw - sysfs sysfs rw\n29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountsV1   = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	hybrid     = mountsV1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	v1InDocker = "35 31 0:32 /docker/a1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n32 31 0:29 /docker/a1 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
	v2InDocker = "29 23 0:26 /docker/a1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
)

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name         string
		self, mounts string
		files        map[string]string

		total, free int64 // of 1000 with 900 available
		quota       float64
	}{
		{name: "no control groups", total: 1000 << 10, free: 900 << 10},
		{
			name: "a container with a namespace of its own", self: "0::/\n", mounts: mountsV2,
			files: map[string]string{
				"sys/fs/cgroup/memory.max": "512000\n", "sys/fs/cgroup/memory.current": "100000\n",
				"sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 40000\n", "sys/fs/cgroup/cpu.max": "150000 100000\n",
			},
			total: 512000, free: 512000 - (100000 - 40000), quota: 1.5,
		},
		{
			name: "a nested group, and the one around it has less", self: "0::/system.slice/rig.service\n", mounts: mountsV2,
			files: map[string]string{
				"sys/fs/cgroup/system.slice/rig.service/memory.max": "700000\n", "sys/fs/cgroup/system.slice/rig.service/memory.current": "100000\n",
				"sys/fs/cgroup/system.slice/memory.max": "600000\n", "sys/fs/cgroup/system.slice/memory.current": "500000\n",
				"sys/fs/cgroup/system.slice/rig.service/cpu.max": "200000 100000\n", "sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
			},
			total: 600000, free: 600000 - 500000, quota: 2,
		},
		{
			name: "no limit", self: "0::/user.slice\n", mounts: mountsV2,
			files: map[string]string{"sys/fs/cgroup/user.slice/memory.max": "max\n", "sys/fs/cgroup/user.slice/memory.current": "5\n"},
			total: 1000 << 10, free: 900 << 10,
		},
		{
			name: "more than its limit in use", self: "0::/\n", mounts: mountsV2,
			files: map[string]string{"sys/fs/cgroup/memory.max": "500\n", "sys/fs/cgroup/memory.current": "600\n"},
			total: 500, free: 0,
		},
		{
			name: "version 1", self: "5:memory:/a/b\n4:cpu,cpuacct:/a\n0::/\n", mounts: hybrid,
			files: map[string]string{
				"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes": "7\n",
				"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "400000\n", "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "100000\n",
				"sys/fs/cgroup/memory/a/memory.stat":              "cache 9\ntotal_inactive_file 25000\n",
				"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":    "50000\n",
				"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us":   "100000\n",
				"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":      "-1\n",
				"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us":     "100000\n",
				"sys/fs/cgroup/unified/memory.max":                "1\n", // not where the memory controller is
				"sys/fs/cgroup/memory/elsewhere/memory.something": "1\n",
			},
			total: 400000, free: 400000 - (100000 - 25000), quota: 0.5,
		},
		{
			name: "version 1 in a container that is told the host's path", self: "5:memory:/docker/a1\n4:cpu,cpuacct:/docker/a1/sub\n", mounts: v1InDocker,
			files: map[string]string{
				"sys/fs/cgroup/memory/memory.limit_in_bytes": "300000\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
				"sys/fs/cgroup/cpu,cpuacct/sub/cpu.cfs_quota_us": "400000\n", "sys/fs/cgroup/cpu,cpuacct/sub/cpu.cfs_period_us": "100000\n",
				"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
			},
			total: 300000, free: 299000, quota: 3,
		},
		{
			name: "version 2 in a container, of which another group is told", self: "0::/docker/a12\n", mounts: v2InDocker,
			files: map[string]string{"sys/fs/cgroup/memory.max": "200000\n", "sys/fs/cgroup/memory.current": "1000\n"},
			total: 200000, free: 199000,
		},
		{
			name: "a path outside the namespace", self: "0::/../../other\n", mounts: mountsV2,
			files: map[string]string{"sys/fs/cgroup/memory.max": "200000\n", "sys/fs/cgroup/memory.current": "1000\n"},
			total: 200000, free: 199000,
		},
	} {
		files := map[string]string{
			"proc/meminfo":     "MemTotal: 1000 kB\nMemAvailable: 900 kB\n",
			"proc/self/cgroup": c.self, "proc/self/mountinfo": c.mounts,
		}
		maps.Copy(files, c.files)
		var l Limits
		l.readFrom(tree(files))
		if l.MemoryTotal != c.total || l.MemoryAvailable != c.free || l.CPUQuota != c.quota {
			t.Errorf("%s: got %d bytes, %d free, %v cores, want %d, %d, %v",
				c.name, l.MemoryTotal, l.MemoryAvailable, l.CPUQuota, c.total, c.free, c.quota)
		}
	}
}

func TestBelow(t *testing.T) {
	for _, c := range []struct{ name, root, want string }{
		{"/", "/", "/"},
		{"/a/b", "/", "/a/b"},
		{"/a/b", "/a", "/b"},
		{"/a/b", "/a/b", "/"},
		{"/ab", "/a", "/"},
		{"/../x", "/", "/"},
		{"/x", "/a", "/"},
	} {
		if got := below(c.name, c.root); got != c.want {
			t.Errorf("%s below %s: got %s, want %s", c.name, c.root, got, c.want)
		}
	}
	if got, want := upwards("sys/fs/cgroup", "/a/b"), []string{"sys/fs/cgroup/a/b", "sys/fs/cgroup/a", "sys/fs/cgroup"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
