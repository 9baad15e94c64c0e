//go:build !linux

package target

// defaultEngine is what Listen uses here.
var defaultEngine makeEngine = newGoroutineEngine
