package outputs

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// Options are what outputs use of the process.
type Options struct {
	Stdout io.Writer
	Getenv func(string) string
}

// Check tells what would keep the output from being written, as far as that can be known before; it leaves nothing
// behind. A server is not asked.
func (s Spec) Check() error {
	if s.Format.Pushed() || s.Destination == Stdout {
		return nil
	}
	if err := checkFile(s.Destination); err != nil {
		return fmt.Errorf("%s: %w", s.Format, err)
	}
	return nil
}

// Sink gives the output of a format that goes to a file or to standard output; web gives that of HTML.
func (s Spec) Sink(o Options) (report.Sink, error) {
	switch s.Format {
	case Text:
		return &document{spec: s, o: o, write: func(b *bytes.Buffer, _ *report.Manifest, sum *report.Summary) error { return sum.WriteText(b) }}, nil
	case JSON:
		return &document{spec: s, o: o, write: func(b *bytes.Buffer, _ *report.Manifest, sum *report.Summary) error { return sum.WriteJSON(b) }}, nil
	case JUnit:
		return &document{spec: s, o: o, write: writeJUnit}, nil
	case Markdown:
		return &document{spec: s, o: o, write: writeMarkdown, append: s.ofJob(o)}, nil
	case CSV:
		return &series{spec: s, o: o, rows: new(csvRows)}, nil
	case HGRM:
		return &series{spec: s, o: o, rows: new(hdrLog)}, nil
	default:
		return nil, fmt.Errorf("%s: got a format that goes to no file", s.Format)
	}
}

// ofJob tells that the destination is the summary of a job of GitHub's or Gitea's, which a job's other steps and
// commands write to as well.
func (s Spec) ofJob(o Options) bool {
	if o.Getenv == nil {
		return false
	}
	file := o.Getenv("GITHUB_STEP_SUMMARY")
	return file != "" && filepath.Clean(file) == filepath.Clean(s.Destination)
}

// document is an output that is written when the run is over. Of a run that has no summary there is none, and a
// file that was there stays.
type document struct {
	spec     Spec
	o        Options
	append   bool
	write    func(*bytes.Buffer, *report.Manifest, *report.Summary) error
	manifest *report.Manifest
}

// Begin implements report.Sink.
func (d *document) Begin(m *report.Manifest) error {
	d.manifest = m
	return d.spec.Check()
}

// Record implements report.Sink.
func (d *document) Record(*metrics.Record) error { return nil }

// Event implements report.Sink.
func (d *document) Event(report.Event) error { return nil }

// End implements report.Sink.
func (d *document) End(s *report.Summary) error {
	if s == nil {
		return nil
	}
	var b bytes.Buffer
	err := d.write(&b, d.manifest, s)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", d.spec, err)
	case d.append:
		if err := appendFile(d.spec.Destination, b.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", d.spec, cause(err))
		}
		return nil
	default:
		return d.spec.Write(d.o, b.Bytes())
	}
}

// Write writes the whole of an output that goes to a file or to standard output. A file has it whole, or stays as it was.
func (s Spec) Write(o Options, b []byte) error {
	var err error
	if s.Destination == Stdout {
		_, err = o.Stdout.Write(b)
	} else {
		err = replaceFile(s.Destination, b)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s, cause(err))
	}
	return nil
}

// rows turns records into the rows of a file that grows.
type rows interface {
	head(*bytes.Buffer, *report.Manifest) error
	record(*bytes.Buffer, *metrics.Record) error
}

// series is an output that grows by some rows for each interval.
type series struct {
	spec   Spec
	o      Options
	rows   rows
	stream *stream
	buf    bytes.Buffer
	lost   int   // intervals
	last   error // why
}

// Begin implements report.Sink.
func (c *series) Begin(m *report.Manifest) error {
	var err error
	if c.stream, err = openStream(c.spec.Destination, c.o.Stdout); err != nil {
		return fmt.Errorf("%s: %w", c.spec, cause(err))
	}
	c.buf.Reset()
	if err = c.rows.head(&c.buf, m); err == nil {
		err = c.stream.write(c.buf.Bytes())
	}
	if err != nil {
		_ = c.stream.close()
		c.stream = nil
		return fmt.Errorf("%s: %w", c.spec, cause(err))
	}
	return nil
}

// Record implements report.Sink.
func (c *series) Record(r *metrics.Record) error {
	c.buf.Reset()
	err := c.rows.record(&c.buf, r)
	if err == nil {
		err = c.stream.write(c.buf.Bytes())
	}
	if err != nil {
		c.lost++
		c.last = cause(err)
		return fmt.Errorf("%s: %w", c.spec, c.last)
	}
	return nil
}

// Event implements report.Sink.
func (c *series) Event(report.Event) error { return nil }

// End implements report.Sink.
func (c *series) End(*report.Summary) error {
	if c.stream == nil { // it never began
		return nil
	}
	err := c.stream.close()
	switch {
	case c.lost > 0:
		return fmt.Errorf("%s: %d intervals are missing: %w", c.spec, c.lost, c.last)
	case err != nil:
		return fmt.Errorf("%s: %w", c.spec, cause(err))
	}
	return nil
}
