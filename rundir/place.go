package rundir

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/loadrig/loadrig/report"
)

// Default gives the directory that runs are kept in, by the user's environment: $XDG_STATE_HOME/loadrig/runs, by
// default ~/.local/state/loadrig/runs; on Windows %LocalAppData%\loadrig\runs. An error if the environment does not
// tell.
func Default(getenv func(string) string) (string, error) {
	if d := getenv("XDG_STATE_HOME"); filepath.IsAbs(d) { // a relative one is to be ignored
		return filepath.Join(d, "loadrig", "runs"), nil
	}
	if d := getenv("LocalAppData"); runtime.GOOS == "windows" && filepath.IsAbs(d) {
		return filepath.Join(d, "loadrig", "runs"), nil
	}
	if d := getenv("HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, ".local", "state", "loadrig", "runs"), nil
	}
	return "", errors.New("got neither XDG_STATE_HOME nor HOME, want one of them to keep runs under")
}

// Entry is a run in a list of runs.
type Entry struct {
	Path     string
	Manifest report.Manifest
	Verdict  report.Verdict // empty if the run has no summary: it is under way, or was cut off
	// Interrupted tells that it was ended before its time, so that the verdict is of a part of the load.
	Interrupted bool
	Bytes       int64     // that it takes
	Touched     time.Time // when something was last written to it
}

// named tells whether the run is called so: by its user, or else by its scenario.
func (e *Entry) named(what string) bool {
	if m := &e.Manifest; m.Name != "" || m.Scenario == nil {
		return m.Name == what
	}
	return e.Manifest.Scenario.Name == what
}

// List gives the runs that parent holds, the newest first. What is no run directory is left out; a parent that is
// not there holds none.
func List(parent string) ([]Entry, error) {
	names, err := os.ReadDir(parent)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var list []Entry
	for _, n := range names {
		path := filepath.Join(parent, n.Name())
		r, err := Open(path)
		if err != nil {
			continue
		}
		e := Entry{Path: path, Manifest: *r.Manifest()}
		if s, err := r.stored(); err == nil && s != nil {
			e.Verdict, e.Interrupted = s.Verdict, s.Interrupted
		}
		for _, name := range []string{manifestName, intervalsName, eventsName, summaryName, pageName} {
			if info, err := os.Stat(filepath.Join(path, name)); err == nil {
				e.Bytes += info.Size()
				if info.ModTime().After(e.Touched) {
					e.Touched = info.ModTime()
				}
			}
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { // an id tells the second only
		return cmp.Or(b.Manifest.Started.Compare(a.Manifest.Started), strings.Compare(b.Manifest.ID, a.Manifest.ID))
	})
	return list, nil
}

// Find gives the path of the run that a user means: a path to a run directory, or of those in parent the id, the
// beginning of one id only, the name of the newest run that has it, its own or else its scenario's, or last for the
// newest of all, last~1 for the one before it. A directory that is in no way a run is meant where nothing else is.
func Find(parent, what string) (string, error) {
	info, err := os.Stat(what)
	dir := err == nil && info.IsDir() && what != ""
	if dir {
		_, err := os.Stat(filepath.Join(what, manifestName))
		if err == nil || strings.ContainsAny(what, `/\`) {
			return what, nil
		}
	}
	list, err := List(parent)
	if err != nil {
		return "", err
	}
	if what == "last" || strings.HasPrefix(what, "last~") {
		back := 0
		if rest, ok := strings.CutPrefix(what, "last~"); ok {
			if n, err := fmt.Sscanf(rest, "%d", &back); n != 1 || err != nil || back < 0 || fmt.Sprint(back) != rest {
				return "", fmt.Errorf("run %q: want last~N with a whole number, as last~1", what)
			}
		}
		if back >= len(list) {
			return "", fmt.Errorf("run %q: there are %d runs in %s; see loadrig runs", what, len(list), parent)
		}
		return list[back].Path, nil
	}
	var found []string
	for _, e := range list {
		switch {
		case what == "":
		case e.Manifest.ID == what:
			return e.Path, nil
		case strings.HasPrefix(e.Manifest.ID, what):
			found = append(found, e.Path)
		}
	}
	for _, e := range list {
		if len(found) == 0 && what != "" && e.named(what) {
			return e.Path, nil
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if dir {
			return what, nil // Open says what it lacks
		}
		return "", fmt.Errorf("run %q: got neither a directory nor the id or the name of a run in %s; see loadrig runs", what, parent)
	default:
		return "", fmt.Errorf("run %q: got the beginning of %d ids, want that of one; see loadrig runs", what, len(found))
	}
}

// Prune removes the oldest runs of parent but for the newest keep of them, and gives the paths of those removed. What
// may be under way stays: a run without an end that was written to within two of its intervals and a minute, and any
// within the last minute. One that cannot be removed does not keep others: the error tells of all. Of a link the
// link only is removed: what it leads to is somebody else's.
func Prune(parent string, keep int, now time.Time) (removed []string, err error) {
	list, err := List(parent)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, e := range list {
		if i < keep || now.Sub(e.Touched) < e.quiet() {
			continue
		}
		if err := remove(e.Path); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, e.Path)
	}
	return removed, errors.Join(errs...)
}

// quiet is for how long nothing is written to a run that is over.
func (e *Entry) quiet() time.Duration {
	if e.Verdict != "" {
		return time.Minute
	}
	const longest = 600 // seconds; no interval is longer
	return time.Minute + time.Duration(2*max(0, min(e.Manifest.Interval, longest))*1e9)
}

// ours are the files that loadrig writes, the manifest last: without it the rest is no run.
var ours = []string{manifestName + ".tmp", summaryName + ".tmp", pageName + ".tmp", pageName, intervalsName, eventsName, summaryName, manifestName}

// remove removes a run directory, unless it holds something that loadrig did not write.
func remove(path string) error {
	if info, err := os.Lstat(path); err != nil {
		return err
	} else if info.Mode()&os.ModeSymlink != 0 {
		return os.Remove(path)
	}
	inside, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, f := range inside {
		if !slices.Contains(ours, f.Name()) {
			return fmt.Errorf("run directory %s: got %s in it, which loadrig did not write; it stays", path, f.Name())
		}
	}
	for _, name := range ours {
		if err := os.Remove(filepath.Join(path, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Remove(path)
}
