package machine

import (
	"runtime"
	"testing"
)

// TestRead: whatever machine this is, it has ports and cores, and a process has files open.
func TestRead(t *testing.T) {
	l := Read()
	if l.OS != runtime.GOOS || l.Cores < 1 || l.CPUs < 1 || l.Ports() < 1 {
		t.Errorf("got %+v", l)
	}
	if bounds := l.Fit(Need{Shards: l.Cores}); len(bounds) == 0 {
		t.Error("got no bounds, want local ports at least")
	}
}
