package outputs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/internal/nearest"
	"github.com/loadrig/loadrig/outputs/push"
)

// Format is what an output writes.
type Format string

// The formats.
const (
	Text        Format = "text"         // the summary, for people
	JSON        Format = "json"         // the summary, report.Schema
	CSV         Format = "csv"          // a row for each interval and series
	JUnit       Format = "junit"        // JUnit XML, for CI
	Markdown    Format = "markdown"     // a summary of a job, for CI
	HGRM        Format = "hgrm"         // a log of HdrHistogram, V1.3
	HTML        Format = "html"         // a page to look at, see web
	RemoteWrite Format = "remote-write" // Prometheus's, see outputs/remotewrite
	OTLP        Format = "otlp"         // over HTTP, see outputs/otlp
)

// Formats lists them.
func Formats() []Format {
	return []Format{Text, JSON, CSV, JUnit, Markdown, HGRM, HTML, RemoteWrite, OTLP}
}

// Pushed tells whether the format goes to a server, and its destination is a URL.
func (f Format) Pushed() bool { return f == RemoteWrite || f == OTLP }

// Stdout is the destination that is standard output.
const Stdout = "-"

// Spec is one output, as its user asks for it.
type Spec struct {
	Format      Format
	Destination string // a file, Stdout, or a URL
}

// String gives the spec without what a URL may have in it that is secret.
func (s Spec) String() string {
	if s.Format.Pushed() {
		return string(s.Format) + "=" + push.Redact(s.Destination)
	}
	return string(s.Format) + "=" + s.Destination
}

const form = "FORMAT=DESTINATION, as json=summary.json"

// Parse reads FORMAT=DESTINATION. It looks at nothing outside the text; see Check.
func Parse(text string) (Spec, error) {
	format, destination, ok := strings.Cut(text, "=")
	s := Spec{Format(format), destination}
	if !slices.Contains(Formats(), s.Format) {
		if strings.Contains(format, "/") || len(format) > 40 { // a URL maybe, and what is in it is not told
			return Spec{}, errors.New("got an output without a format, want " + form)
		}
		return Spec{}, unknown(format, ok)
	}
	if destination == "" {
		return Spec{}, fmt.Errorf("got %q without a destination, want %s", format, s.example())
	}
	if s.Format.Pushed() {
		if _, err := push.ParseURL(destination); err != nil {
			return Spec{}, fmt.Errorf("%s: %w", s.Format, err)
		}
	}
	return s, nil
}

func (s Spec) example() string {
	switch s.Format {
	case RemoteWrite:
		return "remote-write=http://127.0.0.1:9090/api/v1/write"
	case OTLP:
		return "otlp=http://127.0.0.1:4318/v1/metrics"
	default:
		return fmt.Sprintf("%s=FILE, or %s=- for standard output", s.Format, s.Format)
	}
}

func unknown(format string, complete bool) error {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	if name, ok := nearest.Name(format, names); ok {
		return fmt.Errorf("got the format %q; did you mean %s?", format, name)
	}
	list := strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	if !complete {
		return fmt.Errorf("got %q, want %s; a format is %s", format, form, list)
	}
	return fmt.Errorf("got the format %q, want %s", format, list)
}
