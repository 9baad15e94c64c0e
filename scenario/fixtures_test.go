package scenario

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files and the reference")

// golden compares got with a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if *update {
		if err != nil || string(want) != got {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if err != nil {
		t.Fatalf("%v (go test ./scenario -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", file, got, want)
	}
}

// fixtures gives the scenario files of a folder.
func fixtures(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yaml", "*.json"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("%s has no fixtures", dir)
	}
	return files
}

// readFixture loads a file. A first line of # -e NAME=VALUE … gives values.
func readFixture(t *testing.T, file string) (*Scenario, error) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var o Options
	first, _, _ := strings.Cut(string(b), "\n")
	if given, ok := strings.CutPrefix(first, "# -e "); ok {
		o.Vars = make(map[string]string)
		for pair := range strings.SplitSeq(given, " -e ") {
			name, value, err := ParseVar(pair)
			if err != nil {
				t.Fatal(err)
			}
			o.Vars[name] = value
		}
	}
	return Read(strings.NewReader(string(b)), filepath.Base(file), filepath.Dir(file), o)
}

// TestBad: each fixture is refused with exactly the message of its golden file.
func TestBad(t *testing.T) {
	for _, file := range fixtures(t, "testdata/bad") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := readFixture(t, file)
			var p *Problems
			if !errors.As(err, &p) {
				t.Fatalf("got error %v, want *Problems", err)
			}
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+".txt", p.Error()+"\n")
		})
	}
}

// TestGood: each fixture compiles to the listing of its golden file.
func TestGood(t *testing.T) {
	for _, file := range fixtures(t, "testdata/good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := readFixture(t, file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+".txt", listing(s))
		})
	}
}

func listing(s *Scenario) string {
	var b strings.Builder
	if s.URL != nil {
		fmt.Fprintf(&b, "url %v\n", s.URL)
	}
	for _, h := range s.Headers {
		fmt.Fprintf(&b, "header %s: %v\n", h.Name, h.Value)
	}
	if i := s.Identity; i != nil {
		fmt.Fprintf(&b, "identity %v %v %v %v %v\n", i.User, i.Organization, i.Project, i.World, i.LaunchContext)
	}
	for i, f := range s.Feeds {
		fmt.Fprintf(&b, "feed %d %s: %s, %d rows\n", i, f.Name, f.Order, s.Rows[i].Len())
	}
	for _, names := range []struct {
		kind string
		list []string
	}{{"request", s.Requests}, {"check", s.Checks}, {"delivery", s.Deliveries}, {"tick", s.Ticks}} {
		for i, name := range names.list {
			fmt.Fprintf(&b, "%s %d %s\n", names.kind, i, name)
		}
	}
	for _, t := range s.Thresholds {
		read, err := t.Parse(s.Names())
		if err != nil {
			fmt.Fprintf(&b, "threshold: %v\n", err)
			continue
		}
		fmt.Fprintf(&b, "threshold %s, window %v, delay %v, abort %t\n", read.Canonical(), t.Window, t.Delay, t.Abort)
	}
	for _, p := range s.Programs {
		b.WriteString(p.String())
	}
	return b.String()
}
