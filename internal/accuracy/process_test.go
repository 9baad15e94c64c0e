//go:build unix

package accuracy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loadrig/loadrig/report"
)

// program gives a command that is loadrig, without the environment's flags.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LOADRIG_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	// With the race detector a process else sleeps a second before it ends.
	cmd.Env = append(cmd.Env, asProgram+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// server is a target in a process of its own.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	url   string
	log   string
}

func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	s := &server{t: t, log: filepath.Join(t.TempDir(), "truth.log")}
	s.cmd = program(t, append([]string{"target", "echo", "--with-parent", "--delay-log", s.log}, flags...)...)
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	s.stdin, s.out = in, bufio.NewReader(out)
	line, err := s.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	s.url = strings.TrimSpace(line)
	return s
}

// stop ends the server and gives its log.
func (s *server) stop() account {
	s.t.Helper()
	_ = s.stdin.Close()
	counts, err := s.out.ReadString('\n')
	if err == nil {
		err = s.cmd.Wait()
	}
	if err != nil {
		s.t.Fatalf("the server: %v, counts %q", err, counts)
	}
	text, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := readAccount(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// outcome is a run that is over.
type outcome struct {
	summary report.Summary
	exit    int
	frozen  window // when the rig stood still
}

// shoot runs paced players, with more flags, and freezes the rig for a while in the middle if it is told to.
func shoot(t *testing.T, url string, length, freezeFor time.Duration, flags ...string) outcome {
	t.Helper()
	cmd := program(t, append([]string{"run", "-q", "--json", "--url", url, "-c", strconv.Itoa(numPlayers),
		"--msg-rate", strconv.Itoa(perPlayer) + "/s", "-d", length.String()}, flags...)...)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(length+time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var o outcome
	if freezeFor > 0 {
		time.Sleep(length / 2)
		o.frozen = freeze(t, cmd.Process, freezeFor)
	}
	_ = cmd.Wait() // the exit code says it
	o.exit = cmd.ProcessState.ExitCode()
	if err := json.Unmarshal(stdout.Bytes(), &o.summary); err != nil {
		t.Fatalf("exit code %d, summary %q: %v", o.exit, stdout.String(), err)
	}
	return o
}

// freeze stops a process for a while, and gives when it stood still.
func freeze(t *testing.T, p *os.Process, d time.Duration) window {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	time.Sleep(d)
	end := time.Now()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	return window{begin.UnixNano(), end.UnixNano()}
}
