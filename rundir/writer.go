package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// The files of a run.
const (
	manifestName  = "manifest.json"
	intervalsName = "intervals.jsonl"
	eventsName    = "events.jsonl"
	summaryName   = "summary.json"
	pageName      = "report.html" // made of the others, to look at
)

// maxEvents bounds the events that are kept of a run: what happens more often is told by the records.
const maxEvents = 10_000

// Writer is a report.Sink that writes a run directory. What the disk does not take is an error of that record or
// event only: the next one is tried again, on a line of its own.
type Writer struct {
	parent, path string
	intervals    log
	events       log
	kept         int // events so far, but for those that come once
}

// NewWriter makes the writer of a run: of path if that is given, which must not be there or be empty, else of a
// directory in parent named by the run's id. Nothing is made before Begin.
func NewWriter(parent, path string) *Writer { return &Writer{parent: parent, path: path} }

// Path gives the directory; with a parent it is known from Begin on.
func (w *Writer) Path() string { return w.path }

// Begin implements report.Sink: it makes the directory.
func (w *Writer) Begin(m *report.Manifest) error {
	if w.path == "" {
		w.path = filepath.Join(w.parent, m.ID)
	}
	if err := w.begin(m); err != nil {
		_ = errors.Join(w.intervals.close(), w.events.close()) // nobody ends what did not begin
		return fmt.Errorf("run directory %s: %w", w.path, reason(err))
	}
	return nil
}

func (w *Writer) begin(m *report.Manifest) error {
	if err := os.MkdirAll(w.path, 0o700); err != nil {
		return err
	}
	inside, err := os.ReadDir(w.path)
	if err != nil {
		return err
	}
	if len(inside) > 0 {
		return fmt.Errorf("got one that is not empty (it has %s), want a new one", inside[0].Name())
	}
	if err := writeWhole(filepath.Join(w.path, manifestName), m); err != nil {
		return err
	}
	for name, l := range map[string]*log{intervalsName: &w.intervals, eventsName: &w.events} {
		if l.file, err = os.OpenFile(filepath.Join(w.path, name), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Record implements report.Sink.
func (w *Writer) Record(r *metrics.Record) error { return w.append(&w.intervals, r) }

// Event implements report.Sink.
func (w *Writer) Event(e report.Event) error {
	switch e.Kind {
	case report.LoadOver, report.Aborted, report.Ended: // what comes once, and a run cannot be read without
	default:
		if w.kept++; w.kept > maxEvents {
			return nil
		}
	}
	return w.append(&w.events, e)
}

func (w *Writer) append(l *log, v any) error {
	if err := l.append(v); err != nil {
		return fmt.Errorf("run directory %s: %w", w.path, reason(err))
	}
	return nil
}

// End implements report.Sink. The directory is whole afterwards, also if the power fails.
func (w *Writer) End(s *report.Summary) error {
	errs := []error{w.intervals.close(), w.events.close()}
	if s != nil {
		errs = append(errs, writeWhole(filepath.Join(w.path, summaryName), s))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("run directory %s: %w", w.path, reason(err))
	}
	return nil
}

// log is a file of lines.
type log struct {
	file *os.File
	torn bool // the last line may be there in part
}

// append writes v as one line, with one write: what a kill leaves is the line or nothing of it, as far as the kernel
// took it.
func (l *log) append(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	_, err = l.file.Write(append(line, '\n'))
	l.torn = err != nil
	return err
}

func (l *log) close() error {
	if l.file == nil {
		return nil
	}
	return errors.Join(l.file.Sync(), l.file.Close())
}

// writeWhole writes v to a file that is there whole or not at all.
func writeWhole(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeBytes(path, append(b, '\n'))
}

// writeBytes is writeWhole of what is written as it is.
func writeBytes(path string, b []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path + ".tmp")
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil { // the name is on the disk then too, where a system can do that
		_ = errors.Join(dir.Sync(), dir.Close())
	}
	return nil
}

// reason leaves out of a file's error what goes before it anyway.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", path.Op, filepath.Base(path.Path), path.Err)
	}
	return err
}
