package otlp

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/outputs/push"
	"github.com/loadrig/loadrig/report"
)

// Env is how the names of the settings in the environment begin: Env_TOKEN, or Env_USER and Env_PASSWORD.
const Env = "LOADRIG_OTLP"

// EnvHeaders is OpenTelemetry's own variable for further headers: name=value,name=value, with values as in a URL.
const EnvHeaders = "OTEL_EXPORTER_OTLP_HEADERS"

// Options are what the output uses of the process. The zero value works.
type Options struct {
	Getenv  func(string) string // default: nothing is set
	Logger  *slog.Logger        // default slog.Default
	Patient bool                // for a run that is read again; see push.Options
}

// sink sends each record as data points of the end of its interval. Counters and histograms are cumulative, from the
// start of the run.
type sink struct {
	o      Options
	url    *url.URL
	auth   push.Auth
	header http.Header

	queue    *push.Queue
	manifest *report.Manifest
	whole    metrics.Whole
}

// New makes the output of a URL, as http://127.0.0.1:4318/v1/metrics.
func New(to string, o Options) (report.Sink, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	s := &sink{o: o}
	var err error
	if s.url, err = push.ParseURL(to); err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	if s.auth, err = push.NewAuth(Env, o.Getenv); err != nil {
		return nil, err
	}
	if s.header, err = headers(o.Getenv(EnvHeaders)); err != nil {
		return nil, err
	}
	return s, nil
}

// headers reads what EnvHeaders has. Its errors tell no values, which may be secret.
func headers(text string) (http.Header, error) {
	h := make(http.Header)
	for i, pair := range strings.Split(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("%s: got something else as the header %d, want name=value, with values as in a URL", EnvHeaders, i+1)
		}
		h.Set(name, value)
	}
	return h, nil
}

// Begin implements report.Sink.
func (s *sink) Begin(m *report.Manifest) error {
	s.manifest = m
	s.header.Set("Content-Type", "application/x-protobuf")
	s.header.Set("User-Agent", "loadrig/"+m.Version)
	s.queue = push.New(push.Options{
		Name: "otlp", URL: s.url, Auth: s.auth, Logger: s.o.Logger, Patient: s.o.Patient, Answer: partial,
		Header: s.header,
		Retry: func(code int) bool { // as the protocol's specification has it; no other 5xx
			switch code {
			case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
				return true
			}
			return false
		},
	})
	return nil
}

// Record implements report.Sink. It never waits for the server; see push.Queue.
func (s *sink) Record(r *metrics.Record) error {
	s.whole.Add(r)
	b, err := proto.Marshal(data(s.manifest, &s.whole))
	if err != nil {
		return fmt.Errorf("otlp: %w", err)
	}
	s.queue.Add(b)
	return nil
}

// Event implements report.Sink.
func (s *sink) Event(report.Event) error { return nil }

// End implements report.Sink. It waits at most a few seconds.
func (s *sink) End(*report.Summary) error {
	if s.queue == nil { // it never began
		return nil
	}
	return s.queue.Close()
}

func nanos(m *report.Manifest, seconds float64) uint64 {
	return uint64(m.Started.Add(time.Duration(seconds * 1e9)).UnixNano())
}

// partial reads an ExportMetricsServiceResponse: what of a body was not taken. What it cannot read says nothing, as
// not every server that answers 200 sends one.
func partial(answer []byte) error {
	const (
		partialSuccess = 1
		rejectedPoints = 1
		errorMessage   = 2
	)
	var rejected uint64
	var message []byte
	fields(answer, func(n protowire.Number, _ uint64, b []byte) {
		if n == partialSuccess {
			fields(b, func(n protowire.Number, v uint64, b []byte) {
				switch n {
				case rejectedPoints:
					rejected = v
				case errorMessage:
					message = b
				}
			})
		}
	})
	if rejected == 0 {
		return nil
	}
	return fmt.Errorf("%d points were rejected: %.200q", rejected, message)
}

// fields calls f with each field of a message that is a varint or has a length.
func fields(b []byte, f func(n protowire.Number, v uint64, bytes []byte)) {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return
		}
		b = b[size:]
		var v uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			bytes, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return
		}
		if kind == protowire.VarintType || kind == protowire.BytesType {
			f(n, v, bytes)
		}
		b = b[size:]
	}
}
