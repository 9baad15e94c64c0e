//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the processes that the benchmark starts be this test binary.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role))
	}
	// The race detector has a process sleep for a second before it ends, and there are many here.
	_ = os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// TestCompare runs everything in small, so that the benchmark does not rot. It asserts no figures but
// those that do not depend on the machine.
func TestCompare(t *testing.T) {
	o, err := parse([]string{
		"-rounds", "1", "-seconds", "0.1", "-warmup", "0.05", "-connections", "20", "-few", "10", "-many", "30",
		"-connects", "40", "-tls-many", "50", "-paced", "-paced-connections", "20", "-rate", "1000", "-profile", t.TempDir(),
		"-only", strings.Join(allContestants(), ","),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.settle = 10 * time.Millisecond
	var talk bytes.Buffer
	l, err := compare(o, &talk)
	if err != nil {
		t.Fatalf("%v\n%s", err, &talk)
	}
	for _, k := range contestants {
		for _, mode := range allModes {
			want := 1
			switch {
			case !slices.Contains(k.modes, mode):
				want = 0
			case isIdle(mode):
				want = 2
			}
			if got := len(l.results[mode][k.name]); got != want {
				t.Errorf("%s %s: got %d results, want %d", mode, k.name, got, want)
			}
		}
	}
	if n := l.slope(modeIdle, gobwas, goroutines); n != 1 {
		t.Errorf("gobwas: got %v goroutines per connection, want 1", n)
	}
	for _, mode := range []string{modeIdle, modeTLSIdle} {
		if n := l.slope(mode, loadrig, goroutines); n != 0 {
			t.Errorf("loadrig, %s: got %v goroutines per connection, want 0", mode, n)
		}
	}
	if fs, err := filepath.Glob(o.profile + "/*.pprof"); len(fs) != 16 { // 7 of closed, 5 of paced, 3 of tls, 1 of a scenario
		t.Errorf("got the profiles %v, %v, want 16", fs, err)
	}
	prints(t, newReport(l, "go run ./bench", time.Now(), thisMachine()))
}

// prints checks both forms of a report in which all was measured.
func prints(t *testing.T, r *report) {
	t.Helper()
	var out bytes.Buffer
	if err := r.markdown(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"`go run ./bench`", "| loadrig |", "| bare |", "| gws |", "| gobwas |", "| baretls |", "| story |", "Closed loop", "Connect", "Idle", "Paced", "Bars"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables lack %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), barNotAsked) {
		t.Errorf("the tables lack figures:\n%s", &out)
	}
	out.Reset()
	if err := r.json(&out); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back.Bars) != len(r.Bars) || back.Results[modeClosed][bare][0].Trips == 0 {
		t.Errorf("json: got %v for\n%s", err, &out)
	}
}

// TestOnly: what was not measured is said to be so, and misses nothing.
func TestOnly(t *testing.T) {
	o, err := parse([]string{"-only", "connect,bare", "-rounds", "1", "-connects", "5"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := compare(o, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	r := newReport(l, "", time.Now(), machineInfo{})
	if r.Missed != 0 {
		t.Errorf("got %d bars missed, want 0", r.Missed)
	}
	for _, b := range r.Bars {
		if b.Verdict != barNotAsked {
			t.Errorf("%s: got %q, want %q", b.Name, b.Verdict, barNotAsked)
		}
	}
	var out bytes.Buffer
	if err := r.json(&out); err != nil { // has no way to write NaN
		t.Error(err)
	}
	if err := r.markdown(&out); err != nil || strings.Contains(out.String(), "NaN") {
		t.Errorf("got %v for\n%s", err, &out)
	}
}

// TestChildrenEndWithStdin: a process in the middle of its work does not outlive who started it.
func TestChildrenEndWithStdin(t *testing.T) {
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	c, err := start(roleClient, 1)
	if err != nil {
		t.Fatal(err)
	}
	j := job{Contestant: loadrig, Mode: modeClosed, URL: s.url, Connections: 5, Shards: 1, Measure: time.Hour}
	if err := json.NewEncoder(c.in).Encode(j); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		st, err := s.state()
		if err != nil {
			t.Fatal(err)
		}
		if st.Echoes > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the client does not begin")
		}
	}
	if err := c.end(); err != nil {
		t.Error(err)
	}
	if err := s.idle(); err != nil {
		t.Error(err)
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

// TestFailures: a client that cannot do its job says why.
func TestFailures(t *testing.T) {
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{opts: options{procs: 1}, server: s}
	for _, k := range allContestants() {
		_, err := c.pass(job{Contestant: k, Mode: modeClosed, URL: "ws://127.0.0.1:1/", Connections: 3, Shards: 1})
		if err == nil || !strings.HasPrefix(err.Error(), k+" closed: connect: ") {
			t.Errorf("%s: got %v, want that it cannot connect", k, err)
		}
	}
	if _, err := c.pass(job{Contestant: "nobody"}); err == nil || !strings.Contains(err.Error(), `no contestant "nobody"`) {
		t.Errorf("nobody: got %v, want that there is none", err)
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}
