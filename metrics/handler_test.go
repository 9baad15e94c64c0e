package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

func TestHandler(t *testing.T) {
	h := Handler(registryOf(t, scriptedCollector()))
	for _, c := range []struct {
		method, path string
		status       int
		body         string // a part of it
	}{
		{"GET", "/metrics", 200, "loadrig_connections{state=\"connecting\"} 1\n"},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/healthz", 200, "ok\n"},
		{"POST", "/metrics", 405, "method not allowed"},
		{"DELETE", "/healthz", 405, "method not allowed"},
		{"CONNECT", "/metrics", 405, ""},
		{"GET", "/", 404, ""},
		{"GET", "", 404, ""},
		{"POST", "/", 404, ""},
		{"GET", "/metrics/", 404, ""},
		{"GET", "//metrics", 404, ""},
		{"GET", "/METRICS", 404, ""},
		{"GET", "/x/../metrics", 404, ""},
		{"GET", "/../../etc/passwd", 404, ""},
		{"GET", "/metrics\x00", 404, ""},
		{"GET", "*", 404, ""},
		{"GET", "/" + strings.Repeat("a/", 10_000), 404, ""},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.URL = &url.URL{Path: c.path}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %.40q: got %d, want %d with %q", c.method, c.path, w.Code, c.status, c.body)
		}
		if allow := w.Header().Get("Allow"); (allow == "GET, HEAD") != (c.status == 405) {
			t.Errorf("%s %.40q: got Allow %q", c.method, c.path, allow)
		}
	}
}

// TestHandlerNegotiatesNativeHistograms asks as Prometheus does with native histograms enabled.
func TestHandlerNegotiatesNativeHistograms(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"+
		"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3")
	w := httptest.NewRecorder()
	Handler(registryOf(t, scriptedCollector())).ServeHTTP(w, r)

	dec := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	for {
		var f dto.MetricFamily
		if err := dec.Decode(&f); err != nil {
			t.Fatalf("loadrig_round_trip_seconds: %v", err)
		}
		if f.GetName() != "loadrig_round_trip_seconds" {
			continue
		}
		// The one round trip took 0.5 ms: 8·log2(0.0005) = -87.7, so bucket -87.
		if got := nativeCounts(f.Metric[0].Histogram); got[-87] != 1 || len(got) != 1 {
			t.Errorf("got native buckets %v, want 1 in -87", got)
		}
		return
	}
}

func TestHandlerTellsAGatherError(t *testing.T) {
	c := NewCollector(func(context.Context, *Snapshot) error { return errors.New("shard 1 does not answer") }, BuildInfo{})
	w := httptest.NewRecorder()
	Handler(registryOf(t, c)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "shard 1 does not answer") {
		t.Errorf("got %d %q, want 500 and the reason", w.Code, w.Body)
	}
}
