//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machineInfo says where the figures are from.
type machineInfo struct {
	CPU    string
	CPUs   int
	Kernel string
	Go     string
	Load   string // averages over 1, 5 and 15 minutes when the benchmark began
}

func thisMachine() machineInfo {
	m := machineInfo{CPU: cpuModel(), CPUs: runtime.NumCPU(), Go: runtime.Version()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(b)); len(f) >= 3 {
			m.Load = strings.Join(f[:3], " ")
		}
	}
	return m
}

// String gives the line for a table's head.
func (m machineInfo) String() string {
	return fmt.Sprintf("%d × %s, %s, %s; load before %s", m.CPUs, m.CPU, m.Kernel, m.Go, m.Load)
}

// cpuModel gives the name that /proc/cpuinfo has, where it has one.
func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
