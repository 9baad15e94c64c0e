//go:build !linux

package transport

const (
	defaultEngine   = EngineGoroutine
	abstractSockets = false
	maxUnixPath     = 103 // sun_path less its end
)

// ephemeralPorts gives the range of RFC 6335, which these systems use by default.
func ephemeralPorts() (lo, hi int) { return 49152, 65535 }
