package otlp

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

func TestMain(m *testing.M) { wstest.Main(m) }

// receiver keeps what it was sent.
type receiver struct {
	t      *testing.T
	got    []*otlp.MetricsData
	header http.Header
	answer []byte
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.header = req.Header
	body, err := io.ReadAll(req.Body)
	data := new(otlp.MetricsData)
	if err == nil {
		err = proto.Unmarshal(body, data)
	}
	if err != nil {
		r.t.Error(err)
	}
	r.got = append(r.got, data)
	_, _ = w.Write(r.answer)
}

var started = time.Unix(1000, 0)

// times are of 1 µs, of the bounds of buckets and just beside, and above the range.
var times = []time.Duration{1, 1000, 1001, 2000, 1e6, 2e6, 123456789, 60e9, 61e9, 15625 * time.Microsecond, 15640 * time.Microsecond}

// play has a sink take a run of 2 s of one player: two messages and all times in the first second, nothing in the second.
func play(t *testing.T, sink report.Sink) error {
	t.Helper()
	if err := sink.Begin(&report.Manifest{ID: "id", Started: started, Version: "v1", Host: report.Host{Name: "host"}}); err != nil {
		t.Fatal(err)
	}
	r := metrics.NewRecorder(nil)
	shard := new(metrics.Shard)
	shard.Added(1)
	for _, d := range times {
		shard.Response(0, 0, messages.Stamp(d))
	}
	for i := range 2 {
		r.Now.Reset()
		shard.AddTo(r.Now)
		r.Now.Traffic.Sent[messages.OpText] = 2
		if err := sink.Record(r.Record(float64(i), float64(i+1))); err != nil {
			t.Error(err)
		}
	}
	if err := sink.Event(report.Event{}); err != nil {
		t.Error(err)
	}
	return sink.End(nil)
}

func serve(t *testing.T) (*receiver, string) {
	r := &receiver{t: t}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	return r, srv.URL + "/v1/metrics"
}

func text(list []*common.KeyValue) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "%s=%s ", a.Key, a.Value.GetStringValue())
	}
	return strings.TrimSpace(b.String())
}

