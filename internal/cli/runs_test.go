package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

// TestListRunsIsText: a terminal is sent no commands, whoever wrote the directory.
func TestListRunsIsText(t *testing.T) {
	var out bytes.Buffer
	list := []rundir.Entry{{Manifest: report.Manifest{ID: "a\x1b[2J", Name: "b\x1b]0;c\a\nd", URL: "ws://e\x9b2J/\tf"}, Verdict: report.Pass}}
	if err := listRuns(&Process{Stdout: &out}, "", list); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\a\u009b\t") || strings.Count(got, "\n") != 2 {
		t.Errorf("got %q, want two lines of text", got)
	}
}
