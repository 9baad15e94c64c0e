package remotewrite

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

func TestMain(m *testing.M) { wstest.Main(m) }

// fields calls f with each field of a message.
func fields(t *testing.T, b []byte, f func(n protowire.Number, v uint64, bytes []byte)) {
	t.Helper()
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		b = b[size:]
		var v uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v, size = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			bytes, size = protowire.ConsumeBytes(b)
		}
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		f(n, v, bytes)
		b = b[size:]
	}
}

// receiver keeps what it was sent, as lines series time value.
type receiver struct {
	t       *testing.T
	lines   []string
	natives []string // series time count sum schema spans deltas
	header  http.Header
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	r.header = req.Header
	body, err := io.ReadAll(req.Body)
	if err == nil {
		body, err = snappy.Decode(nil, body)
	}
	if err != nil {
		r.t.Error(err)
		return
	}
	fields(r.t, body, func(_ protowire.Number, _ uint64, series []byte) { r.series(series) })
}

func (r *receiver) series(b []byte) {
	var labels []metrics.Label
	name := ""
	fields(r.t, b, func(n protowire.Number, _ uint64, b []byte) {
		switch n {
		case seriesLabel:
			var l metrics.Label
			fields(r.t, b, func(n protowire.Number, _ uint64, b []byte) {
				if n == labelName {
					l.Name = string(b)
				} else {
					l.Value = string(b)
				}
			})
			labels = append(labels, l)
		case seriesSample:
			var v float64
			var at uint64
			fields(r.t, b, func(n protowire.Number, x uint64, _ []byte) {
				if n == sampleValue {
					v = math.Float64frombits(x)
				} else {
					at = x
				}
			})
			r.lines = append(r.lines, fmt.Sprint(name, " ", at, " ", v))
		case seriesHistogram:
			r.natives = append(r.natives, name+" "+r.native(b))
		}
		if n == seriesLabel {
			name = nameOf(labels)
		}
	})
	if !slices.IsSortedFunc(labels, func(a, b metrics.Label) int { return cmp.Compare(a.Name, b.Name) }) {
		r.t.Errorf("the labels %v are not sorted", labels)
	}
}

// nameOf leaves out what all series have.
func nameOf(labels []metrics.Label) (name string) {
	var rest []string
	for _, l := range labels {
		switch l.Name {
		case "__name__":
			name = l.Value
		case "instance", "job", "run":
		default:
			rest = append(rest, l.Name+"="+l.Value)
		}
	}
	return name + "{" + strings.Join(rest, ",") + "}"
}

func (r *receiver) native(b []byte) string {
	var count, at uint64
	var sum float64
	var schema int64
	var spans [][2]int64
	var deltas []int64
	fields(r.t, b, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case histogramCount:
			count = v
		case histogramSum:
			sum = math.Float64frombits(v)
		case histogramSchema:
			schema = protowire.DecodeZigZag(v)
		case histogramSpan:
			var s [2]int64
			fields(r.t, b, func(n protowire.Number, v uint64, _ []byte) {
				if n == spanOffset {
					s[0] = protowire.DecodeZigZag(v)
				} else {
					s[1] = int64(v)
				}
			})
			spans = append(spans, s)
		case histogramDelta:
			for len(b) > 0 {
				v, size := protowire.ConsumeVarint(b)
				deltas = append(deltas, protowire.DecodeZigZag(v))
				b = b[size:]
			}
		case histogramTime:
			at = v
		}
	})
	return fmt.Sprint(at, " ", count, " ", sum, " ", schema, " ", spans, " ", deltas)
}

var started = time.UnixMilli(1_000_000)

