//go:build !linux

package starve

import "testing"

func (p *Process) start(t testing.TB) { t.Skip("a process is starved on Linux only") }
