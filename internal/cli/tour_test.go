package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTour does what docs/tour.md says: the commands of each sh block, with the exit code that a comment behind one
// gives, and then each line of the text block after it is to be in what they printed. Blanks are worth as much as one,
// and … is anything on the line. A temporary folder stands in for the reader's, a free port for the one that is named,
// and the page's patience is longer: how fast this machine is, is not what is tested here.
func TestTour(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here to type the commands into:", err)
	}
	page, err := os.ReadFile(filepath.FromSlash("../../docs/tour.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := readTour(string(page))
	if len(steps) < 5 {
		t.Fatalf("got %d steps in docs/tour.md, want 5 or more: has its form changed?", len(steps))
	}
	dir := t.TempDir()
	env := append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(dir, "state"), "NO_COLOR=1",
		"LOADRIG_MAX_LAG=1m", "LOADRIG_TOLERANCE=1000", "LOADRIG_FLOOR=1m")
	for _, s := range steps {
		var out bytes.Buffer
		for _, c := range s.commands {
			c.line = strings.ReplaceAll(c.line, "go run ./cmd/loadrig", "loadrig")
			c.line = strings.ReplaceAll(c.line, "127.0.0.1:9464", "127.0.0.1:0")
			cmd := exec.Command("sh", "-c", c.line)
			cmd.Dir, cmd.Env = dir, env
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Run()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				t.Fatalf("%s: %v", c.line, err)
			}
			if got := cmd.ProcessState.ExitCode(); got != c.exit {
				t.Fatalf("%s: got exit code %d, want %d:\n%s", c.line, got, c.exit, &out)
			}
		}
		if len(s.lines) == 0 {
			t.Errorf("%v: got no text block after it, want what one sees", s.commands)
		}
		for _, line := range s.lines {
			if !tourPattern(line).MatchString(blanks.ReplaceAllString(out.String(), " ")) {
				t.Errorf("%v: got no line %q in:\n%s", s.commands, line, &out)
			}
		}
	}
}

// tourStep is a sh block of the tour and the text block after it.
type tourStep struct {
	commands []tourCommand
	lines    []string
}

type tourCommand struct {
	line string
	exit int
}

var (
	tourExit = regexp.MustCompile(` +# exits (\d+)$`)
	blanks   = regexp.MustCompile(`[ \t]+`)
	anything = regexp.MustCompile(` ?… ?`)
)

func readTour(page string) (steps []tourStep) {
	var in string
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```") && in != "":
			in = ""
		case strings.HasPrefix(line, "```"):
			if in = line[3:]; in == "sh" {
				steps = append(steps, tourStep{})
			}
		case in == "sh":
			c := tourCommand{line: line}
			if m := tourExit.FindStringSubmatch(line); m != nil {
				c.line = strings.TrimSuffix(line, m[0])
				c.exit, _ = strconv.Atoi(m[1])
			}
			s := &steps[len(steps)-1]
			s.commands = append(s.commands, c)
		case in == "text" && len(steps) > 0:
			s := &steps[len(steps)-1]
			s.lines = append(s.lines, line)
		}
	}
	return steps
}

// tourPattern matches a line that has what the page shows of it.
func tourPattern(line string) *regexp.Regexp {
	line = strings.ReplaceAll(strings.TrimSpace(line), "127.0.0.1:9464", "127.0.0.1:…")
	parts := anything.Split(blanks.ReplaceAllString(line, " "), -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(strings.Join(parts, ".*"))
}
