package rundir

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// Bounds of what is read: no run of loadrig comes near them.
const (
	maxManifest = 64 << 20 // bytes, of a manifest or a summary
	maxLine     = 64 << 20 // bytes, of a record or an event
)

// Run is a run directory that is read.
type Run struct {
	path     string
	manifest report.Manifest
	damage   Damage
}

// Open opens a run directory. The error says what is wrong with one that is not there, that is none, or that a newer
// loadrig wrote.
func Open(path string) (*Run, error) {
	wrap := func(err error) error { return fmt.Errorf("run directory %s: %w", path, err) }
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, wrap(errors.New("there is none; see loadrig runs"))
	case err != nil:
		return nil, wrap(reason(err))
	case !info.IsDir():
		return nil, wrap(errors.New("got a file, want the directory of a run"))
	}
	b, err := readAll(filepath.Join(path, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, wrap(errors.New("it has no " + manifestName + ", so no run of loadrig was kept in it"))
	} else if err != nil {
		return nil, wrap(reason(err))
	}
	r := &Run{path: path}
	if err := known(b, report.ManifestSchema); err != nil {
		return nil, wrap(fmt.Errorf("%s: %w", manifestName, err))
	}
	if err := json.Unmarshal(b, &r.manifest); err != nil {
		return nil, wrap(fmt.Errorf("%s: %w", manifestName, err))
	}
	if err := named(r.manifest.Scenario); err != nil {
		return nil, wrap(fmt.Errorf("%s: %w", manifestName, err))
	}
	return r, nil
}

// known checks that a document says that it is of the schema.
func known(b []byte, schema string) error {
	var of struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &of); err != nil {
		return fmt.Errorf("got no JSON that can be read (%w)", err)
	}
	if of.Schema == schema {
		return nil
	}
	name, version, _ := strings.Cut(schema, "/v")
	if got, v, ok := strings.Cut(of.Schema, "/v"); ok && got == name {
		mine, _ := strconv.Atoi(version)
		if theirs, err := strconv.Atoi(v); err == nil && theirs > mine {
			return fmt.Errorf("got %s, which a newer loadrig wrote; this one reads %s: use a newer one", of.Schema, schema)
		}
	}
	return fmt.Errorf("got schema %.60q, want %s: loadrig did not write it", of.Schema, schema)
}

// Path gives the directory.
func (r *Run) Path() string { return r.path }

// WritePage keeps a page that shows the run beside what it is made of, and gives its path. It takes the place of an
// earlier one.
func (r *Run) WritePage(page []byte) (string, error) {
	path := filepath.Join(r.path, pageName)
	if err := writeBytes(path, page); err != nil {
		return "", fmt.Errorf("run directory %s: %w", r.path, reason(err))
	}
	return path, nil
}

// Manifest gives what the run was to do. It must not be changed.
func (r *Run) Manifest() *report.Manifest { return &r.manifest }

// Damage is what of a run could not be read.
type Damage struct {
	Lines   int    // torn, or not understood
	Missing int    // records between others, or before the first, that are not there
	First   string // where the first damage is, and what
}

// String says what is damaged in a sentence; empty if nothing is.
func (d Damage) String() string {
	var what []string
	if d.Lines > 0 {
		what = append(what, fmt.Sprintf("lines that could not be read: %d", d.Lines))
	}
	if d.Missing > 0 {
		what = append(what, fmt.Sprintf("intervals that are missing: %d", d.Missing))
	}
	if d.First != "" {
		what = append(what, "the first: "+d.First)
	}
	return strings.Join(what, "; ")
}

// Damage gives what the last Replay could not read.
func (r *Run) Damage() Damage { return r.damage }

func (r *Run) harm(lines, missing int, format string, args ...any) {
	r.damage.Lines += lines
	r.damage.Missing += missing
	if r.damage.First == "" {
		r.damage.First = fmt.Sprintf(format, args...)
	}
}

// Replay tells the sink the run as it happened: Begin, records and events in the order of time, and End with the
// summary. That is the one that is stored; of a run that was cut off, one that is made of what there is. Damage says
// afterwards what could not be read. An error is the sink's, or that of a disk that cannot be read; a sink that has
// begun is ended then too, without a summary.
func (r *Run) Replay(sink report.Sink) error {
	r.damage = Damage{}
	if err := sink.Begin(&r.manifest); err != nil {
		return err
	}
	s, err := r.replay(sink)
	if told, ok := sink.(Damaged); ok && r.damage != (Damage{}) {
		told.Damaged(r.damage.String())
	}
	return errors.Join(err, sink.End(s))
}

// Damaged is a Sink that is told, before its end, what of the run could not be read.
type Damaged interface{ Damaged(what string) }

