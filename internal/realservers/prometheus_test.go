package realservers

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/outputs/otlp"
	"github.com/loadrig/loadrig/outputs/remotewrite"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/scenario"
)

// prometheus is a running one.
type prometheus struct {
	t    *testing.T
	addr string
}

// startPrometheus runs Prometheus, which scrapes nothing, with further flags, and waits until it is ready.
func startPrometheus(t *testing.T, flags ...string) *prometheus {
	t.Helper()
	path := program(t, "prometheus", "/usr/bin/prometheus", "prometheus")
	dir := t.TempDir()
	p := &prometheus{t, freeAddress(t)}
	listens(t, p.addr, path, append([]string{"--config.file=" + write(t, dir, "prometheus.yml", "{}\n"),
		"--storage.tsdb.path=" + dir + "/data", "--web.listen-address=" + p.addr, "--log.level=error"}, flags...)...)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + p.addr + "/-/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("prometheus does not become ready: %v", err)
		}
	}
}

// knows tells whether this Prometheus has a flag.
func knows(t *testing.T, flag string) bool {
	t.Helper()
	help, err := exec.Command(program(t, "prometheus", "/usr/bin/prometheus", "prometheus"), "--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(help), flag)
}

// native has native histograms switched on, which newer ones have anyway.
const native = "--enable-feature=native-histograms"

// query gives the vector of an instant query by series, which are keys of records but for the labels of all.
func (p *prometheus) query(at time.Time, promQL string) map[string]float64 {
	p.t.Helper()
	resp, err := http.Get("http://" + p.addr + "/api/v1/query?" + url.Values{
		"query": {promQL}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)},
	}.Encode())
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  []any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		p.t.Fatalf("%s: %v, %s", promQL, err, answer.Error)
	}
	vector := make(map[string]float64)
	for _, r := range answer.Data.Result {
		if r.Value == nil {
			continue // a native histogram
		}
		v, err := strconv.ParseFloat(r.Value[1].(string), 64)
		if err != nil {
			p.t.Fatal(err)
		}
		vector[seriesKey(r.Metric)] = v
	}
	return vector
}

// one gives the only value of a query.
func (p *prometheus) one(at time.Time, promQL string) float64 {
	p.t.Helper()
	vector := p.query(at, promQL)
	for _, v := range vector {
		if len(vector) == 1 {
			return v
		}
	}
	p.t.Errorf("%s: got %v, want one value", promQL, vector)
	return math.NaN()
}

// ofAll are the labels that do not tell series of one run apart.
var ofAll = []string{"__name__", "job", "instance", "run"}

func seriesKey(labels map[string]string) string {
	var parts []string
	for name, value := range labels {
		if !slices.Contains(ofAll, name) {
			parts = append(parts, name+"="+value)
		}
	}
	slices.Sort(parts)
	return labels["__name__"] + "{" + strings.Join(parts, ",") + "}"
}

