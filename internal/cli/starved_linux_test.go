package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/loadrig/loadrig/internal/starve"
	"github.com/loadrig/loadrig/report"
)

// TestStarved: a rig that gets a twentieth of one core, for a load that takes several times as much, says that
// its figures are not to be trusted, and why. The server has what it needs.
func TestStarved(t *testing.T) {
	t.Setenv("LOADRIG_TEST_AS_PROGRAM", "1")
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
	cmd := exec.Command(self, "run", "-q", "--json", "--url", server.url, "-c", "100", "--msg-rate", "200/s", "-d", "2s")
	cmd.Stdout, cmd.Stderr = &out, &talk
	rig := starve.Start(t, cmd)
	_ = rig.Wait() // the exit code says more
	t.Logf("%.3f of a core", rig.Share())
	if share := rig.Share(); share > .15 {
		t.Errorf("the rig got %.3f of a core, want .05 or less: it was not starved", share)
	}
	var s report.Summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("stdout: %v in %q; stderr: %s", err, out.String(), talk.String())
	}
	t.Logf("%d of %d messages, 1 in 100 late by %.3f s or more: %q", s.Messages.Sent, 2*100*200, s.ScheduleLag.P99, s.Reasons)
	if code := cmd.ProcessState.ExitCode(); code != ExitUntrustworthy || s.Verdict != report.Untrustworthy || len(s.Reasons) == 0 {
		t.Errorf("got exit %d, %s, reasons %q, want %d, untrustworthy and a reason; stderr: %s",
			code, s.Verdict, s.Reasons, ExitUntrustworthy, talk.String())
	}
}
