package web

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/timeline"
)

// running is a run that a test has happen.
type running struct {
	*timeline.Timeline
	t       *testing.T
	seq     int
	sent    float64
	answers metrics.Histogram
}

func start(t *testing.T) *running {
	t.Helper()
	r := &running{Timeline: timeline.New(), t: t}
	r.answers.Record(time.Millisecond)
	if err := r.Begin(&report.Manifest{ID: "x", Interval: 1, URL: "ws://</script><script>alert(1)</script>"}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *running) second() {
	r.sent += 100
	_ = r.Record(&metrics.Record{Seq: r.seq, From: float64(r.seq), To: float64(r.seq + 1),
		Counters:   map[string]float64{metrics.Sent.Key(messages.OpText.String()): r.sent},
		Histograms: map[string]*metrics.Histogram{metrics.Response.Key(): &r.answers}})
	r.seq++
	_ = r.Stands(&report.Summary{Run: "x", Messages: report.Messages{Sent: uint64(r.sent)}})
}

func (r *running) serve() *httptest.Server {
	r.t.Helper()
	mux := http.NewServeMux()
	for pattern, h := range NewLive(r.Timeline, "a test").Handlers() {
		mux.Handle(pattern, h)
	}
	s := httptest.NewServer(mux)
	r.t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// message is what a viewer gets.
type message struct {
	id     string
	Gen    int
	Next   int
	Rows   [][]*float64
	Over   bool
	Reload bool
	Events []report.Event
}

// watch gives the messages of a viewer.
func watch(ctx context.Context, url string, header ...string) (<-chan message, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		resp.Body.Close()
		return nil, fmt.Errorf("got status %d, type %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	messages := make(chan message, 1000)
	go func() {
		defer close(messages)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		var m message
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m = message{id: value}
			case "data":
				if err := json.Unmarshal([]byte(value), &m); err != nil {
					return
				}
				messages <- m
			}
		}
	}()
	return messages, nil
}

func TestLatecomer(t *testing.T) {
	r := start(t)
	s := r.serve()
	for range 100 {
		r.second()
	}
	resp, body := get(t, s.URL+"/timeline.json", "Accept-Encoding", "identity")
	var d struct {
		Schema, Mode string
		Runs         []struct {
			Rows, Next int
			Summary    report.Summary
		}
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	if d.Schema != Schema || d.Mode != "live" || d.Runs[0].Rows != 100 || d.Runs[0].Summary.Messages.Sent != 10_000 {
		t.Errorf("got %+v", d)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", resp.Header)
	}
	resp, packed := get(t, s.URL+"/timeline.json", "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatalf("%v: %v", resp.Header, err)
	}
	if b, _ := io.ReadAll(z); string(b) != body {
		t.Error("compressed it is another")
	}
	_, body = get(t, s.URL+"/timeline.json?gen=0&after=98&events=0")
	var m message
	if err := json.Unmarshal([]byte(body), &m); err != nil || len(m.Rows) != 2 || m.Next != 100 {
		t.Errorf("got %v, %s", err, body)
	}
}

// TestViewers: two viewers, of whom one comes back after it lost the line, are told everything once.
func TestViewers(t *testing.T) {
	r := start(t)
	s := r.serve()
	r.second()
	a, err := watch(t.Context(), s.URL+"/live?gen=0&after=0&events=0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b, err := watch(ctx, s.URL+"/live?gen=0&after=1&events=0")
	if err != nil {
		t.Fatal(err)
	}
	if m := <-a; len(m.Rows) != 1 || m.id != "0-1-0" {
		t.Errorf("a: got %+v", m)
	}
	if m := <-b; len(m.Rows) != 0 || m.id != "0-1-0" { // it has them, and not the summary
		t.Errorf("b: got %+v", m)
	}
	cancel()
	for range b {
	}
	r.second()
	_ = r.Event(report.Event{Kind: report.Stall})
	r.second()
	if b, err = watch(t.Context(), s.URL+"/live?gen=0&after=0&events=0", "Last-Event-ID", "0-1-0"); err != nil {
		t.Fatal(err)
	}
	if m := <-b; len(m.Rows) != 2 || m.id != "0-3-1" || len(m.Events) != 1 {
		t.Errorf("b: got %+v", m)
	}
	_ = r.Event(report.Event{Kind: report.Ended})
	_ = r.End(&report.Summary{Run: "x"})
	for name, c := range map[string]<-chan message{"a": a, "b": b} {
		var last message
		for m := range c { // ends by itself
			last = m
		}
		if !last.Over {
			t.Errorf("%s: got %+v at the end, want over", name, last)
		}
	}
	if m, err := watch(t.Context(), s.URL+"/live?gen=0&after=3&events=2"); err != nil {
		t.Error(err)
	} else if got := <-m; !got.Over {
		t.Errorf("of a run that is over: got %+v", got)
	}
}

// TestReload: who has what is there no more asks for everything.
func TestReload(t *testing.T) {
	r := start(t)
	s := r.serve()
	r.second()
	for _, at := range []string{"gen=7&after=0", "gen=0&after=99", "gen=0&after=0&events=5"} {
		m, err := watch(t.Context(), s.URL+"/live?"+at)
		if err != nil {
			t.Fatal(err)
		}
		if got := <-m; !got.Reload {
			t.Errorf("%s: got %+v", at, got)
		}
		if _, body := get(t, s.URL+"/timeline.json?"+at); body != `{"reload":true}` {
			t.Errorf("%s: got %s", at, body)
		}
	}
}

// TestNeverReads: a viewer that takes nothing holds up neither the run nor others, and costs no memory that grows.
func TestNeverReads(t *testing.T) {
	r := start(t)
	s := r.serve()
	for range 16 {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /live?gen=0&after=0&events=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	m, err := watch(t.Context(), s.URL+"/live?gen=0&after=0&events=0")
	if err != nil {
		t.Fatal(err)
	}
	rows, next := 0, 0
	for next < 3000 {
		for range 1000 {
			r.second()
		}
		for got := range m {
			rows += len(got.Rows)
			if next = got.Next; next == r.seq {
				break
			}
		}
	}
	if rows > 3*16+2 {
		t.Errorf("got %d rows, want few: the viewer is as slow as that", rows)
	}
	_ = r.End(nil)
	for range m {
	}
}

// TestManyViewers: more than there may be are told so.
func TestManyViewers(t *testing.T) {
	l := NewLive(timeline.New(), "")
	l.viewers.Store(maxViewers)
	w := httptest.NewRecorder()
	l.stream(w, httptest.NewRequest(http.MethodGet, "/live", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || l.viewers.Load() != maxViewers {
		t.Errorf("got %d, %v, %d viewers", w.Code, w.Header(), l.viewers.Load())
	}
}

// TestAnotherRun: who has seen another run, which was at this address before, gets nothing that is put behind it.
func TestAnotherRun(t *testing.T) {
	r := start(t)
	s := r.serve()
	for range 5 {
		r.second()
	}
	for of, want := range map[string]bool{"run=x&": false, "run=y&": true, "": false} {
		query := "?" + of + "gen=0&after=3&events=0"
		resp, body := get(t, s.URL+"/timeline.json"+query)
		if resp.StatusCode != 200 || strings.Contains(body, `"reload":true`) != want {
			t.Errorf("%q: got %d %.100s, want to be told to reload: %t", of, resp.StatusCode, body, want)
		}
		for _, header := range [][]string{nil, {"Last-Event-ID", "0-4-0"}} {
			ctx, cancel := context.WithCancel(t.Context())
			messages, err := watch(ctx, s.URL+"/live"+query, header...)
			if err != nil {
				t.Fatal(err)
			}
			if m := <-messages; m.Reload != want {
				t.Errorf("%q, %v: got %+v, want to be told to reload: %t", of, header, m, want)
			}
			cancel()
			for range messages {
			}
		}
	}
}

// TestTogether: what is the same for all is made once, and the same.
func TestTogether(t *testing.T) {
	r := start(t)
	for range 50 {
		r.second()
	}
	l := NewLive(r.Timeline, "")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 20 {
				at := cursor{0, i, 0}
				if b, more, err := l.since(&at); err != nil || !more || len(b) == 0 || at.rows != 50 {
					t.Errorf("got %v, more %t, %d rows", err, more, at.rows)
				}
				if b, err := l.all(); err != nil || len(b) == 0 {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 1000 {
		at := cursor{0, i % 50, 0}
		_, _, _ = l.since(&at)
		at = cursor{i, 0, 0}
		_, _, _ = l.since(&at)
	}
	if len(l.news) > maxTold {
		t.Errorf("got %d messages kept, want at most %d", len(l.news), maxTold)
	}
}

// TestHostile: a request that no page of ours makes.
func TestHostile(t *testing.T) {
	r := start(t)
	s := r.serve()
	r.second()
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:9464": 200, "localhost:1": 200, "LOCALHOST.": 200, "[::1]:9464": 200, "a.localhost": 200, "127.1.2.3": 200,
		"0.0.0.0:9464": 200, "[::]:9464": 200,
		"evil.example": 421, "evil.example:9464": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "127.0.0.1.evil.example": 421, "%zz": 421,
		"[fe80::1%25lo]": 421, strings.Repeat("a", 5000): 421,
	} {
		for _, path := range []string{"/", "/timeline.json", "/live?gen=9"} {
			if resp, body := get(t, s.URL+path, "Host", host); resp.StatusCode != want && resp.StatusCode != 400 {
				t.Errorf("%.40q %s: got %d %.100q, want %d", host, path, resp.StatusCode, body, want)
			}
		}
	}
	for path, want := range map[string]int{
		"/timeline.json?gen=x": 400, "/timeline.json?after=-1": 400, "/live?events=99999999999999999999": 400, "/%2e%2e/%2e%2e/etc/passwd": 404,
		"/page/index.html": 404, "/live/": 404, "/js/main.js": 404, "/" + strings.Repeat("a", 9000): 404,
	} {
		if resp, body := get(t, s.URL+path); resp.StatusCode != want {
			t.Errorf("%.60s: got %d %.100q, want %d", path, resp.StatusCode, body, want)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "BREW"} {
		req, _ := http.NewRequestWithContext(t.Context(), method, s.URL+"/timeline.json", strings.NewReader("{}"))
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: got %d, %v", method, resp.StatusCode, resp.Header)
		}
	}
}

// TestBeforeTheRun: who comes before the run has begun is told to come again.
func TestBeforeTheRun(t *testing.T) {
	r := &running{Timeline: timeline.New(), t: t}
	s := r.serve()
	resp, body := get(t, s.URL+"/timeline.json")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	resp, body = get(t, s.URL+"/")
	policy := resp.Header.Get("Content-Security-Policy")
	if resp.StatusCode != 200 || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("got %d, policy %q", resp.StatusCode, policy)
	}
	if !strings.Contains(body, "a test") {
		t.Errorf("got %.300s", body)
	}
}

// TestTurns: few viewers are told at once, and many one after the other.
func TestTurns(t *testing.T) {
	l := NewLive(timeline.New(), "")
	l.viewers.Store(few)
	if d := l.turn(3); d != 0 {
		t.Errorf("one of few waits for %v", d)
	}
	l.viewers.Store(200)
	var parts [20]int
	for n := range uint64(200) {
		d := l.turn(n)
		if d < 0 || d >= spread {
			t.Fatalf("got %v, want less than %v", d, spread)
		}
		parts[int(len(parts))*int(d)/int(spread)]++
	}
	for i, n := range parts {
		if n < 9 || n > 11 {
			t.Errorf("part %d of %d has %d viewers, want about 10", i, len(parts), n)
		}
	}
}
