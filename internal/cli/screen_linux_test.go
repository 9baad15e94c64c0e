package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/loadrig/loadrig/report"
)

// TestScreenHalted: a terminal that takes nothing any more holds up neither the run nor its end. The summary is whole
// where stdout is a file; where it is that terminal too, the exit code says that the summary could not be written.
func TestScreenHalted(t *testing.T) {
	for name, file := range map[string]string{"stdout a file": "out", "stdout the terminal": ""} {
		want := ExitPass
		if file == "" {
			want = ExitInternal
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, inner, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			defer inner.Close()
			if err := pty.Setsize(inner, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, "run", "-c", "10", "-d", "2s", "--interval", "100ms", "--max-lag", "1m", "--run-dir", "none", "--json")
			cmd.Env = []string{"LOADRIG_TEST_AS_PROGRAM=1", "TERM=xterm", "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
			cmd.Stdin, cmd.Stdout, cmd.Stderr = inner, inner, inner
			if file != "" {
				file = filepath.Join(t.TempDir(), file)
				out, err := os.Create(file)
				if err != nil {
					t.Fatal(err)
				}
				defer out.Close()
				cmd.Stdout = out
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			var shown strings.Builder
			for b := make([]byte, 4096); !strings.Contains(shown.String(), "players"); {
				n, err := ours.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				shown.Write(b[:n])
			}
			if err := unix.IoctlSetInt(int(inner.Fd()), unix.TCXONC, unix.TCOOFF); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
				if code := cmd.ProcessState.ExitCode(); code != want {
					t.Errorf("got exit code %d, want %d", code, want)
				}
			case <-time.After(time.Minute):
				t.Fatal("it does not end")
			}
			if file == "" {
				return
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s report.Summary
			if err := json.Unmarshal(b, &s); err != nil || s.Verdict != report.Pass {
				t.Errorf("stdout: %v in %q", err, b)
			}
		})
	}
}
