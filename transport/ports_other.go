//go:build !linux

package transport

import "runtime"

const (
	defaultEngine   = EngineGoroutine
	abstractSockets = false
	maxUnixPath     = 103 // sun_path less its end
)

// loopbackSources: Windows has the whole of 127.0.0.0/8, the BSDs and macOS only 127.0.0.1.
var loopbackSources = map[string]int{"windows": allLoopback}[runtime.GOOS]

// ephemeralPorts gives the range of RFC 6335, which these systems use by default.
func ephemeralPorts() (lo, hi int) { return 49152, 65535 }
