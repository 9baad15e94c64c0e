package rig

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
)

// manifest says what the run, which has just begun, is to do.
func (r *run) manifest() *report.Manifest {
	c := &r.cfg
	m := &report.Manifest{
		Schema: report.ManifestSchema, ID: newID(r.started), Name: c.Name, Started: r.started.UTC(), URL: SafeURL(c.URL),
		Players: c.Connections, Planned: c.planned().Seconds(), Interval: c.interval().Seconds(), MaxLag: c.MaxLag.Seconds(),
		Thresholds: c.thresholds(), Tags: c.Tags, Version: c.Version, Revision: c.Revision, Go: c.GoVersion,
		Engine: r.manager.Network().Options().Engine.String(), Shards: c.Shards, Host: thisHost(),
	}
	if c.Play == nil {
		m.Traffic = string(c.Traffic)
		if c.Traffic == players.Paced {
			m.Rate = float64(c.MessageRate)
		}
		return m
	}
	sc := c.Play.Scenario
	m.Seed = c.Play.Seed
	m.Scenario = &report.ManifestScenario{
		Name: sc.File.Name, SHA256: c.Play.SHA256, Text: c.Play.Text, Requests: list(sc.Requests), Checks: list(sc.Checks),
		Deliveries: list(sc.Deliveries), Ticks: list(sc.Ticks), Populations: list(sc.Populations),
	}
	return m
}

// list gives names that are never null in JSON.
func list(names []string) []string { return append([]string{}, names...) }

// planned gives how long the load is to last; 0 if that is not known.
func (c *Config) planned() time.Duration {
	if c.Play == nil {
		return c.Duration
	}
	if d := c.Play.Plan.Duration(); d < load.Forever {
		return d
	}
	return 0
}

func (c *Config) interval() time.Duration {
	if c.Interval > 0 {
		return c.Interval
	}
	if c.planned() > longRun {
		return longInterval
	}
	return shortInterval
}

// newID makes the id of a run: when it began, to the second, and chance.
func newID(at time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:])
	return at.UTC().Format("20060102-150405") + "-" + hex.EncodeToString(b[:])
}

func thisHost() report.Host {
	l := machine.Read()
	h := report.Host{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: l.CPUs, Quota: l.CPUQuota, Memory: l.MemoryTotal, Files: l.Files}
	h.Name, _ = os.Hostname()
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		h.Kernel = strings.TrimSpace(string(b))
	}
	return h
}
