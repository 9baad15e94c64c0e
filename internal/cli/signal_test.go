//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

// startRun starts loadrig in a process of its own and waits for its first line of progress.
func startRun(t *testing.T, stdout *bytes.Buffer, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "LOADRIG_TEST_AS_PROGRAM=1", "XDG_STATE_HOME="+t.TempDir())
	cmd.Stdout = stdout
	errPipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	r := bufio.NewReader(errPipe)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("stderr ended before the first line of progress: %v", err)
		}
		if strings.Contains(line, "connected=") {
			return cmd, r
		}
	}
}

// TestInterrupt: the first interrupt ends the load, all connections are closed with 1000, the summary is
// given, the exit code is 105, and the embedded target is gone.
func TestInterrupt(t *testing.T) {
	var stdout bytes.Buffer
	parent := t.TempDir()
	cmd, stderr := startRun(t, &stdout, "run", "-c", "100", "-d", "10m", "--max-lag", "1m", "--json", "--run-dir", filepath.Join(parent, "one"))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for _, err := stderr.ReadByte(); err == nil; { // until all who have it are gone
		_, err = stderr.ReadByte()
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != ExitInterrupted {
		t.Errorf("exit code: got %d, want %d", code, ExitInterrupted)
	}
	var s report.Summary
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("stdout: %v in %q", err, stdout.String())
	}
	want := report.Disconnect{Cause: "shutdown", Initiator: "local", Code: 1000, Count: 100}
	if !s.Interrupted || s.Verdict != report.Pass || len(s.Disconnects) != 1 || s.Disconnects[0] != want {
		t.Errorf("got interrupted %v, %s %v, %+v, want true, pass, %+v", s.Interrupted, s.Verdict, s.Reasons, s.Disconnects, want)
	}
	list, err := rundir.List(parent)
	if err != nil || len(list) != 1 || verdictOf(&list[0]) != "pass, interrupted" {
		t.Errorf("got %v, %v, want a run that is listed as pass, interrupted", list, err)
	}
}

// TestKilled: the embedded target ends with the rig, also when that is given no chance to say so.
func TestKilled(t *testing.T) {
	var stdout bytes.Buffer
	cmd, stderr := startRun(t, &stdout, "run", "-c", "10", "-d", "10m")
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, err := stderr.ReadByte(); err == nil; { // the target has inherited it, so it ends with the target
		_, err = stderr.ReadByte()
	}
	_ = cmd.Wait()
}

// TestKilledRunIsKept: of a run that is killed in the middle, all is kept up to its last whole interval, and reported with
// the word that it was cut off. Its counts are no more than the server's.
func TestKilledRunIsKept(t *testing.T) {
	srv := wstest.Serve(t, wstest.Echo)
	dir := filepath.Join(t.TempDir(), "killed")
	var stdout bytes.Buffer
	cmd, stderr := startRun(t, &stdout, "run", "--url", srv.URL(), "-c", "50", "-d", "10m", "--msg-rate", "20/s", "--interval", "100ms", "--run-dir", dir)
	for range 5 { // more intervals
		if _, err := stderr.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	var out, errs bytes.Buffer
	p := Process{Args: []string{"report", dir, "--json"}, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
	if code := Main(p); code != ExitPass {
		t.Fatalf("got exit code %d: %s", code, &errs)
	}
	var s report.Summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if !s.CutOff || s.Verdict != report.Untrustworthy || s.Duration < 0.6 {
		t.Errorf("got cut off %t, %s after %v s; want a run of 6 intervals that was cut off", s.CutOff, s.Verdict, s.Duration)
	}
	if s.Connections.Opened != 50 || s.Connections.ByState["connected"] != 50 || s.Messages.Sent == 0 || s.Rig.Conservation != "ok" {
		t.Errorf("got %+v, %d sent, counts %s; want 50 connected that send", s.Connections, s.Messages.Sent, s.Rig.Conservation)
	}
	lines, err := os.ReadFile(filepath.Join(dir, "intervals.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if whole := bytes.Count(lines, []byte("\n")); whole < 6 {
		t.Errorf("got %d whole intervals, want the 6 of which progress was told", whole)
	}
}
