package starve

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestShare: a process that wants a whole core gets about a twentieth of one.
func TestShare(t *testing.T) {
	p := Start(t, exec.Command("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.3f of a core, for %v", p.Share(), p.took)
	// Whatever else runs on that CPU takes its part, so the share may be much less.
	if got := p.Share(); got < .004 || got > .15 {
		t.Errorf("got %.3f of a core, want about .05", got)
	}
}

// TestOneCPU: it may run on one CPU only, or an idle machine would give it another.
func TestOneCPU(t *testing.T) {
	cmd := exec.Command("sed", "-n", "s/^Cpus_allowed_list:[[:space:]]*//p", "/proc/self/status")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := Start(t, cmd).Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := strconv.Atoi(strings.TrimSpace(out.String())); err != nil {
		t.Errorf("got %q, want the number of one", out.String())
	}
}

// TestEndsWithTest: nothing is left of what was not waited for.
func TestEndsWithTest(t *testing.T) {
	var pids []int
	t.Run("starve", func(t *testing.T) { pids = hold(t).pids() })
	if len(pids) < 2 {
		t.Skip("SKIPPED: no process can be starved here")
	}
	for _, pid := range pids {
		if runs(pid) {
			t.Errorf("process %d outlives its test", pid)
		}
	}
}

// TestEndsWithProcess: nothing is left either of a test that is killed.
func TestEndsWithProcess(t *testing.T) {
	if os.Getenv("STARVE_TEST_HOLD") != "" {
		fmt.Println(fmt.Sprint("pids ", hold(t).pids()))
		select {} // until it is killed
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestEndsWithProcess$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), "STARVE_TEST_HOLD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for lines := bufio.NewScanner(out); len(pids) == 0 && lines.Scan(); {
		list, ok := strings.CutPrefix(strings.TrimSuffix(lines.Text(), "]"), "pids [")
		for _, field := range strings.Fields(list) {
			if pid, err := strconv.Atoi(field); ok && err == nil {
				pids = append(pids, pid)
			}
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if len(pids) < 2 {
		t.Skip("SKIPPED: no process can be starved here")
	}
	for _, pid := range pids {
		for end := time.Now().Add(20 * time.Second); runs(pid); {
			if time.Now().After(end) {
				t.Fatalf("process %d outlives the one that started it", pid)
			}
		}
	}
}

// hold starves a process that does not end by itself.
func hold(t *testing.T) *Process { return Start(t, exec.Command(spin[0], spin[1:]...)) }

func (p *Process) pids() []int {
	pids := []int{p.cmd.Process.Pid}
	for _, b := range p.busy {
		pids = append(pids, b.Process.Pid)
	}
	return pids
}

// runs tells whether there is such a process, and it has not ended: nobody may have looked at its end yet.
func runs(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(b), ") ")
	return err == nil && state != "" && state[0] != 'Z' && state[0] != 'X'
}
