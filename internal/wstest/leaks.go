package wstest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, and fails if they leave goroutines or descriptors behind.
func Main(m *testing.M) {
	settle()
	before := descriptors()
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		if err := sameDescriptors(before); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// NoLeaks fails the test if it leaves goroutines or descriptors behind. It must be called before anything
// that registers a cleanup, and not in a test that runs beside others.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := descriptors()
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		if err := goleak.Find(running); err != nil {
			t.Error(err)
		}
		if err := sameDescriptors(before); err != nil {
			t.Error(err)
		}
	})
}

// settle opens what the runtime opens once and keeps: its poller.
func settle() {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = ln.Close()
	}
}

// descriptors maps open descriptors to what they are; nil where the system has no /proc.
func descriptors() map[string]string {
	if runtime.GOOS != "linux" {
		return nil
	}
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	open := make(map[string]string)
	for _, e := range entries {
		// Fails for the descriptor that ReadDir itself used.
		if what, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			open[e.Name()] = what
		}
	}
	return open
}

// sameDescriptors tells which descriptors are open that were not before. Files of a process that was
// just waited for may take a moment.
func sameDescriptors(before map[string]string) error {
	var left []string
	for end := time.Now().Add(time.Second); ; runtime.Gosched() {
		left = left[:0]
		for fd, what := range descriptors() {
			if before[fd] != what {
				left = append(left, fd+" → "+what)
			}
		}
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("descriptors left open: %q", left)
		}
	}
}
