package machine

import (
	"path"
	"slices"
	"strings"
)

// group is where the limits of a control group are read from.
type group struct {
	dirs   []string // of the group and of those around it, as each of them limits it
	second bool     // control groups of version 2
}

// group finds the control group of this process that has a controller, in version 1 or 2 or where both
// are mounted. Inside a container the path that the kernel tells may be the host's: then it begins with
// the root of the mount, or is outside what is mounted and only the mount point itself can be read.
func (r root) group(controller string) (g group, ok bool) {
	name, second := r.groupName(controller)
	if name == "" {
		return group{}, false
	}
	for line := range strings.Lines(r.file("proc/self/mountinfo")) {
		// 36 35 98:0 ROOT POINT OPTIONS [TAGS]… - TYPE SOURCE SUPEROPTIONS
		before, after, _ := strings.Cut(line, " - ")
		f, t := strings.Fields(before), strings.Fields(after)
		if len(f) < 6 || len(t) < 3 {
			continue
		}
		if second {
			if t[0] != "cgroup2" {
				continue
			}
		} else if t[0] != "cgroup" || !slices.Contains(strings.Split(t[2], ","), controller) {
			continue
		}
		point := strings.TrimPrefix(path.Clean(f[4]), "/")
		return group{dirs: upwards(point, below(name, f[3])), second: second}, true
	}
	return group{}, false
}

// groupName gives the path of this process's group for a controller: that of version 1 if it has it.
func (r root) groupName(controller string) (name string, second bool) {
	for line := range strings.Lines(r.file("proc/self/cgroup")) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		if slices.Contains(strings.Split(f[1], ","), controller) {
			return f[2], false
		}
		if f[0] == "0" && f[1] == "" {
			name, second = f[2], true
		}
	}
	return name, second
}

// below gives where name is below a mount whose root is mountRoot: the mount point if it is outside.
func below(name, mountRoot string) string {
	if strings.HasPrefix(name, "/..") {
		return "/"
	}
	if mountRoot == "/" {
		return path.Clean("/" + name)
	}
	rest, ok := strings.CutPrefix(name, mountRoot)
	if !ok || (rest != "" && rest[0] != '/') {
		return "/"
	}
	return path.Clean("/" + rest)
}

// upwards gives the folder rel below point, and all those on the way back to point.
func upwards(point, rel string) (dirs []string) {
	for ; rel != "/"; rel = path.Dir(rel) {
		dirs = append(dirs, path.Join(point, rel))
	}
	return append(dirs, point)
}

// groupMemory gives the least memory, and the least free memory, of the groups around this process. What
// they hold of files and can give back counts as free, as it does in MemAvailable.
func (r root) groupMemory() (total, free int64, ok bool) {
	g, found := r.group("memory")
	if !found {
		return 0, 0, false
	}
	limit, usage, cache := "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
	if g.second {
		limit, usage, cache = "memory.max", "memory.current", "inactive_file"
	}
	for _, dir := range g.dirs {
		most := r.number(path.Join(dir, limit))
		if most == 0 {
			continue
		}
		used := r.number(path.Join(dir, usage)) - number(r.table(path.Join(dir, "memory.stat"))[cache])
		left := max(0, most-max(0, used))
		if !ok {
			total, free, ok = most, left, true
		}
		total, free = min(total, most), min(free, left)
	}
	return total, free, ok
}

// cpuQuota gives the least quota of the groups around this process, in cores; 0 for none.
func (r root) cpuQuota() (cores float64) {
	g, found := r.group("cpu")
	if !found {
		return 0
	}
	for _, dir := range g.dirs {
		var quota, period int64
		if g.second {
			if f := r.fields(path.Join(dir, "cpu.max")); len(f) == 2 {
				quota, period = number(f[0]), number(f[1])
			}
		} else {
			quota, period = r.number(path.Join(dir, "cpu.cfs_quota_us")), r.number(path.Join(dir, "cpu.cfs_period_us"))
		}
		if quota == 0 || period == 0 {
			continue
		}
		if q := float64(quota) / float64(period); cores == 0 || q < cores {
			cores = q
		}
	}
	return cores
}
