package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs a command line in this process.
func call(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, talk bytes.Buffer
	code = Main(Process{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &talk,
		Getenv:      func(string) string { return "" },
		Executable:  os.Executable,
		Interrupted: func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
	})
	return code, out.String(), talk.String()
}

// TestExitCodes: what a script can tell apart.
func TestExitCodes(t *testing.T) {
	const good, bad = "players: {ann: {steps: [connect]}}\n", "players: {ann: {steps: [conect]}}\n"
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	goodFile, badFile, absent := file("good.yaml", good), file("bad.yaml", bad), filepath.Join(dir, "absent.yaml")
	badOutput, noPlace := file("output.yaml", good+"outputs: [x.json]\n"), file("place.yaml", good+"load: {players: 1}\noutputs: [json=no/x.json]\n")
	badVars := file("vars.yaml", "a: [\n")
	for _, c := range []struct {
		want int
		args []string
	}{
		{ExitPass, []string{"validate", goodFile}},
		{ExitScenario, []string{"validate", badFile}},
		{ExitScenario, []string{"validate", "--json", badFile}},
		{ExitScenario, []string{"validate", goodFile, badFile}},
		{ExitScenario, []string{"validate", "-e", "a=b", goodFile}},
		{ExitScenario, []string{"validate", "--vars", badVars, goodFile}},
		{ExitUsage, []string{"validate", absent}},
		{ExitUsage, []string{"validate", badFile, absent}},
		{ExitUsage, []string{"validate", dir}},
		{ExitUsage, []string{"validate", "--vars", absent, goodFile}},
		{ExitUsage, []string{"validate", "-e", "a", goodFile}},
		{ExitUsage, []string{"validate"}},
		{ExitUsage, []string{"validate", "--jsno", goodFile}},
		{ExitPass, []string{"schema"}},
		{ExitUsage, []string{"schema", "x"}},
		{ExitPass, []string{"schema", "summary"}},
		{ExitScenario, []string{"run", badOutput}},
		{ExitScenario, []string{"validate", badOutput}},
		{ExitUsage, []string{"run", noPlace}},
		{ExitUsage, []string{"run", "-o", "jsn=x"}},
		{ExitPass, []string{"init"}},
		{ExitUsage, []string{"init", "nothing"}},
		{ExitUsage, []string{"init", "echo", "-o", goodFile}},
		{ExitPass, []string{"init", "echo", "-o", goodFile, "--force"}},
	} {
		if got, _, stderr := call("", c.args...); got != c.want {
			t.Errorf("%s: got exit code %d, want %d; stderr %s", strings.Join(c.args, " "), got, c.want, stderr)
		}
	}
	for text, want := range map[string]int{good: ExitPass, bad: ExitScenario, "": ExitScenario} {
		if got, _, _ := call(text, "validate", "-"); got != want {
			t.Errorf("%q on stdin: got exit code %d, want %d", text, got, want)
		}
	}
}
