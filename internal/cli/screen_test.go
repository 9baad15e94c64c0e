//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/report"
)

// tmux is a terminal with a shell in it, which tmux keeps the screen of.
type tmux struct {
	t      *testing.T
	socket string
	w, h   int
}

// terminalOf gives a terminal of a size, with a shell whose environment is a user's. The shell's prompt is "$ ".
func terminalOf(t *testing.T, w, h int, env ...string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tmux is not installed, and must be in CI: apt-get install tmux")
		}
		t.Skip("SKIPPED: tmux is not installed: apt-get install tmux")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "loadrig")); err != nil {
		t.Fatal(err)
	}
	c := &tmux{t: t, socket: filepath.Join(dir, "s"), w: w, h: h}
	env = append([]string{
		"-i", "LOADRIG_TEST_AS_PROGRAM=1", "TERM=tmux-256color", "LC_ALL=C.UTF-8", "HOME=" + dir, "PS1=$ ", "PATH=" + dir + ":" + os.Getenv("PATH"),
	}, env...)
	for i := range env {
		env[i] = "'" + env[i] + "'"
	}
	c.run("-f", "/dev/null", "-u", "new-session", "-d", "-c", dir, "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), "exec env "+strings.Join(env, " ")+" sh")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", c.socket, "kill-server").Run() })
	c.await(`^\$ $`)
	return c
}

