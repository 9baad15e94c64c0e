//go:build !linux

package transport

const defaultEngine = EngineGoroutine

// ephemeralPorts gives the range of RFC 6335, which these systems use by default.
func ephemeralPorts() (lo, hi int) { return 49152, 65535 }
