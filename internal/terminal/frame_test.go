package terminal

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/report"
)

var update = flag.Bool("update", false, "write the golden frames")

// golden holds a screen to a file; trailing spaces are not kept.
func golden(t *testing.T, name, got string) {
	t.Helper()
	var lines []string
	for l := range strings.Lines(got) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	got = strings.Join(lines, "\n") + "\n"
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (go test ./internal/terminal -update writes it): (-want +got)\n%s", file, d)
	}
}

func press(m *model, keys ...string) {
	codes := map[string]tea.Key{
		"pgdown": {Code: tea.KeyPgDown}, "down": {Code: tea.KeyDown}, "end": {Code: tea.KeyEnd}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "esc": {Code: tea.KeyEscape},
	}
	for _, k := range keys {
		key, ok := codes[k]
		if !ok {
			key = tea.Key{Text: k, Code: []rune(k)[0]}
		}
		m.Update(tea.KeyPressMsg(key))
	}
}

func TestFrames(t *testing.T) {
	none := manifest()
	none.Thresholds = nil
	for _, c := range []struct {
		name  string
		story *story
		w, h  int
		keys  []string
	}{
		{"good-80x24", good8(t, manifest(), false), 80, 24, nil},
		{"bad-80x24", bad20(t, manifest(), false), 80, 24, nil},
		{"bad-80x24-ascii", bad20(t, manifest(), true), 80, 24, nil},
		{"bad-80x24-paused", bad20(t, manifest(), false), 80, 24, []string{"p"}},
		{"bad-80x24-ending", bad20(t, manifest(), false), 80, 24, []string{"q"}},
		{"bad-80x24-detail", bad20(t, manifest(), false), 80, 24, []string{"d"}},
		{"bad-80x24-detail-end", bad20(t, manifest(), false), 80, 24, []string{"d", "end"}},
		{"help-80x24", good8(t, manifest(), false), 80, 24, []string{"?"}},
		{"bad-200x50", bad20(t, manifest(), false), 200, 50, nil},
		{"bad-100x50", bad20(t, manifest(), false), 100, 50, nil},
		{"bad-140x20", bad20(t, manifest(), false), 140, 20, nil},
		{"bad-40x10", bad20(t, manifest(), false), 40, 10, nil},
		{"bad-40x10-ascii-ending", bad20(t, manifest(), true), 40, 10, []string{"ctrl+c"}},
		{"bad-40x4", bad20(t, manifest(), false), 40, 4, nil},
		{"bad-60x14", bad20(t, manifest(), false), 60, 14, nil},
		{"no-thresholds-80x24", good8(t, none, false), 80, 24, nil},
		{"rush-80x24", rush(t, scenarioManifest(), false), 80, 24, nil},
		{"rush-200x50", rush(t, scenarioManifest(), false), 200, 50, nil},
		{"rush-80x70-detail", rush(t, scenarioManifest(), false), 80, 70, []string{"d"}},
		{"awaits-80x24", begun(t, manifest()), 80, 24, nil},
		{"awaits-200x50", begun(t, scenarioManifest()), 200, 50, nil},
		{"begins-80x24", tell(t, manifest(), false), 80, 24, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.story.on(c.w, c.h)
			press(m, c.keys...)
			golden(t, c.name, screen(t, m))
		})
	}
}

// TestResize: a screen of another size is drawn anew at once, and what was scrolled to is still there.
func TestResize(t *testing.T) {
	m := bad20(t, manifest(), false).on(80, 24)
	before := screen(t, m)
	press(m, "d", "end")
	for _, size := range []tea.WindowSizeMsg{{Width: 200, Height: 50}, {Width: 40, Height: 10}, {Width: 1, Height: 1}, {Width: 80, Height: 24}} {
		m.Update(size)
		if text := screen(t, m); text == "" {
			t.Errorf("%+v: got nothing", size)
		}
	}
	press(m, "d")
	if d := cmp.Diff(before, screen(t, m)); d != "" {
		t.Errorf("back at its size (-before +after)\n%s", d)
	}
}

// TestPause: a view that was paused shows what it did, whatever happens, until it goes on.
func TestPause(t *testing.T) {
	s := good8(t, manifest(), false)
	m := s.on(80, 24)
	before := screen(t, m)
	press(m, "p")
	paused := screen(t, m)
	for i := range 3 {
		s.usual(8 + i)
		s.step()
		m.Update(tick{})
	}
	if d := cmp.Diff(paused, screen(t, m)); d != "" {
		t.Errorf("while it is paused (-before +after)\n%s", d)
	}
	body := func(s string) string { return s[:strings.LastIndex(s, "\n")] }
	if d := cmp.Diff(body(before), body(paused)); d != "" {
		t.Errorf("pausing changes more than the last row (-before +after)\n%s", d)
	}
	press(m, "p")
	if text := screen(t, m); !strings.Contains(text, "0:11 of 2:00") {
		t.Errorf("after it goes on, got\n%s", text)
	}
}

// TestKeys: the first q ends the load, the second the program; a key that is for nothing changes nothing.
func TestKeys(t *testing.T) {
	s := good8(t, manifest(), false)
	interrupted, killed := 0, make(chan bool)
	s.view.opt.Interrupt, s.view.opt.Kill = func() { interrupted++ }, func() { close(killed) }
	s.view.cancel = func() {}
	m := s.on(80, 24)
	before := screen(t, m)
	press(m, "x", "esc")
	if d := cmp.Diff(before, screen(t, m)); d != "" || interrupted > 0 {
		t.Errorf("got %d interrupts, and (-before +after)\n%s", interrupted, d)
	}
	press(m, "ctrl+c")
	if interrupted != 1 || !strings.Contains(screen(t, m), "ENDING: q again ends the program at once") {
		t.Errorf("got %d interrupts, want 1, and\n%s", interrupted, screen(t, m))
	}
	press(m, "q", "q", "q")
	<-killed
	if interrupted != 1 {
		t.Errorf("got %d interrupts, want 1", interrupted)
	}
}

// TestEnd: when the run has ended, the program ends.
func TestEnd(t *testing.T) {
	s := good8(t, manifest(), false)
	m := s.on(80, 24)
	press(m, "p") // also while it is paused
	if _, cmd := m.Update(tick{}); cmd == nil {
		t.Fatal("got no next tick")
	}
	s.event(report.Event{At: 8, Kind: report.LoadOver, Text: "the load is over; connections are closed now"})
	if _, cmd := m.Update(tick{}); cmd == nil {
		t.Fatal("got no next tick")
	}
	s.ok(s.view.End(s.builder.Summary()))
	_, cmd := m.Update(tick{})
	if _, quits := cmd().(tea.QuitMsg); !quits {
		t.Error("got something else, want it to quit")
	}
}

// TestBackground: both palettes draw the same text, in other colours.
func TestBackground(t *testing.T) {
	m := bad20(t, manifest(), false).on(80, 24)
	text, dark := screen(t, m), m.content
	m.palette = newPalette(false)
	if d := cmp.Diff(text, screen(t, m)); d != "" {
		t.Errorf("(-dark +light)\n%s", d)
	}
	if m.content == dark {
		t.Error("got the same colours")
	}
}

// BenchmarkFrame: what a look at the run costs, of which there are about two a second that show something new.
func BenchmarkFrame(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			s := bad20(b, manifest(), false)
			m := s.on(size[0], size[1])
			b.ReportAllocs()
			for b.Loop() {
				s.view.change(func(*state) {})
				m.look()
			}
		})
	}
}
