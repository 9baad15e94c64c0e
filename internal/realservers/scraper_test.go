package realservers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scraper is a running Prometheus with the configuration and the rules of deploy/prometheus, but for its targets,
// which it scrapes every second.
type scraper struct {
	t    *testing.T
	addr string
}

var (
	prometheusVersion = regexp.MustCompile(`version (\d+)\.(\d+)\.`)
	everyFive         = regexp.MustCompile(`(_interval|_timeout): 5s`)
)

// newScraper starts Prometheus until the test ends, with native histograms or without.
func newScraper(t *testing.T, target string, native bool) *scraper {
	t.Helper()
	tool, err := exec.LookPath("prometheus")
	if err != nil {
		need(t, "prometheus", "apt-get install prometheus")
	}
	out, _ := exec.Command(tool, "--version").CombinedOutput()
	m := prometheusVersion.FindSubmatch(out)
	if m == nil {
		t.Fatalf("prometheus --version: got %.100q, want a version", out)
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))

	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(deploy+"/prometheus")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "prometheus.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conf := everyFive.ReplaceAllString(string(text), "$1: 1s")
	conf = strings.Replace(conf, `"loadrig:9464"`, `"`+target+`"`, 1)
	const on = "scrape_native_histograms: true"
	if conf == string(text) || !strings.Contains(conf, target) || !strings.Contains(conf, on) {
		t.Fatalf("%s is not as this test knows it:\n%s", file, text)
	}
	p := &scraper{t: t, addr: freeAddress(t)}
	args := []string{"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + p.addr, "--log.level=error"}
	switch old := major < 3 || major == 3 && minor < 8; {
	case old && native: // it has a flag instead
		args = append(args, "--enable-feature=native-histograms")
		conf = strings.Replace(conf, on, "", 1)
	case old:
		conf = strings.Replace(conf, on, "", 1)
	case !native:
		conf = strings.Replace(conf, on, "scrape_native_histograms: false", 1)
	}
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	listens(t, p.addr, tool, args...)
	p.until("it is ready", func() bool {
		resp, err := http.Get("http://" + p.addr + "/-/ready")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// until waits until something is so, which may take a minute where machines are busy.
func (p *scraper) until(what string, so func() bool) {
	p.t.Helper()
	if !p.await(so) {
		p.t.Fatalf("prometheus: waited a minute until %s", what)
	}
}

// await is until, for goroutines that are not the test's.
func (p *scraper) await(so func() bool) bool {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	for !so() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// result is one series of an answer.
type result struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`  // of a moment
	Values [][2]any          `json:"values"` // of a range
}

// ask gives what the API answers.
func (p *scraper) ask(path string, params url.Values, into any) error {
	resp, err := http.Get("http://" + p.addr + "/api/v1/" + path + "?" + params.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%w in %.200q", err, body)
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

// vector asks a query now.
func (p *scraper) vector(query string) []result {
	p.t.Helper()
	list, err := p.now(query)
	if err != nil {
		p.t.Fatalf("prometheus: %s: %v", query, err)
	}
	return list
}

// now is vector, for goroutines that are not the test's.
func (p *scraper) now(query string) ([]result, error) {
	var data struct{ Result []result }
	err := p.ask("query", url.Values{"query": {query}}, &data)
	return data.Result, err
}

// number gives the one value that a query has.
func (p *scraper) number(query string) float64 {
	p.t.Helper()
	list := p.vector(query)
	if len(list) != 1 {
		p.t.Errorf("prometheus: %s: got %d series, want 1", query, len(list))
		return 0
	}
	text, _ := list[0].Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.t.Errorf("prometheus: %s: got %v, want a number", query, list[0].Value)
	}
	return v
}

// rangeOf asks a query for each second of a time.
func (p *scraper) rangeOf(query string, from, to time.Time) ([]result, error) {
	stamp := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1e3, 'f', 3, 64) }
	var data struct{ Result []result }
	err := p.ask("query_range", url.Values{"query": {query}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {"1"}}, &data)
	return data.Result, err
}
