package cli

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/rundir"
)

// TestDrawInterrupted: who does not wait until a run is drawn has the run all the same, and no half a page.
func TestDrawInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a run")
	w := rundir.NewWriter("", dir)
	if err := w.Begin(&report.Manifest{Schema: report.ManifestSchema, ID: "x", Started: time.Unix(0, 0).UTC(), Interval: 1}); err != nil {
		t.Fatal(err)
	}
	if err := w.Record(metrics.NewRecorder(nil).Record(0, 1)); err != nil {
		t.Fatal(err)
	}
	if err := w.End(&report.Summary{Schema: report.Schema, Run: "x"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := draw(ctx, dir); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v, want to be told that it was interrupted", err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "report.html*")); len(files) > 0 {
		t.Errorf("got %v of a page that was not drawn", files)
	}
	address, err := draw(t.Context(), dir)
	if err != nil || !strings.HasPrefix(address, "file:///") || !strings.HasSuffix(address, "/a%20run/report.html") {
		t.Errorf("got %s, %v", address, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err != nil {
		t.Error(err)
	}
}

// TestShowName: the page's name until there are data is not the address that stands for an embedded server.
func TestShowName(t *testing.T) {
	for url, want := range map[string]string{embeddedURL: "loadrig run", "wss://u:p@h/x?y": "loadrig wss://h/x"} {
		cfg := rig.Config{HTTP: "127.0.0.1:0", URL: url}
		show(&cfg)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		w := httptest.NewRecorder()
		local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
		r.Host = "localhost"
		cfg.Extra["/{$}"].ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local))))
		if got := w.Body.String(); !strings.Contains(got, "<title>"+want+"</title>") {
			t.Errorf("%s: got %.400s, want the title %s", url, got, want)
		}
	}
}

func TestFileURL(t *testing.T) {
	for path, want := range map[string]string{
		"/runs/a?b#c%/report.html": "file:///runs/a%3Fb%23c%25/report.html",
		"C:/runs/report.html":      "file:///C:/runs/report.html",
	} {
		if got := fileURL(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
