package remotewrite

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/snappy"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/outputs/push"
	"github.com/loadrig/loadrig/report"
)

// Env is how the names of the settings in the environment begin: Env_TOKEN, or Env_USER and Env_PASSWORD, and
// Env_NATIVE, which is true or false.
const Env = "LOADRIG_REMOTE_WRITE"

// Options are what the output uses of the process. The zero value works.
type Options struct {
	Getenv  func(string) string // default: nothing is set
	Logger  *slog.Logger        // default slog.Default
	Patient bool                // for a run that is read again; see push.Options
}

// sink sends each record as samples of the end of its interval. Counters and histograms count from the start of the
// run. Each series has the labels of its metric, and run (the run's id), job and instance (this machine).
//
// Histograms have classic buckets. Native ones go beside them where Env_NATIVE asks for it: a Prometheus that does
// not have them switched on refuses all that comes with them.
type sink struct {
	o      Options
	url    *url.URL
	auth   push.Auth
	native bool

	queue   *push.Queue
	started time.Time
	own     []metrics.Label // of all series
	whole   metrics.Whole
	known   map[string][][]byte // the labels of all series, by the records' keys
	e       encoder
	samples []sample
}

// New makes the output of a URL, as http://127.0.0.1:9090/api/v1/write.
func New(to string, o Options) (report.Sink, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	s := &sink{o: o}
	var err error
	if s.url, err = push.ParseURL(to); err != nil {
		return nil, fmt.Errorf("remote-write: %w", err)
	}
	if s.auth, err = push.NewAuth(Env, o.Getenv); err != nil {
		return nil, err
	}
	if v := o.Getenv(Env + "_NATIVE"); v != "" {
		if s.native, err = strconv.ParseBool(v); err != nil {
			return nil, fmt.Errorf("%s_NATIVE: got %q, want true or false", Env, v)
		}
	}
	return s, nil
}

// maxInstance bounds the label instance.
const maxInstance = 128

// Begin implements report.Sink.
func (s *sink) Begin(m *report.Manifest) error {
	host := m.Host.Name
	if host == "" {
		host = "localhost"
	}
	s.started, s.known = m.Started, make(map[string][][]byte)
	s.own = []metrics.Label{{Name: "instance", Value: host[:min(len(host), maxInstance)]}, {Name: "job", Value: "loadrig"}, {Name: "run", Value: m.ID}}
	s.queue = push.New(push.Options{
		Name: "remote-write", URL: s.url, Auth: s.auth, Logger: s.o.Logger, Patient: s.o.Patient,
		Header: http.Header{
			"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"},
			"X-Prometheus-Remote-Write-Version": {"0.1.0"}, "User-Agent": {"loadrig/" + m.Version},
		},
	})
	return nil
}

// Record implements report.Sink. It never waits for the server; see push.Queue.
func (s *sink) Record(r *metrics.Record) error {
	s.whole.Add(r)
	s.e.out = s.e.out[:0]
	at := s.at(r.To)
	for key, v := range s.whole.Counters {
		known, since := s.series(key, r, false)
		s.e.series(known[0], s.since(since, at, v), nil)
	}
	for key, v := range r.Gauges {
		known, _ := s.series(key, r, false)
		s.e.series(known[0], append(s.samples[:0], sample{at, v}), nil)
	}
	for _, key := range s.whole.Timed() {
		known, since := s.series(key, r, true)
		s.histogram(known, since, at, s.whole.TimesOf(key))
	}
	s.queue.Add(snappy.Encode(nil, s.e.out))
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

func (s *sink) at(seconds float64) int64 {
	return s.started.UnixMilli() + int64(math.Round(seconds*1000))
}

// series gives the labels of all series of a key. since is the start of the interval if they are new, and not 0 then:
// what is not in a record is 0, and a series that does not say so lacks its first increase in Prometheus.
func (s *sink) series(key string, r *metrics.Record, histogram bool) (known [][]byte, since int64) {
	if known = s.known[key]; known != nil {
		return known, 0
	}
	name, labels, _ := metrics.ParseKey(key)
	name = metrics.Prefix + name
	if !histogram {
		known = [][]byte{s.labels(name, labels)}
	} else {
		for _, b := range new(metrics.Histogram).Prometheus().Bucket {
			le := strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)
			known = append(known, s.labels(name+"_bucket", labels, metrics.Label{Name: "le", Value: le}))
		}
		known = append(known, s.labels(name+"_bucket", labels, metrics.Label{Name: "le", Value: "+Inf"}),
			s.labels(name+"_count", labels), s.labels(name+"_sum", labels), s.labels(name, labels))
	}
	s.known[key] = known
	return known, s.at(r.From)
}

// since gives the samples of a series that only grows, until its next call.
func (s *sink) since(since, at int64, v float64) []sample {
	s.samples = s.samples[:0]
	if since != 0 && since < at {
		s.samples = append(s.samples, sample{since, 0})
	}
	s.samples = append(s.samples, sample{at, v})
	return s.samples
}

// labels encodes all labels of a series, by name, as the protocol wants them.
func (s *sink) labels(name string, more []metrics.Label, further ...metrics.Label) []byte {
	all := slices.Concat(s.own, more, further, []metrics.Label{{Name: "__name__", Value: name}})
	slices.SortFunc(all, func(a, b metrics.Label) int { return cmp.Compare(a.Name, b.Name) })
	return encodeLabels(all)
}

// histogram adds the series of a histogram, in the order in which series made them.
func (s *sink) histogram(known [][]byte, since, at int64, h *metrics.Histogram) {
	p := h.Prometheus()
	next := func(v float64) {
		s.e.series(known[0], s.since(since, at, v), nil)
		known = known[1:]
	}
	for _, b := range p.Bucket {
		next(float64(b.GetCumulativeCount()))
	}
	next(float64(p.GetSampleCount())) // +Inf
	next(float64(p.GetSampleCount()))
	next(p.GetSampleSum())
	if !s.native {
		return
	}
	var list []native
	if since != 0 && since < at {
		list = append(list, native{since, new(metrics.Histogram).Prometheus()})
	}
	s.e.series(known[0], nil, append(list, native{at, p}))
}