func TestData(t *testing.T) {
	r, url := serve(t)
	env := map[string]string{Env + "_TOKEN": "abc", EnvHeaders: "x-team=a%20b, ,x-other = c"}
	sink, err := New(url, Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	if err := play(t, sink); err != nil {
		t.Error(err)
	}
	if len(r.got) != 2 {
		t.Fatalf("got %d bodies, want 2", len(r.got))
	}
	if got := r.header.Get("Authorization") + " " + r.header.Get("Content-Type") + " " + r.header.Get("X-Team") + " " + r.header.Get("X-Other"); got != "Bearer abc application/x-protobuf a b c" {
		t.Errorf("got the header %v", r.header)
	}
	for i, data := range r.got {
		resource := data.ResourceMetrics[0]
		if got, want := text(resource.Resource.Attributes), "service.name=loadrig service.version=v1 service.instance.id=id loadrig.run=id host.name=host"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		all := make(map[string]*otlp.Metric)
		for _, m := range resource.ScopeMetrics[0].Metrics {
			all[m.Name] = m
			if m.Description == "" {
				t.Errorf("%s has no description", m.Name)
			}
		}
		const from = 1000e9
		at := uint64(from + 1e9*(i+1))
		sent := all["loadrig_messages_sent_total"].GetSum()
		p := sent.DataPoints[0]
		if !sent.IsMonotonic || sent.AggregationTemporality != otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE || len(sent.DataPoints) != 1 ||
			p.GetAsDouble() != 2 || text(p.Attributes) != "opcode=text" || p.StartTimeUnixNano != from || p.TimeUnixNano != at {
			t.Errorf("got %v", sent)
		}
		states := all["loadrig_connections"].GetGauge()
		if len(states.DataPoints) != messages.NumStates || states.DataPoints[3].GetAsDouble() != 1 || text(states.DataPoints[3].Attributes) != "state=idle" {
			t.Errorf("got %v", states)
		}
		if all["loadrig_ping_round_trip_seconds"] != nil || all["loadrig_response_seconds"].Unit != "s" {
			t.Error("want no metric without points, and a unit")
		}
		h := all["loadrig_response_seconds"].GetExponentialHistogram()
		checkBuckets(t, h.DataPoints[0])
		if p := h.DataPoints[0]; p.StartTimeUnixNano != from || p.TimeUnixNano != at || p.GetMin() != 1e-9 || p.GetMax() != 61 {
			t.Errorf("got %v", p)
		}
	}
}

// checkBuckets counts times by OTLP's rule: bucket i holds what is above base^i and at most base^(i+1), where base is
// 2^(2^-scale). Times go to the next µs first, and what is above 60 s to the first bucket that is wholly above it.
func checkBuckets(t *testing.T, p *otlp.ExponentialHistogramDataPoint) {
	t.Helper()
	base := math.Pow(2, math.Pow(2, -float64(p.Scale)))
	want := make(map[int]uint64)
	sum := 0.0
	for _, d := range times {
		sum += d.Seconds()
		s := math.Ceil(d.Seconds()*1e6) / 1e6
		if s > 60 {
			s = 65
		}
		i := 0
		for ; math.Pow(base, float64(i)) >= s*(1-1e-12); i-- {
		}
		for ; math.Pow(base, float64(i+1)) < s*(1-1e-12); i++ {
		}
		want[i]++
	}
	got := make(map[int]uint64)
	total := uint64(0)
	for i, n := range p.Positive.BucketCounts {
		if n > 0 {
			got[i+int(p.Positive.Offset)] = n
			total += n
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got the buckets %v, want %v", got, want)
	}
	if total != p.Count || p.Count != uint64(len(times)) || math.Abs(p.GetSum()-sum) > 1e-9 || p.ZeroCount != 0 {
		t.Errorf("got %d of %d, sum %v, want %d, %v", total, p.Count, p.GetSum(), len(times), sum)
	}
}

// TestPartial: a server may take a body and not all of its points; and what it answers may be anything.
func TestPartial(t *testing.T) {
	inner := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)
	inner = protowire.AppendString(protowire.AppendTag(inner, 2, protowire.BytesType), "too\x1b old")
	refused := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), inner)
	for _, c := range []struct {
		answer string
		want   string
	}{
		{"", "<nil>"},
		{"{}", "<nil>"},
		{"\xff\xff\xff\xff", "<nil>"},
		{string(refused[:5]), "<nil>"},
		{string(refused), `7 points were rejected: "too\x1b old"`},
	} {
		if got := fmt.Sprint(partial([]byte(c.answer))); got != c.want {
			t.Errorf("%q: got %s, want %s", c.answer, got, c.want)
		}
	}
	r, url := serve(t)
	r.answer = refused
	sink, err := New(url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := play(t, sink); err == nil || !strings.HasSuffix(err.Error(), `/v1/metrics did not take all: 7 points were rejected: "too\x1b old"`) {
		t.Errorf("got %v", err)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ url, env, value, want string }{
		{"x", "", "", `otlp: got "x", want http:// or https://, a host and a path`},
		{"http://x/", Env + "_PASSWORD", "hidden", `LOADRIG_OTLP_PASSWORD: got one without LOADRIG_OTLP_USER, want both`},
		{"http://x/", EnvHeaders, "a=b,hidden value", `OTEL_EXPORTER_OTLP_HEADERS: got something else as the header 2, want name=value, with values as in a URL`},
		{"http://x/", EnvHeaders, "a=hidden%0A", `OTEL_EXPORTER_OTLP_HEADERS: got something else as the header 1, want name=value, with values as in a URL`},
	} {
		_, err := New(c.url, Options{Getenv: func(name string) string { return map[string]string{c.env: c.value}[name] }})
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestUnknown: a run of another version may have series that this one does not know.
func TestUnknown(t *testing.T) {
	var w metrics.Whole
	h := new(metrics.Histogram)
	h.Record(time.Millisecond)
	w.Add(&metrics.Record{Counters: map[string]float64{"odd_total": 1, "messages_sent_total{": 1, metrics.RoundTrip.Key(): 1},
		Gauges: map[string]float64{"odd": 1}, Histograms: map[string]*metrics.Histogram{"odd_seconds": h, metrics.Pending.Key(): h}})
	d := data(&report.Manifest{Version: "\xff"}, &w)
	if _, err := proto.Marshal(d); err != nil {
		t.Error(err)
	}
	for _, m := range d.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		if !slices.Contains([]string{"loadrig_round_trip_seconds", "loadrig_sends_pending"}, m.Name) {
			t.Errorf("got %s", m.Name)
		}
	}
}

func FuzzPartial(f *testing.F) {
	f.Add([]byte("\x0a\x04\x08\x07\x12\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) { _ = partial(b) })
}
