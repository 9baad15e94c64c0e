package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/starve"
	"github.com/loadrig/loadrig/report"
)

// TestStarved: a rig that gets a twentieth of one core, for a load that takes several times as much, says that
// its figures are not to be trusted, and that others had the cores. The server has what it needs. With ping-pong
// nothing is late, as nothing is scheduled, and the figures are the rig's own all the same.
func TestStarved(t *testing.T) {
	t.Setenv("LOADRIG_TEST_AS_PROGRAM", "1")
	for name, c := range map[string]struct {
		args   []string
		reason string
	}{
		"paced":    {[]string{"-c", "100", "--msg-rate", "200/s", "-d", "2s"}, "messages went out late: 1 in 100 by "},
		"pingpong": {[]string{"-c", "200", "--traffic", "pingpong", "-d", "2s"}, "the rig did not get the cores that it wanted: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := starved(t, c.args...)
			reasons := strings.Join(s.Reasons, "\n")
			if !strings.Contains(reasons, c.reason) || !strings.Contains(reasons, "others had the cores: it waited ") {
				t.Errorf("got %q, want %q, and that others had the cores", reasons, c.reason)
			}
		})
	}
}

// starved runs a load in a process that is starved, and gives its summary. The exit code must be 98.
func starved(t *testing.T, args ...string) *report.Summary {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := ThisProcess()
	server, err := startChild(&p, "echo")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the rig's end
		if _, err := server.stop(); err != nil {
			t.Error(err)
		}
	})
	var out, talk bytes.Buffer
	cmd := exec.Command(self, append([]string{"run", "-q", "--json", "--run-dir", "none", "--url", server.url}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &talk
	rig := starve.Start(t, cmd)
	_ = rig.Wait() // the exit code says more
	t.Logf("%.3f of a core", rig.Share())
	if share := rig.Share(); share > .15 {
		t.Errorf("the rig got %.3f of a core, want .05 or less: it was not starved", share)
	}
	s := new(report.Summary)
	if err := json.Unmarshal(out.Bytes(), s); err != nil {
		t.Fatalf("stdout: %v in %q; stderr: %s", err, out.String(), talk.String())
	}
	t.Logf("%d messages, 1 in 100 late by %.3f s or more: %q", s.Messages.Sent, s.ScheduleLag.P99, s.Reasons)
	for _, k := range s.Trust {
		if k.Value != nil {
			t.Logf("%s: %v of %v", k.Name, *k.Value, k.Bound)
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != ExitUntrustworthy || s.Verdict != report.Untrustworthy {
		t.Errorf("got exit %d, %s, reasons %q, want %d, untrustworthy; stderr: %s", code, s.Verdict, s.Reasons, ExitUntrustworthy, talk.String())
	}
	return s
}