// replay tells the sink what is between Begin and End.
func (r *Run) replay(sink report.Sink) (*report.Summary, error) {
	events, err := r.open(eventsName)
	if err != nil {
		return nil, err
	}
	defer events.close()
	builder := report.NewBuilder(&r.manifest)
	var next *report.Event // read, and not told yet
	// What happened while a record was made is told after it, and before the next one: that is how the run had it. The
	// end of the load is such a thing, and what the next record has is not of the load.
	tell := func(before float64) error {
		for {
			if next == nil {
				var err error
				if next, err = read[report.Event](events, nil, nil); next == nil {
					return err
				}
			}
			if next.At >= before {
				return nil
			}
			builder.Event(*next)
			if err := sink.Event(*next); err != nil {
				return err
			}
			next = nil
		}
	}
	if err := r.records(func(rec *metrics.Record) error {
		if err := tell(rec.To); err != nil {
			return err
		}
		builder.Record(rec)
		return sink.Record(rec)
	}); err != nil {
		return nil, err
	}
	if err := tell(math.Inf(1)); err != nil {
		return nil, err
	}
	s, err := r.stored()
	if err != nil {
		r.harm(0, 0, "%s: %v", summaryName, err)
	}
	if s == nil {
		s = builder.Summary()
	}
	return s, nil
}

// records calls f with each record that can be read.
func (r *Run) records(f func(*metrics.Record) error) error {
	lines, err := r.open(intervalsName)
	if err != nil {
		return err
	}
	defer lines.close()
	bounds, want := newBounds(), 0
	for {
		rec, err := read(lines, bounds.names, bounds.figures)
		if rec == nil {
			return err
		}
		if rec.Seq < want {
			r.harm(1, 0, "%s line %d: got record %d again", intervalsName, lines.line, rec.Seq)
			continue
		}
		if missing := rec.Seq - want; missing > 0 {
			r.harm(0, missing, "%s line %d: got record %d, want %d", intervalsName, lines.line, rec.Seq, want)
		}
		want = rec.Seq + 1
		if err := f(rec); err != nil {
			return err
		}
	}
}

// stored gives the summary that the run ended with; nil if it has none.
func (r *Run) stored() (*report.Summary, error) {
	b, err := readAll(filepath.Join(r.path, summaryName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, reason(err)
	}
	if err := known(b, report.Schema); err != nil {
		return nil, err
	}
	s := new(report.Summary)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, err
	}
	return s, nil
}

// openFile opens a file that has an end: a pipe would be waited for, and a device go on for ever.
func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: got what is no file (%v)", filepath.Base(path), info.Mode().Type())
	}
	return os.Open(path)
}

// readAll reads a document.
func readAll(path string) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(b) > maxManifest {
		err = fmt.Errorf("got more than %d bytes", maxManifest)
	}
	return b, err
}

// lines reads a file of lines; one that is not there has none.
type lines struct {
	run  *Run
	name string
	file *os.File
	in   *bufio.Reader
	line int
}

func (r *Run) open(name string) (*lines, error) {
	f, err := openFile(filepath.Join(r.path, name))
	if errors.Is(err, os.ErrNotExist) {
		r.harm(0, 0, "%s is not there", name)
		return &lines{run: r, name: name, in: bufio.NewReader(strings.NewReader(""))}, nil
	} else if err != nil {
		return nil, fmt.Errorf("run directory %s: %w", r.path, reason(err))
	}
	return &lines{run: r, name: name, file: f, in: bufio.NewReaderSize(f, 256<<10)}, nil
}

func (l *lines) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// read gives what the next line holds that holds a T, and passes over what does not; nil at the end. before looks at
// the line, and after at what it holds; nil for neither.
func read[T any](l *lines, before func([]byte) error, after func(*T) error) (*T, error) {
	for {
		b, err := l.next()
		if len(b) > 0 {
			l.line++
			v := new(T)
			var bad error
			if before != nil {
				bad = before(b)
			}
			if bad == nil {
				bad = json.Unmarshal(b, v)
			}
			if bad == nil && after != nil {
				bad = after(v)
			}
			switch {
			case bad == nil:
				return v, nil
			case errors.Is(err, io.EOF):
				l.run.harm(1, 0, "%s line %d, the last: it is torn", l.name, l.line)
			default:
				l.run.harm(1, 0, "%s line %d: %v", l.name, l.line, bad)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("run directory %s: %s: %w", l.run.path, l.name, reason(err))
		}
	}
}

// next reads a line without its end; of one that is too long, the beginning.
func (l *lines) next() (line []byte, err error) {
	for {
		part, err := l.in.ReadSlice('\n')
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return []byte(strings.TrimRight(string(line), "\r\n")), err
		}
	}
}
