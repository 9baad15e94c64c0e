package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

var update = flag.Bool("update", false, "write the golden files")

// example is a run of three players, of whom two opened, one of them compressed; each of the two was
// answered once, after 2 and 4 ms. The third was refused.
func example() *Summary {
	var shard metrics.Shard
	var snap metrics.Snapshot
	ms := func(n int) messages.Stamp { return messages.Stamp(n) * messages.Stamp(time.Millisecond) }
	shard.Added(3)
	move := func(from, to messages.State) { shard.Observe(&messages.StateChanged{From: from, To: to}) }
	for i := range 3 {
		move(messages.Idle, messages.Connecting)
		if i == 2 {
			shard.Observe(&messages.Closed{Cause: messages.CauseRefused, Phase: messages.PhaseConnect, Code: messages.CloseAbnormal})
			move(messages.Connecting, messages.Disconnected)
			continue
		}
		h := messages.Handshake{Total: 3 * time.Millisecond}
		h.Phases[messages.PhaseConnect], h.Phases[messages.PhaseUpgrade] = time.Millisecond, 2*time.Millisecond
		move(messages.Connecting, messages.Connected)
		shard.Observe(&messages.Opened{Handshake: h, Extensions: []string{"permessage-deflate", ""}[i]})
		shard.Lag(time.Millisecond)
		shard.Response(ms(0), ms(1), ms(1+2*(i+1)))
		shard.Observe(&messages.Closed{Cause: messages.CauseShutdown, Opened: true, Code: messages.CloseNormal, Clean: true, At: ms(1003), Lasted: time.Second})
		move(messages.Connected, messages.Disconnected)
	}
	shard.AddTo(&snap)
	snap.Traffic = messages.Traffic{Asked: 4, SentBytes: 128, ReceivedBytes: 128, SentWire: 1100, ReceivedWire: 700}
	snap.Traffic.Sent[messages.OpText], snap.Traffic.Sent[messages.OpClose] = 2, 2
	snap.Traffic.Received[messages.OpText] = 2
	r := metrics.NewRecorder(nil)
	*r.Now = snap
	b := NewBuilder(exampleManifest())
	b.Record(r.Record(0, 10))
	b.Event(Event{At: 10.5, Kind: Ended, Outcome: exampleOutcome()})
	return b.Summary()
}

func exampleManifest() *Manifest {
	return &Manifest{
		Schema: ManifestSchema, ID: "20261123-000000-c0ffee", Started: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		URL: "ws://127.0.0.1:8080/", Players: 3, Interval: 10, MaxLag: DefaultMaxLag.Seconds(),
		Version: "v1.2.3", Go: "go1.26.0", Engine: "epoll", Shards: 2, Host: Host{Files: 20000},
	}
}

func exampleOutcome() *Outcome {
	return &Outcome{
		Load: 10, Drain: 0.25, Peak: 2, Asked: 3, Goroutines: 5, CPU: 0.5, MaxRSS: 20 << 20, GCPause: 0.0001,
		ByState: map[string]int64{"idle": 0, "connecting": 0, "connected": 2, "disconnected": 1},
		Details: map[string]string{"refused": "connect: connection refused"},
	}
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*Summary, *bytes.Buffer) error{
		"summary.txt":  func(s *Summary, b *bytes.Buffer) error { return s.WriteText(b) },
		"summary.json": func(s *Summary, b *bytes.Buffer) error { return s.WriteJSON(b) },
	} {
		var got bytes.Buffer
		if err := write(example(), &got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.String()); d != "" {
			t.Errorf("%s (-want +got; -update writes it):\n%s", name, d)
		}
	}
}

