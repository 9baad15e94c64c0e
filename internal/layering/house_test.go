package layering

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/messages"
)

var update = flag.Bool("update", false, "write the transition table into docs/architecture.md")

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOneCommand: the README, the Makefile and CI run the tests by the same command.
func TestOneCommand(t *testing.T) {
	for file, line := range map[string]string{
		"README.md": "\ngo test ./... ",
		"Makefile":  "\n\tgo test ./...\n",
		".ci/run":   "\ngo test ./...\n",
	} {
		if !strings.Contains(read(t, file), line) {
			t.Errorf("%s does not run the tests by %q", file, strings.TrimSpace(line))
		}
	}
	// Nothing may come after it, so that go test's own closing lines are CI's.
	if !strings.HasSuffix(read(t, ".ci/run"), "\ngo test ./...\n") {
		t.Error(".ci/run does not end with the tests")
	}
}

// TestFloorsAreInDocs: every package is in docs/architecture.md.
func TestFloorsAreInDocs(t *testing.T) {
	doc := read(t, "docs/architecture.md")
	for _, r := range rules {
		if r.floor != beside && !strings.Contains(doc, "`"+r.pkg+"`") {
			t.Errorf("docs/architecture.md lacks %s", r.pkg)
		}
	}
}

const tableBegin, tableEnd = "<!-- transitions: begin -->\n", "<!-- transitions: end -->"

// transitions renders the transition table; an empty cell is a refusal.
func transitions() string {
	var b strings.Builder
	b.WriteString("| |")
	for in := range messages.Input(messages.NumInputs) {
		b.WriteString(" " + in.String() + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", 1+messages.NumInputs) + "\n")
	for _, from := range messages.States() {
		b.WriteString("| " + from.String() + " |")
		for in := range messages.Input(messages.NumInputs) {
			if next := messages.Next(from, in); next.Err == nil {
				b.WriteString(" " + next.To.String())
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestTransitions holds the table in docs/architecture.md to the one in the code.
func TestTransitions(t *testing.T) {
	const file = "docs/architecture.md"
	before, rest, ok := strings.Cut(read(t, file), tableBegin)
	got, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s lacks %q or %q", file, tableBegin, tableEnd)
	}
	want := transitions()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s: the table is not the code's (go test ./internal/layering -update writes it):\ngot\n%swant\n%s", file, got, want)
	}
	if err := os.WriteFile(filepath.Join(root, file), []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
