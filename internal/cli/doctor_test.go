package cli

import (
	"bytes"
	"errors"
	"testing"
)

// TestDoctorExit: the exit code is the answer.
func TestDoctorExit(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"doctor"}, ExitPass},
		{[]string{"doctor", "-c", "1"}, ExitPass},
		{[]string{"doctor", "-c", "99999999"}, ExitFailed},
		{[]string{"doctor", "-c", "99999999", "--json"}, ExitFailed},
		{[]string{"doctor", "-c", "-1"}, ExitUsage},
		{[]string{"doctor", "ws://a..b/"}, ExitUsage},
		{[]string{"doctor", "--local-ips", "192.0.2.7"}, ExitUsage},
		{[]string{"doctor", "a", "b"}, ExitUsage},
	} {
		var stdout, stderr bytes.Buffer
		p := Process{Args: c.args, Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }}
		if got := Main(p); got != c.want {
			t.Errorf("%q: got %d, want %d; stderr %q", c.args, got, c.want, stderr.String())
		}
		if told := stdout.Len() > 0; told == (c.want == ExitUsage) {
			t.Errorf("%q: got %q on stdout", c.args, stdout.String())
		}
	}
	p := Process{Args: []string{"doctor"}, Stdout: full{}, Stderr: new(bytes.Buffer), Getenv: func(string) string { return "" }}
	if got := Main(p); got != ExitInternal {
		t.Errorf("a full disk: got %d, want %d", got, ExitInternal)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
