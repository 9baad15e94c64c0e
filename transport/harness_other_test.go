//go:build !linux

package transport

import "testing"

func narrowFD(stream) {}

// stuckConnect needs a full queue of connections, which not all systems keep.
func stuckConnect(*testing.T) (stuckDial, bool) { return stuckDial{}, false }