func (c *tmux) run(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", c.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// screen gives what is on the screen; with history, also what was before.
func (c *tmux) screen(history bool) string {
	c.t.Helper()
	args := []string{"capture-pane", "-p", "-N"}
	if history {
		args = append(args, "-S", "-200", "-J")
	}
	return c.run(args...)
}

// await waits until there is a match on the screen.
func (c *tmux) await(pattern string) string {
	c.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(time.Minute); ; time.Sleep(30 * time.Millisecond) { // between two looks
		s := c.screen(false)
		if re.MatchString(s) {
			return s
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s never came on the screen:\n%s", pattern, s)
		}
	}
}

// keys types.
func (c *tmux) keys(keys ...string) { c.t.Helper(); c.run(append([]string{"send-keys"}, keys...)...) }

// command types a command, which says its exit code at its end. A shell gives up a line in which something was ended
// by SIGINT, but for the trap.
func (c *tmux) command(line string) {
	c.t.Helper()
	c.keys(`trap : INT; `+line+`; echo "exit=$?"`, "Enter")
}

// fits checks that what is on the screen is no wider and no longer than it.
func (c *tmux) fits(s string) {
	c.t.Helper()
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(lines) > c.h {
		c.t.Errorf("got %d rows, want %d", len(lines), c.h)
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > c.w {
			c.t.Errorf("got %d columns, want %d: %s", n, c.w, l)
		}
	}
}

// restored waits for the end of the command, and checks that the terminal is as it was before; it gives all that is
// on the screen and above.
func (c *tmux) restored(exit string) string {
	c.t.Helper()
	c.await("^exit=" + exit + " *$")
	if got := strings.TrimSpace(c.run("display-message", "-p", "#{alternate_on}#{cursor_flag}#{keypad_flag}#{mouse_any_flag}")); got != "0100" {
		c.t.Errorf("got alternate screen, cursor, keypad, mouse %s, want 0100", got)
	}
	s := c.screen(true)
	c.keys("clear; stty -a", "Enter")
	c.await(`extproc *\n\$ $`)
	got := c.run("capture-pane", "-p", "-J")
	for _, on := range []string{"isig", "icanon", "echo", "icrnl", "opost", "onlcr"} {
		if !regexp.MustCompile(`(?m)(^| )` + on + `( |$)`).MatchString(got) {
			c.t.Errorf("the terminal is not as it was, it lacks %s:\n%s", on, got)
		}
	}
	return s
}

const aRun = "loadrig run -c 50 -d 10m --rate 100/s --max-lag 1m --threshold 'p(95)<1m' --run-dir none "

// TestScreen: on a terminal a run is shown as it goes on; keys turn pages, and q is Ctrl-C.
func TestScreen(t *testing.T) {
	for _, c := range []struct{ w, h int }{{80, 24}, {200, 50}, {40, 10}} {
		t.Run(fmt.Sprintf("%dx%d", c.w, c.h), func(t *testing.T) {
			term := terminalOf(t, c.w, c.h)
			term.command(aRun)
			s := term.await("50 of 50 connected|50 connected of 50 asked")
			term.fits(s)
			for _, want := range []string{"loadrig ws://127.0.0.1:", "of 10:00", "pass so far", "p50", "1 hold|✓ holds", "q end"} {
				if !regexp.MustCompile(want).MatchString(s) {
					t.Errorf("the screen has no %s:\n%s", want, s)
				}
			}
			term.keys("?")
			term.fits(term.await("The run goes on"))
			term.keys("?", "d")
			term.fits(term.await("^ run  .* shards|lines 1 to"))
			term.keys("d", "p")
			paused := term.await("PAUSED")
			term.fits(paused)
			term.keys("q")
			term.await("PAUSED|ENDING|PASS|exit=") // a busy machine shows the end first
			s = term.restored("105")
			for _, want := range []string{"started an echo server", "50 players to ws://", "PASS, interrupted", "p\\(95\\)<1m .* yes", "shutdown .* 50", "counts ok"} {
				if !regexp.MustCompile(want).MatchString(s) {
					t.Errorf("after it, there is no %s:\n%s", want, s)
				}
			}
		})
	}
}

// TestScreenEnds: a run that ends in time gives the terminal back by itself, and stdout has the summary and nothing
// else. Notes said meanwhile follow.
func TestScreenEnds(t *testing.T) {
	term := terminalOf(t, 80, 24)
	file := filepath.Join(t.TempDir(), "out")
	term.command("loadrig run -c 20 -d 1s --max-lag 1m --json > " + file)
	s := term.restored("0")
	for _, want := range []string{"started an echo server", "kept as "} {
		if !strings.Contains(s, want) {
			t.Errorf("stderr has no %s:\n%s", want, s)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var sum report.Summary
	if err := json.Unmarshal(b, &sum); err != nil || sum.Verdict != report.Pass || b[0] != '{' {
		t.Errorf("stdout: %v in %q", err, b)
	}
}

// TestScreenTwice: the second q ends the program at once, as the second interrupt does; the terminal is given back
// before.
func TestScreenTwice(t *testing.T) {
	for name, again := range map[string]func(*tmux, *os.Process){
		"keys":    func(c *tmux, _ *os.Process) { c.keys("C-c") },
		"signals": func(c *tmux, p *os.Process) { _ = p.Signal(os.Interrupt) },
	} {
		t.Run(name, func(t *testing.T) {
			silent := wstest.Serve(t, func(c net.Conn) { // not to a close frame either, so that the end takes a while
				if _, err := wstest.Accept(c); err == nil {
					_, _ = io.Copy(io.Discard, c)
				}
			})
			term := terminalOf(t, 80, 24)
			pid := filepath.Join(t.TempDir(), "pid")
			term.command("sh -c 'echo $$ > " + pid + "; exec loadrig run -c 5 -d 10m --max-lag 1m --run-dir none --traffic pingpong --url " + silent.URL() + "'")
			term.await("5 connected of 5 asked")
			b, err := os.ReadFile(pid)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			p, err := os.FindProcess(n)
			if err != nil {
				t.Fatal(err)
			}
			if name == "keys" {
				term.keys("q")
			} else if err := p.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			term.await("ENDING")
			again(term, p)
			if s := term.restored("130"); strings.Contains(s, "interrupted") { // 128 and SIGINT
				t.Errorf("got a report:\n%s", s)
			}
		})
	}
}

// TestNoScreen: what asks for lines gets them, on a terminal too.
func TestNoScreen(t *testing.T) {
	const run = "loadrig run -c 5 -d 1s --max-lag 1m --run-dir none --interval 200ms "
	for name, c := range map[string]struct{ line, env string }{
		"flag":       {run + "--no-tui", ""},
		"variable":   {run, "LOADRIG_NO_TUI=true"},
		"CI":         {run, "CI=1"},
		"NO_COLOR":   {run, "NO_COLOR=1"},
		"dumb":       {run, "TERM=dumb"},
		"pipe":       {run + "2>&1 | cat", ""},
		"stdin":      {run + "< /dev/null", ""},
		"background": {run + "& wait", ""},
		"stdout":     {run + "-o text=-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := []string{}
			if c.env != "" {
				env = append(env, c.env)
			}
			term := terminalOf(t, 120, 50, env...)
			term.command(c.line)
			s := term.restored("0")
			if !regexp.MustCompile(`(?m)^ +\d+s  connected=5/5 .*sent=\d+/s received=\d+/s`).MatchString(s) || !strings.Contains(s, "PASS") {
				t.Errorf("got\n%s", s)
			}
		})
	}
}

// TestScreenASCII: where the locale has no more than ASCII, nothing else is drawn.
func TestScreenASCII(t *testing.T) {
	term := terminalOf(t, 80, 24, "LC_ALL=C")
	term.command(aRun)
	s := term.await("50 connected of 50 asked")
	for _, r := range s {
		if r > '~' {
			t.Fatalf("got %q on\n%s", r, s)
		}
	}
	term.keys("q")
	term.restored("105")
}
