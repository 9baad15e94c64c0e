package rundir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/report"
)

func TestDefault(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/loadrig/runs"},
		{map[string]string{"XDG_STATE_HOME": "x", "HOME": "/h"}, "/h/.local/state/loadrig/runs"},
		{map[string]string{"HOME": "h"}, ""},
		{nil, ""},
	} {
		got, err := Default(func(name string) string { return c.env[name] })
		if got != filepath.FromSlash(c.want) || (err != nil) != (c.want == "") {
			t.Errorf("%v: got %q, %v, want %q", c.env, got, err, c.want)
		}
	}
}

// three writes three runs, and beside them what is none.
func three(t *testing.T) (parent string) {
	parent = t.TempDir()
	for n := 1; n <= 3; n++ {
		aRun(t, n, NewWriter(parent, ""))
	}
	must(t, os.Remove(filepath.Join(parent, "20261125-120002-c0ffee", summaryName)))
	must(t, os.Mkdir(filepath.Join(parent, "other"), 0o700))
	must(t, os.WriteFile(filepath.Join(parent, "file"), nil, 0o600))
	return parent
}

func TestList(t *testing.T) {
	list, err := List(three(t))
	must(t, err)
	var got []string
	for _, e := range list {
		got = append(got, e.Manifest.ID+" "+string(e.Verdict))
		if e.Bytes < 1000 || e.Touched.IsZero() {
			t.Errorf("%s: got %d bytes, touched %v", e.Manifest.ID, e.Bytes, e.Touched)
		}
	}
	if d := cmp.Diff([]string{"20261125-120003-c0ffee pass", "20261125-120002-c0ffee ", "20261125-120001-c0ffee pass"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if list, err := List(filepath.Join(t.TempDir(), "nowhere")); list != nil || err != nil {
		t.Errorf("got %v, %v, want nothing", list, err)
	}
}

func TestFind(t *testing.T) {
	parent := three(t)
	for what, want := range map[string]string{
		parent:                           parent,
		"20261125-120001-c0ffee":         "20261125-120001-c0ffee",
		"20261125-120002":                "20261125-120002-c0ffee",
		"last":                           "20261125-120003-c0ffee",
		"last~0":                         "20261125-120003-c0ffee",
		"last~2":                         "20261125-120001-c0ffee",
		"market day":                     "20261125-120003-c0ffee",
		"20261125-12":                    "got the beginning of 3 ids, want that of one",
		"last~3":                         "there are 3 runs in " + parent,
		"last~x":                         "want last~N with a whole number",
		"last~1x":                        "want last~N with a whole number",
		"nothing":                        "got neither a directory nor the id or the name of a run in " + parent,
		"":                               "got neither",
		filepath.Join(parent, "nothing"): "got neither",
	} {
		got, err := Find(parent, what)
		switch {
		case err == nil && got != want && got != filepath.Join(parent, want):
			t.Errorf("%q: got %s, want %s", what, got, want)
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%q: got %v, want %s", what, err, want)
		}
	}
}

// TestFindBesideDirectories: a directory that is called as a run is does not hide it, unless it is one.
func TestFindBesideDirectories(t *testing.T) {
	parent := three(t)
	t.Chdir(t.TempDir())
	for _, name := range []string{"last", "results"} {
		must(t, os.Mkdir(name, 0o700))
	}
	for what, want := range map[string]string{"last": filepath.Join(parent, "20261125-120003-c0ffee"), "./last": "./last", "results": "results"} {
		if got, err := Find(parent, what); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", what, got, err, want)
		}
	}
	aRun(t, 1, NewWriter("", "last"))
	if got, err := Find(parent, "last"); err != nil || got != "last" {
		t.Errorf("got %s, %v, want the directory of a run", got, err)
	}
}

// TestNamed: a run has the name that its user gave it, or else its scenario's.
func TestNamed(t *testing.T) {
	chat := &report.ManifestScenario{Name: "chat"}
	for _, c := range []struct {
		m    report.Manifest
		want string
	}{
		{report.Manifest{Name: "monday", Scenario: chat}, "monday"},
		{report.Manifest{Scenario: chat}, "chat"},
		{report.Manifest{Traffic: "paced"}, ""},
	} {
		e := Entry{Manifest: c.m}
		for _, name := range []string{"monday", "chat", "paced"} {
			if got := e.named(name); got != (name == c.want) {
				t.Errorf("%q is called %q: got %t", c.want, name, got)
			}
		}
	}
}

// TestPrune: the oldest go; what is under way, and what loadrig did not write, stays.
func TestPrune(t *testing.T) {
	parent := three(t)
	if removed, err := Prune(parent, 0, time.Now()); removed != nil || err != nil {
		t.Errorf("just written: got %v, %v", removed, err)
	}
	later := time.Now().Add(time.Hour)
	removed, err := Prune(parent, 1, later)
	must(t, err)
	if want := []string{filepath.Join(parent, "20261125-120002-c0ffee"), filepath.Join(parent, "20261125-120001-c0ffee")}; !cmp.Equal(removed, want) {
		t.Errorf("got %v, want %v", removed, want)
	}
	thesis := filepath.Join(parent, "20261125-120003-c0ffee", "thesis.tex")
	must(t, os.WriteFile(thesis, nil, 0o600))
	if _, err := Prune(parent, 0, later); err == nil {
		t.Error("a directory with something else in it: got no error")
	}
	for _, path := range []string{thesis, filepath.Join(filepath.Dir(thesis), manifestName)} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestPruneUnderWay: a run with long intervals is silent between them, and stays.
func TestPruneUnderWay(t *testing.T) {
	parent := t.TempDir()
	w := NewWriter(parent, "")
	must(t, w.Begin(&report.Manifest{Schema: report.ManifestSchema, ID: "x", Interval: 300}))
	removed, err := Prune(parent, 0, time.Now().Add(10*time.Minute))
	if removed != nil || err != nil {
		t.Errorf("got %v, %v, want that it stays", removed, err)
	}
	must(t, w.End(nil))
	if removed, err := Prune(parent, 0, time.Now().Add(12*time.Minute)); len(removed) != 1 || err != nil {
		t.Errorf("cut off: got %v, %v, want that it goes", removed, err)
	}
}

// TestPruneGoesOn: a run that has to stay keeps none of the others, and of a link only the link is removed.
func TestPruneGoesOn(t *testing.T) {
	parent, elsewhere := three(t), t.TempDir()
	must(t, os.WriteFile(filepath.Join(parent, "20261125-120003-c0ffee", "thesis.tex"), nil, 0o600))
	w := NewWriter(elsewhere, "")
	aRun(t, 4, w)
	link := filepath.Join(parent, "link")
	if err := os.Symlink(w.Path(), link); err != nil {
		t.Skip("SKIP: no links here: ", err)
	}
	removed, err := Prune(parent, 0, time.Now().Add(time.Hour))
	if err == nil || !strings.Contains(err.Error(), "got thesis.tex in it") {
		t.Errorf("got %v, want that one stays", err)
	}
	var names []string
	for _, path := range removed {
		names = append(names, filepath.Base(path))
	}
	slices.Sort(names)
	if d := cmp.Diff([]string{"20261125-120001-c0ffee", "20261125-120002-c0ffee", "link"}, names); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if _, damage := replay(t, w.Path()); damage != (Damage{}) {
		t.Errorf("what a link leads to: got damage %v", damage)
	}
}

// TestListWithinASecond: of two runs that began within a second, the later one is the newest.
func TestListWithinASecond(t *testing.T) {
	parent := t.TempDir()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for i, id := range []string{"20261125-120000-ff", "20261125-120000-00"} {
		w := NewWriter(parent, "")
		must(t, w.Begin(&report.Manifest{Schema: report.ManifestSchema, ID: id, Started: at.Add(time.Duration(i) * time.Millisecond)}))
		must(t, w.End(nil))
	}
	if got, err := Find(parent, "last"); err != nil || filepath.Base(got) != "20261125-120000-00" {
		t.Errorf("got %s, %v, want the later one", got, err)
	}
}

// TestPage: a page that a run was drawn in is part of what the run takes, and goes with it.
func TestPage(t *testing.T) {
	parent := t.TempDir()
	w := NewWriter(parent, "")
	aRun(t, 1, w)
	before, err := List(parent)
	must(t, err)
	r, err := Open(w.Path())
	must(t, err)
	for _, page := range []string{"an old page", "page"} {
		path, err := r.WritePage([]byte(page))
		must(t, err)
		b, err := os.ReadFile(path)
		must(t, err)
		if string(b) != page {
			t.Errorf("got %q, want %q", b, page)
		}
	}
	list, err := List(parent)
	must(t, err)
	if got, want := list[0].Bytes, before[0].Bytes+4; got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
	removed, err := Prune(parent, 0, time.Now().Add(time.Hour))
	must(t, err)
	if _, err := os.Stat(w.Path()); len(removed) != 1 || !os.IsNotExist(err) {
		t.Errorf("got %v removed, %v", removed, err)
	}
}
