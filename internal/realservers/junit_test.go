package realservers

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/outputs"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
)

// TestJUnitSchemas: JUnit XML of runs that pass, fail and are not to be trusted is valid by both common schemas, as
// libxml2 reads them.
func TestJUnitSchemas(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		need(t, "xmllint", "apt-get install libxml2-utils")
	}
	dir := t.TempDir()
	file := func(name string) report.Sink {
		sink, err := outputs.Spec{Format: outputs.JUnit, Destination: filepath.Join(dir, name)}.Sink(outputs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return sink
	}
	storyOf(t, file("pass.xml"))
	c := rig.Config{URL: wstest.Serve(t, wstest.Echo).URL(), Connections: 2, Duration: time.Second, Traffic: players.Paced, MessageRate: 20, Size: 64,
		MaxLag: time.Nanosecond, Sinks: []report.Sink{file("untrustworthy.xml")}, Name: "late\x1b", Tags: map[string]string{"a b": "<&>"}}
	if s := run(t, c); s.Verdict != report.Untrustworthy {
		t.Errorf("got %s, want untrustworthy", s.Verdict)
	}
	c.URL, c.MaxLag, c.Sinks = "ws://"+freeAddress(t)+"/", time.Minute, []report.Sink{file("fail.xml")}
	if s := run(t, c); s.Verdict != report.Fail {
		t.Errorf("got %s, want fail", s.Verdict)
	}
	for _, schema := range []string{"ant.xsd", "jenkins.xsd"} {
		out, err := exec.Command(xmllint, "--nonet", "--noout", "--schema", "testdata/junit/"+schema,
			dir+"/pass.xml", dir+"/untrustworthy.xml", dir+"/fail.xml").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", schema, err, out)
		}
	}
	// A schema that takes everything would be none.
	bad := write(t, dir, "bad.xml", "<testsuites><testsuite/></testsuites>")
	if exec.Command(xmllint, "--nonet", "--noout", "--schema", "testdata/junit/ant.xsd", bad).Run() == nil {
		t.Error("the schema takes a suite without a name")
	}
}
