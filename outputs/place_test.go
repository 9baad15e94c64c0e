package outputs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/report"
)

func open(t *testing.T, f Format, to string, o Options) report.Sink {
	t.Helper()
	sink, err := Spec{f, to}.Sink(o)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestCheck: what can be known before a run is.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file:                             "",
		filepath.Join(dir, "new"):        "",
		os.DevNull:                       "",
		Stdout:                           "",
		dir:                              "got a directory, want a file",
		filepath.Join(dir, "no", "file"): "want one that is there",
		filepath.Join(file, "file"):      "file",
	} {
		err := Spec{JSON, path}.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if got := read(t, file); got != "old" {
		t.Errorf("got %q, want what was there", got)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}

// TestReplace: a document takes the place of what was there, with its mode, also behind a link; new files may be read
// by all.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	file, link, fresh := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "new")
	if err := os.WriteFile(file, []byte(strings.Repeat("old ", 10_000)), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip("SKIPPED: no symbolic links here:", err)
	}
	s := play(t, open(t, JSON, link, Options{}), open(t, JSON, fresh, Options{}))
	var want strings.Builder
	_ = s.WriteJSON(&want)
	for _, path := range []string{file, fresh} {
		if got := read(t, path); got != want.String() {
			t.Errorf("%s: got %q", path, got)
		}
	}
	if to, err := os.Readlink(link); err != nil || to != file {
		t.Errorf("the link: got %q, %v", to, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]os.FileMode{file: 0o640, fresh: 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()|0o022 != want|0o022 { // as the umask is
			t.Errorf("%s: got %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// TestJobSummary: a job's other steps write to its summary too, so it is added to; any other file is replaced.
func TestJobSummary(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "step_summary")
	for env, kept := range map[string]bool{file: true, filepath.Join(dir, "x", "..", "step_summary"): true, "": false, dir + "/other": false} {
		if err := os.WriteFile(file, []byte("built\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		play(t, open(t, Markdown, file, Options{Getenv: func(name string) string { return map[string]string{"GITHUB_STEP_SUMMARY": env}[name] }}))
		got := read(t, file)
		if strings.HasPrefix(got, "built\n\n## loadrig: FAIL") != kept || strings.Count(got, "## loadrig") != 1 {
			t.Errorf("%s: got %.40q, want what was there kept: %v", env, got, kept)
		}
	}
}

// TestAbandoned: a run without a summary leaves what was there.
func TestAbandoned(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	m, _, _ := run(t)
	for _, f := range []Format{Text, JSON, JUnit, Markdown} {
		sink := open(t, f, file, Options{})
		if err := errors.Join(sink.Begin(m), sink.End(nil)); err != nil {
			t.Error(err)
		}
	}
	if got := read(t, file); got != "old" {
		t.Errorf("got %q", got)
	}
}

// TestCutShort: what a killed run leaves of a file that grows is whole rows.
func TestCutShort(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	m, records, _ := run(t)
	sink := open(t, CSV, file, Options{})
	if err := errors.Join(sink.Begin(m), sink.Record(records[0])); err != nil {
		t.Fatal(err)
	}
	got := read(t, file) // before its end
	if err := sink.End(nil); err != nil {
		t.Fatal(err)
	}
	if got != read(t, file) || !strings.HasSuffix(got, "\n") || strings.Count(got, "\n") < 10 {
		t.Errorf("got %q", got)
	}
}

// TestDeviceFull: a disk without room is one clear line, before the run for what grows, and at its end for the rest.
func TestDeviceFull(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("SKIPPED: there is no", full)
	}
	m, records, _ := run(t)
	for _, f := range []Format{CSV, HGRM} {
		sink := open(t, f, full, Options{})
		err := sink.Begin(m)
		if want := string(f) + "=/dev/full: no space left on device"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if err := sink.End(nil); err != nil {
			t.Errorf("what did not begin: got %v at its end", err)
		}
	}
	b := report.NewBuilder(m)
	b.Record(records[0])
	for _, f := range []Format{Text, JSON, JUnit, Markdown} {
		sink := open(t, f, full, Options{})
		if err := sink.Begin(m); err != nil {
			t.Error(err)
		}
		err := sink.End(b.Summary())
		if want := string(f) + "=/dev/full: no space left on device"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// narrow is a disk that has room for some bytes, and later for more.
type narrow struct {
	file *os.File
	room int
}

var errFull = errors.New("no room")

func (n *narrow) Write(b []byte) (int, error) {
	k := min(len(b), n.room)
	n.room -= k
	if _, err := n.file.Write(b[:k]); err != nil {
		return 0, err
	}
	if k < len(b) {
		return k, errFull
	}
	return k, nil
}

// TestDiskFills: of a file that grows, rows that do not fit are left out as a whole, told of, and counted; when there
// is room again it goes on.
func TestDiskFills(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	m, records, _ := run(t)
	sink := open(t, CSV, file, Options{})
	if err := sink.Begin(m); err != nil {
		t.Fatal(err)
	}
	s := sink.(*series).stream
	disk := &narrow{file: s.file, room: 300}
	s.w = disk
	head := read(t, file)
	for range 2 {
		if err := sink.Record(records[0]); !errors.Is(err, errFull) || err.Error() != "csv="+file+": no room" {
			t.Errorf("got %v, want that there is no room", err)
		}
		if got := read(t, file); got != head {
			t.Errorf("got %q, want the head alone", got)
		}
		disk.room = 10
	}
	disk.room = 1 << 20
	if err := sink.Record(records[1]); err != nil {
		t.Error(err)
	}
	if err := sink.End(nil); err == nil || err.Error() != "csv="+file+": 2 intervals are missing: no room" {
		t.Errorf("got %v", err)
	}
	got := read(t, file)
	rest, ok := strings.CutPrefix(got, head)
	rows := strings.Count(rest, "\n")
	if want := len(records[1].Counters) + len(records[1].Gauges) + len(records[1].Histograms); !ok || rows != want || strings.Contains(got, "\x00") {
		t.Errorf("got %d rows behind the head, want %d:\n%q", rows, want, got)
	}
}

// TestStdoutGone: a reader that has gone is an error like any other.
func TestStdoutGone(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	m, _, _ := run(t)
	if err := open(t, CSV, Stdout, Options{Stdout: w}).Begin(m); err == nil || err.Error() != "csv=-: io: read/write on closed pipe" {
		t.Errorf("got %v", err)
	}
}
