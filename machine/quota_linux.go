package machine

import (
	"math"
	"path"
	"time"
)

// cpuGroup is one of the control groups around this process, as far as it limits CPU time.
type cpuGroup struct {
	stat          pseudo
	quota, period pseudo // cpu.cfs_quota_us and cpu.cfs_period_us; of version 2 cpu.max and nothing
	second        bool   // version 2
	last          throttle
	begun         bool // last is set
}

// throttle is how often and how long a group was stopped as its quota was used up.
type throttle struct{ periods, stopped, length int64 }

func (k *kernel) openGroups(dir string) {
	g, ok := dirRoot(dir).group("cpu")
	if !ok {
		return
	}
	quota, period := "cpu.cfs_quota_us", "cpu.cfs_period_us"
	if g.second {
		quota, period = "cpu.max", ""
	}
	for _, d := range g.dirs {
		at := func(name string) string { return path.Join(dir, d, name) }
		c := cpuGroup{second: g.second, stat: openPseudo(at("cpu.stat")), quota: openPseudo(at(quota))}
		if period != "" {
			c.period = openPseudo(at(period))
		}
		if !c.stat.open && !c.quota.open { // the root of version 2 has no quota
			c.close()
			continue
		}
		if k.groups = append(k.groups, c); len(k.groups) == maxGroups {
			return
		}
	}
}

// maxGroups bounds the descriptors; groups deeper than that are rare, and the inner ones come first.
const maxGroups = 4

func (c *cpuGroup) close() {
	c.stat.close()
	c.quota.close()
	c.period.close()
}

func (k *kernel) sampleGroups(u *Usage) {
	cpus, ok := k.affinity()
	var most throttle // since the sample before, of the group that was stopped for the largest share
	known := false
	for i := range k.groups {
		c := &k.groups[i]
		q, told := c.cores(k.buf[:])
		cpus, ok = min(cpus, q), ok && told
		now, told := c.throttle(k.buf[:])
		if !told {
			continue
		}
		known = true
		if c.begun {
			d := throttle{max(0, now.periods-c.last.periods), max(0, now.stopped-c.last.stopped), max(0, now.length-c.last.length)}
			if share(float64(d.stopped), float64(d.periods)) > share(float64(most.stopped), float64(most.periods)) ||
				most.stopped == 0 && d.periods > most.periods {
				most = d
			}
		}
		c.last, c.begun = now, true
	}
	if ok {
		u.CPUs = cpus
		u.Known |= FactCPUs
	}
	if known {
		k.throttled.periods += most.periods
		k.throttled.stopped += most.stopped
		k.throttled.length += most.length
		u.Periods, u.ThrottledPeriods, u.Throttled = k.throttled.periods, k.throttled.stopped, time.Duration(k.throttled.length)
		u.Known |= FactThrottling
	}
}

// cores gives the quota in cores, infinity for none. It is not ok where there is one that cannot be read.
func (c *cpuGroup) cores(buf []byte) (cores float64, ok bool) {
	if !c.quota.open {
		return math.Inf(1), true
	}
	text := c.quota.read(buf) // "150000 100000\n", "max 100000\n"; of version 1 "150000\n" or "-1\n"
	if s := string(text); s == "-1\n" || len(s) > 4 && s[:4] == "max " {
		return math.Inf(1), true
	}
	quota, rest, ok := figure(text)
	if !ok {
		return 0, false
	}
	if !c.second {
		rest = c.period.read(buf)
	}
	period, _, ok := figure(rest)
	if !ok || period == 0 {
		return 0, false
	}
	return float64(quota) / float64(period), true
}

// throttle reads cpu.stat, which has no such lines where there is no quota to be had, as at the root.
func (c *cpuGroup) throttle(buf []byte) (t throttle, ok bool) {
	text := c.stat.read(buf)
	length, unit := "throttled_time ", int64(1)
	if c.second {
		length, unit = "throttled_usec ", int64(time.Microsecond)
	}
	for _, f := range []struct {
		name string
		unit int64
		into *int64
	}{{"nr_periods ", 1, &t.periods}, {"nr_throttled ", 1, &t.stopped}, {length, unit, &t.length}} {
		l, found := line(text, f.name)
		if !found {
			return throttle{}, false
		}
		n, _, ok := figure(l)
		if !ok || n > math.MaxInt64/f.unit {
			return throttle{}, false
		}
		*f.into = n * f.unit
	}
	return t, true
}
