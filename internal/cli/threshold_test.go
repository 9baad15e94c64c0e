package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loadrig/loadrig/report"
)

// TestThresholdExit: the exit code tells a threshold that held, one that did not, one that ended the run and one
// that is wrong; what ended the run did so long before its time.
func TestThresholdExit(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "endless.yaml")
	const endless = `
players: {one: {steps: [connect, {for: {duration: 1h, do: [{request: {name: echo, json: {id: "{{ seq }}"}, id: id}}, {think: 5ms}]}}]}}
load: {players: 2, duration: 10m}
thresholds: [{that: "request echo: count<10", abort_on_fail: true}]
`
	if err := os.WriteFile(file, []byte(endless), 0o600); err != nil {
		t.Fatal(err)
	}
	few := []string{"-c", "2", "-d", "1s", "--traffic", "pingpong"}
	for _, c := range []struct {
		want    int
		aborted string
		args    []string
	}{
		{ExitPass, "", append(few, "--threshold", "p(95)<1m", "--threshold", "dropped == 0 && opened == 2")},
		{ExitFailed, "", append(few, "--threshold", "p(95)<1m", "--threshold", "p(95)<1us")},
		{ExitUsage, "", append(few, "--threshold", "p95<1m")},
		{ExitAborted, "request echo: count<10", []string{file, "--threshold", "request echo: count>1000000"}},
		{ExitUsage, "", []string{file, "--threshold", "request eco: count>1"}},
	} {
		cmd := exec.CommandContext(t.Context(), self, append([]string{"run", "-q", "--json", "--max-lag", "1m"}, c.args...)...)
		cmd.Env = append(os.Environ(), "LOADRIG_TEST_AS_PROGRAM=1")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != c.want {
			t.Errorf("%q: got exit code %d, want %d; stderr %s", c.args, got, c.want, &stderr)
			continue
		}
		if c.want == ExitUsage {
			continue
		}
		var s report.Summary
		if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		if s.Aborted != c.aborted || s.Interrupted || s.Duration > 300 || len(s.Thresholds) != 2 {
			t.Errorf("%q: got aborted by %q after %v s, interrupted %t, %+v", c.args, s.Aborted, s.Duration, s.Interrupted, s.Thresholds)
		}
	}
}