// TestSchema: programs rely on these names, on every list and object being there, and on v1.
func TestSchema(t *testing.T) {
	var b bytes.Buffer
	if err := new(Summary).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	empty := NewBuilder(new(Manifest))
	empty.Event(Event{Kind: Ended, Outcome: new(Outcome)})
	b.Reset()
	if err := empty.Summary().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b.Bytes(), &top); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(`schema verdict reasons duration_seconds players connections messages
		round_trip_seconds response_seconds schedule_lag_seconds handshake_seconds disconnects rig`) {
		if _, ok := top[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	if string(top["schema"]) != `"loadrig.summary/v1"` || string(top["disconnects"]) != "[]" || string(top["reasons"]) != "[]" {
		t.Errorf("got schema %s, disconnects %s, reasons %s", top["schema"], top["disconnects"], top["reasons"])
	}
}

func TestJudge(t *testing.T) {
	good := func() *Summary {
		s := &Summary{Players: 10, Connections: Connections{Attempted: 10, Opened: 10}}
		s.Rig.Conservation = "ok"
		s.Disconnects = []Disconnect{{Cause: "local", Count: 4}, {Cause: "shutdown", Count: 6}}
		return s
	}
	for _, c := range []struct {
		name   string
		change func(*Summary)
		asked  uint64
		want   Verdict
		reason string // part of the first reason
	}{
		{"all went well", func(*Summary) {}, 10, Pass, ""},
		{"one did not open", func(s *Summary) { s.Connections.Opened = 9 }, 10, Fail, "9 of 10 connections opened"},
		{"time was over", func(s *Summary) { s.Connections = Connections{Attempted: 7, Opened: 7} }, 10, Fail, "7 of 10 players had been started"},
		{"interrupted after seven", func(s *Summary) { s.Connections = Connections{Attempted: 7, Opened: 7} }, 7, Pass, ""},
		{"the server reset one", func(s *Summary) { s.Disconnects[0].Cause = "reset" }, 10, Fail, "4 connections ended by reset, the first: oops"},
		{"the server was wrong", func(s *Summary) { s.Disconnects[0].Cause = "upgrade_invalid" }, 10, Fail, "is this a WebSocket server?"},
		{"messages were dropped", func(s *Summary) { s.Messages.Dropped = 1 }, 10, Fail, "1 message never sent"},
		{"no ports left", func(s *Summary) { s.Disconnects[0].Cause = "local_resource" }, 10, Untrustworthy, "this machine"},
		{"a panic", func(s *Summary) { s.Rig.Panics = 1 }, 10, Untrustworthy, "1 player panicked"},
		{"counts are off", func(s *Summary) { s.Rig.Conservation = "one is missing" }, 10, Untrustworthy, "one is missing"},
		{"the rig kept up", func(s *Summary) { s.Trust = []Trust{{Held: true}} }, 10, Pass, ""},
		{"the rig was late, and one reset", func(s *Summary) {
			s.Trust, s.Disconnects[0].Cause = []Trust{{Held: true}, {Reason: "it was late"}}, "reset"
		}, 10, Untrustworthy, "it was late"},
	} {
		s := good()
		c.change(s)
		s.Judge(Basis{Asked: c.asked, Details: map[string]string{"reset": "oops"}})
		if s.Verdict != c.want || (c.want == Pass) != (len(s.Reasons) == 0) ||
			(c.reason != "" && !strings.Contains(s.Reasons[0], c.reason)) {
			t.Errorf("%s: got %s %q, want %s with %q", c.name, s.Verdict, s.Reasons, c.want, c.reason)
		}
	}
}

// TestHints: a hint for a cause that is not in the vocabulary would never be shown.
func TestHints(t *testing.T) {
	for c := range hints {
		if !slices.Contains(messages.Causes(), c) || c.Expected() {
			t.Errorf("%s: no failure", c)
		}
	}
}

func TestFormats(t *testing.T) {
	for got, want := range map[string]string{
		seconds(0): "0s", seconds(0.0000005): "0s", seconds(0.000001): "1.00µs", seconds(0.00085): "850µs", seconds(0.00123): "1.23ms",
		seconds(0.0123): "12.3ms", seconds(12.34): "12.3s", seconds(600): "600s",
		count(0): "0", count(999): "999", count(1000): "1,000", count(1234567): "1,234,567",
		size(0): "0 B", size(1023): "1023 B", size(1536): "1.5 KiB", size(20 << 20): "20.0 MiB", size(5 << 50): "5120.0 TiB",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestEventsAreTold: a standstill that is too short to void a run is told all the same, and many are cut short.
func TestEventsAreTold(t *testing.T) {
	b := NewBuilder(exampleManifest())
	b.Event(Event{At: 1, Kind: Crossed, Text: "a threshold, which has a table"})
	for i := range maxShown + 1 {
		b.Event(Event{At: float64(60 * (i + 1)), Kind: Stall, Seconds: 1, Text: "the rig stood still for 1s"})
	}
	b.Event(Event{Kind: Ended, Outcome: exampleOutcome()})
	var text bytes.Buffer
	if err := b.Summary().WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text.String(), "the rig stood still for 1s"); n != maxShown {
		t.Errorf("got told of %d, want %d:\n%s", n, maxShown, &text)
	}
	if !strings.Contains(text.String(), "  the rig stood still for 1s   1m0s\n") || !strings.Contains(text.String(), "more events are in the JSON") {
		t.Errorf("got\n%s", &text)
	}
	if strings.Contains(text.String(), "which has a table") {
		t.Error("a threshold is told of twice")
	}
}

// TestStrays: answers that were changed, or came twice, are the server's mistakes; what answers nothing is none. They
// are shown where there are any.
func TestStrays(t *testing.T) {
	s := example()
	s.Connections.Opened, s.Disconnects = 3, nil
	for _, c := range []struct {
		corrupted, duplicated, foreign uint64
		want                           []string
	}{
		{0, 0, 0, []string{}},
		{0, 0, 7, []string{}},
		{1, 0, 0, []string{"1 answer came back changed"}},
		{2, 1200, 0, []string{"2 answers came back changed", "1,200 answers came to messages that had been answered"}},
	} {
		s.Messages.Corrupted, s.Messages.Duplicated, s.Messages.Foreign = c.corrupted, c.duplicated, c.foreign
		s.Judge(Basis{Asked: 3})
		if !slices.Equal(s.Reasons, c.want) || (s.Verdict == Pass) != (len(c.want) == 0) {
			t.Errorf("got %s %q, want %q", s.Verdict, s.Reasons, c.want)
		}
		var b strings.Builder
		if err := s.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if any := c.corrupted+c.duplicated+c.foreign > 0; any != strings.Contains(b.String(), "no answers") {
			t.Errorf("strays are shown when there are none, or are not when there are:\n%s", &b)
		}
	}
}

// TestInterruptedIsTold: who reads a pass is told that it was of a part of the load only.
func TestInterruptedIsTold(t *testing.T) {
	for interrupted, want := range map[bool]string{false: "\n  PASS   ws://", true: "\n  PASS, interrupted   ws://"} {
		s := &Summary{Verdict: Pass, URL: "ws://127.0.0.1/", Interrupted: interrupted}
		var b strings.Builder
		if err := s.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(b.String(), want) {
			t.Errorf("interrupted %t: got %.40q, want %q", interrupted, b.String(), want)
		}
	}
}

// TestTextFits: the text of a run without reasons keeps to 80 columns.
func TestTextFits(t *testing.T) {
	s := example()
	s.Reasons, s.Rig.CPUSeconds, s.Rig.MaxRSSBytes, s.Rig.Shards, s.Rig.Engine = nil, 123456.78, 123<<30, 128, "goroutine"
	var b strings.Builder
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > columns {
			t.Errorf("got %d columns, want at most %d: %s", n, columns, line)
		}
	}
}