// play has a sink take a run of 2 s of one player: a message in the first second, another in the second, and a round
// trip of 1 ms in the second only.
func play(t *testing.T, sink report.Sink, host string) {
	t.Helper()
	if err := sink.Begin(&report.Manifest{ID: "id", Started: started, Version: "v1", Host: report.Host{Name: host}}); err != nil {
		t.Fatal(err)
	}
	r := metrics.NewRecorder(nil)
	shard := new(metrics.Shard)
	shard.Added(1)
	for i := range 2 {
		if i == 1 {
			shard.Response(0, 0, messages.Stamp(time.Millisecond))
		}
		r.Now.Reset()
		shard.AddTo(r.Now)
		r.Now.Traffic.Sent[messages.OpText] = uint64(i + 1)
		if err := sink.Record(r.Record(float64(i), float64(i+1))); err != nil {
			t.Error(err)
		}
	}
	if err := sink.Event(report.Event{}); err != nil {
		t.Error(err)
	}
	if err := sink.End(nil); err != nil {
		t.Error(err)
	}
}

func serve(t *testing.T) (*receiver, string) {
	r := &receiver{t: t}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	return r, srv.URL
}

// TestSamples: counters and histograms begin with a 0 where they were 0, gauges do not.
func TestSamples(t *testing.T) {
	r, url := serve(t)
	sink, err := New(url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	play(t, sink, "")
	for series, want := range map[string][]string{
		"loadrig_messages_sent_total{opcode=text}":       {"1000000 0", "1001000 1", "1002000 2"},
		"loadrig_connections{state=idle}":                {"1001000 1", "1002000 1"},
		"loadrig_round_trip_seconds_count{}":             {"1001000 0", "1002000 1"},
		"loadrig_round_trip_seconds_sum{}":               {"1001000 0", "1002000 0.001"},
		"loadrig_round_trip_seconds_bucket{le=0.0005}":   {"1001000 0", "1002000 0"},
		"loadrig_round_trip_seconds_bucket{le=0.001}":    {"1001000 0", "1002000 1"},
		"loadrig_round_trip_seconds_bucket{le=+Inf}":     {"1001000 0", "1002000 1"},
		"loadrig_ping_round_trip_seconds_bucket{le=0.5}": nil, // nothing was measured
	} {
		var got []string
		for _, line := range r.lines {
			if rest, ok := strings.CutPrefix(line, series+" "); ok {
				got = append(got, rest)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", series, got, want)
		}
	}
	if r.natives != nil {
		t.Errorf("got native histograms %v, which were not asked for", r.natives)
	}
	for name, want := range map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
		"X-Prometheus-Remote-Write-Version": "0.1.0", "User-Agent": "loadrig/v1", "Authorization": ""} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestNative: 1 ms is in the bucket with the index -79: 2^(-80/8) < 0.001 s <= 2^(-79/8). It is alone.
func TestNative(t *testing.T) {
	r, url := serve(t)
	sink, err := New(url, Options{Getenv: func(name string) string {
		return map[string]string{Env + "_NATIVE": "1", Env + "_TOKEN": "abc"}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	play(t, sink, strings.Repeat("h", 300))
	want := []string{
		"loadrig_response_seconds{} 1001000 0 0 3 [] []", "loadrig_response_seconds{} 1002000 1 0.001 3 [[-79 1]] [1]",
		"loadrig_round_trip_seconds{} 1001000 0 0 3 [] []", "loadrig_round_trip_seconds{} 1002000 1 0.001 3 [[-79 1]] [1]",
	}
	if !slices.Equal(r.natives, want) {
		t.Errorf("got %q, want %q", r.natives, want)
	}
	if got := r.header.Get("Authorization"); got != "Bearer abc" {
		t.Errorf("got the login %q", got)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ url, env, value, want string }{
		{"http:/x", "", "", `remote-write: got "http:/x", want http:// or https://, a host and a path`},
		{"http://x/", "_NATIVE", "maybe", `LOADRIG_REMOTE_WRITE_NATIVE: got "maybe", want true or false`},
		{"http://x/", "_PASSWORD", "p", `LOADRIG_REMOTE_WRITE_PASSWORD: got one without LOADRIG_REMOTE_WRITE_USER, want both`},
	} {
		_, err := New(c.url, Options{Getenv: func(name string) string { return map[string]string{Env + c.env: c.value}[name] }})
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