// keyOf gives a record's key as seriesKey has it.
func keyOf(t *testing.T, key, suffix string, more ...string) string {
	t.Helper()
	name, labels, ok := metrics.ParseKey(key)
	if !ok {
		t.Fatalf("%s is no key", key)
	}
	m := map[string]string{"__name__": metrics.Prefix + name + suffix}
	for _, l := range labels {
		m[l.Name] = l.Value
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return seriesKey(m)
}

// tape keeps what a run told.
type tape struct {
	manifest *report.Manifest
	whole    metrics.Whole
}

func (k *tape) Begin(m *report.Manifest) error {
	k.manifest = m
	return nil
}

func (k *tape) Record(r *metrics.Record) error {
	k.whole.Add(r)
	return nil
}

func (k *tape) Event(report.Event) error  { return nil }
func (k *tape) End(*report.Summary) error { return nil }
func (k *tape) at(seconds float64) time.Time {
	return k.manifest.Started.Add(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

// storyOf is a run of some seconds in which players ask an echo server for something with an awkward name.
func storyOf(t *testing.T, sink report.Sink) (*tape, *report.Summary) {
	t.Helper()
	sc, err := scenario.Read(strings.NewReader(`
players:
  talker:
    steps:
      - connect
      - repeat:
          times: 20
          do:
            - request: {name: 'join "the \ room", {1}=ü', json: {id: "{{ seq }}"}, id: id}
            - check: {name: there, that: connected}
            - think: 50ms
load: {players: 20, iterations: 2, duration: 20s}
`), "test.yaml", ".", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sc.File.Load.Plan()
	if err != nil {
		t.Fatal(err)
	}
	kept := new(tape)
	s := run(t, rig.Config{URL: wstest.Serve(t, wstest.Echo).URL(), Connections: 20, MaxLag: time.Minute, Interval: 500 * time.Millisecond,
		Play: &rig.Play{Scenario: sc, Plan: plan, Seed: 1}, Sinks: []report.Sink{kept, sink}})
	for _, e := range s.Events {
		if e.Kind == report.Output {
			t.Errorf("the output lost something: %s", e.Text)
		}
	}
	return kept, s
}

// counted checks all counters, gauges and counts of histograms of a run against what Prometheus has at its end.
func (p *prometheus) counted(k *tape, s *report.Summary, selector string, histograms bool) {
	p.t.Helper()
	got := p.query(k.at(k.whole.To), selector)
	want := make(map[string]float64)
	for key, v := range k.whole.Counters {
		want[keyOf(p.t, key, "")] = v
	}
	for key, v := range k.whole.Gauges {
		want[keyOf(p.t, key, "")] = v
	}
	for _, key := range k.whole.Timed() {
		if !histograms {
			break
		}
		h := k.whole.TimesOf(key)
		want[keyOf(p.t, key, "_count")] = float64(h.Count())
		want[keyOf(p.t, key, "_bucket", "le", "+Inf")] = float64(h.Count())
		want[keyOf(p.t, key, "_sum")] = h.Sum()
	}
	if len(want) < 20 {
		p.t.Errorf("the run has only %d series", len(want))
	}
	for key, v := range want {
		if g, ok := got[key]; !ok || g != v {
			p.t.Errorf("%s: got %v (there: %v), want %v", key, g, ok, v)
		}
	}
	sum := strings.TrimSuffix(selector, "}") + `,__name__="loadrig_messages_sent_total",opcode=~"text|binary"}`
	at := k.at(k.whole.To)
	if n := p.one(at, "sum("+sum+")"); n != float64(s.Messages.Sent) || n == 0 {
		p.t.Errorf("got %v messages sent, want %d", n, s.Messages.Sent)
	}
	// The first sample is 0, so that nothing is missing in what it grew by.
	grew := fmt.Sprintf("max_over_time(%s[1h]) - min_over_time(%[1]s[1h])", strings.Replace(sum, `opcode=~"text|binary"`, `opcode="text"`, 1))
	if n := p.one(at, grew); histograms && n != k.whole.Counters[metrics.Sent.Key("text")] {
		p.t.Errorf("it grew by %v, want %v", n, k.whole.Counters[metrics.Sent.Key("text")])
	}
}

// quantiles checks quantiles by Prometheus against those of a run: they are in the same bucket, or as far apart as
// the two ways to find a rank are. bounds gives the bucket of a time in seconds.
func (p *prometheus) quantiles(k *tape, promQL string, h *metrics.Histogram, bounds func(float64) (low, high float64)) {
	p.t.Helper()
	rank := 1 / float64(h.Count())
	for _, q := range []float64{.5, .9, .99} {
		got := p.one(k.at(k.whole.To), fmt.Sprintf("histogram_quantile(%v, %s)", q, promQL))
		low, _ := bounds(h.Quantile(q - rank).Seconds())
		_, high := bounds(h.Quantile(min(q+rank, 1)).Seconds())
		if !(got >= low && got <= high) {
			p.t.Errorf("%s: the quantile %v is %v, want %v to %v", promQL, q, got, low, high)
		}
		p.t.Logf("%s: quantile %v: %v here, %v there", promQL, q, h.Quantile(q).Seconds(), got)
	}
}

// classic gives the classic bucket of a time.
func classic(s float64) (low, high float64) {
	for _, b := range new(metrics.Histogram).Prometheus().Bucket {
		if high = b.GetUpperBound(); s <= high {
			return low, high
		}
		low = high
	}
	return low, math.Inf(1)
}

// nativeBounds gives the native bucket of a time, and a little for rounding.
func nativeBounds(s float64) (low, high float64) {
	i := math.Ceil(math.Log2(s) * 8)
	return math.Pow(2, (i-1)/8) * .999, math.Pow(2, i/8) * 1.001
}

// TestRemoteWrite: a real Prometheus has all that a run counted, exactly.
func TestRemoteWrite(t *testing.T) {
	p := startPrometheus(t, "--web.enable-remote-write-receiver")
	sink, err := remotewrite.New("http://"+p.addr+"/api/v1/write", remotewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k, s := storyOf(t, sink)
	run := fmt.Sprintf("{run=%q}", k.manifest.ID)
	p.counted(k, s, run, true)
	p.quantiles(k, "loadrig_request_response_seconds_bucket"+run, k.whole.Times(metrics.RequestResponse, s.Scenario.Requests[0].Name), classic)
	if n := p.one(k.at(k.whole.To), "count(count by (job, instance) ("+run+"))"); n != 1 {
		t.Errorf("got %v jobs and instances, want 1", n)
	}
}

// TestRemoteWriteNative: and native histograms, where they are asked for.
func TestRemoteWriteNative(t *testing.T) {
	p := startPrometheus(t, "--web.enable-remote-write-receiver", native)
	sink, err := remotewrite.New("http://"+p.addr+"/api/v1/write", remotewrite.Options{
		Getenv: func(name string) string { return map[string]string{remotewrite.Env + "_NATIVE": "true"}[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	k, s := storyOf(t, sink)
	run := fmt.Sprintf("{run=%q}", k.manifest.ID)
	p.counted(k, s, run, true)
	p.natives(k, s, "loadrig_request_response_seconds"+run)
}

// natives checks a native histogram of a run.
func (p *prometheus) natives(k *tape, s *report.Summary, series string) {
	p.t.Helper()
	h := k.whole.Times(metrics.RequestResponse, s.Scenario.Requests[0].Name)
	at := k.at(k.whole.To)
	if n := p.one(at, "histogram_count("+series+")"); n != float64(h.Count()) || n != 20*2*20 {
		p.t.Errorf("got %v answers, want %d", n, h.Count())
	}
	if sum := p.one(at, "histogram_sum("+series+")"); sum != h.Sum() {
		p.t.Errorf("got %v s in all, want %v", sum, h.Sum())
	}
	p.quantiles(k, series, h, nativeBounds)
}

// TestOTLP: the same by OpenTelemetry's protocol, which Prometheus takes by this flag from 3.0 on. Debian 12's does not,
// so that this skips in CI too: the tests of outputs/otlp have a receiver of their own.
func TestOTLP(t *testing.T) {
	const flag = "--web.enable-otlp-receiver"
	if !knows(t, strings.TrimPrefix(flag, "--")) {
		t.Skip("SKIPPED: this Prometheus has no " + flag + ": 3.0 or later has it")
	}
	p := startPrometheus(t, flag, native)
	sink, err := otlp.New("http://"+p.addr+"/api/v1/otlp/v1/metrics", otlp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k, s := storyOf(t, sink)
	run := fmt.Sprintf("{job=%q,instance=%q}", "loadrig", k.manifest.ID)
	p.counted(k, s, run, false)
	p.natives(k, s, "loadrig_request_response_seconds"+run)
}
