package terminal

import (
	"strings"
	"testing"
	"unicode"

	"charm.land/lipgloss/v2"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// hostile are parts of texts that are not ours.
var hostile = []string{
	"\x1b[31m", "\x1b]0;title\x07", "\x1b[2J", "\x1b", "\u009b31m", "\x00", "\r", "\n", "\t", "\b\b\b", "\x7f", "\xff\xfe", "\u202e", "\u200d", "\ufeff", "\u2028",
	"日本語", "👩‍👩‍👧‍👦", "❤️", "🇩🇪", "e\u0301\u0301\u0301\u0301\u0301", "ﷺ", "ก็็็็็", "\U000E0041", "Ω≈ç√", "ʷⁱᵈᵉ", "plain text", "ws://h/", " ", "｜ｗｉｄｅ｜", "가각", "µs…·",
}

func hostileText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile), rapid.String()), 0, 8).Draw(t, "parts"), "")
	})
}

// TestHostile: whatever the size, and whatever names, URLs and reasons are made of, nothing goes beyond the screen or
// is anything but text.
func TestHostile(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := hostileText()
		draw := func(what string) string { return text.Draw(r, what) }
		m := scenarioManifest()
		if rapid.Bool().Draw(r, "plain") {
			m = manifest()
		}
		m.URL, m.Name, m.ID, m.Version, m.Engine, m.Traffic = draw("url"), draw("name"), draw("id"), draw("version"), draw("engine"), draw("traffic")
		m.Tags = map[string]string{draw("key"): draw("value")}
		m.Planned = rapid.SampledFrom([]float64{0, 1e-9, 10, 1e9}).Draw(r, "planned")
		ascii := rapid.Bool().Draw(r, "ascii")
		s := tell(t, m, ascii)
		for i := range rapid.IntRange(0, 3).Draw(r, "steps") {
			s.usual(i * 3)
			if rapid.Bool().Draw(r, "faults") {
				s.faulty()
			}
			s.count(metrics.HandshakeFailures, 1e15, draw("phase"), draw("cause"))
			s.count(metrics.Dropped, 1e300, draw("reason"))
			s.gauge(metrics.Connections, rapid.SampledFrom([]float64{-1, 0, 1e18}).Draw(r, "connected"), "connected")
			s.step()
		}
		s.event(report.Event{Kind: report.Output, Text: draw("event")})
		s.view.Note(draw("note"))
		if sum := s.view.state.summary; sum != nil {
			sum.Reasons = append(sum.Reasons, draw("reason"))
			for i := range sum.Thresholds {
				sum.Thresholds[i].That, sum.Thresholds[i].Fault = draw("threshold"), draw("fault")
			}
			for i := range sum.Trust {
				sum.Trust[i].Name, sum.Trust[i].Held = draw("trust"), rapid.Bool().Draw(r, "held")
			}
			if c := sum.Scenario; c != nil {
				m.Scenario.Name = draw("scenario")
				for i := range c.Requests {
					c.Requests[i].Name = draw("request")
				}
				for i := range c.Populations {
					c.Populations[i].Name = draw("population")
				}
			}
			sum.Disconnects = append(sum.Disconnects, report.Disconnect{Cause: draw("cause"), Initiator: draw("side"), Codes: draw("codes"), Count: 1 << 60})
		}
		model := s.on(rapid.IntRange(1, 250).Draw(r, "width"), rapid.IntRange(1, 80).Draw(r, "height"))
		for _, key := range rapid.SliceOfN(rapid.SampledFrom([]string{"d", "?", "p", "q", "down", "pgdown", "end", "esc"}), 0, 4).Draw(r, "keys") {
			if key != "q" {
				press(model, key)
			}
		}
		shown := screen(t, model)
		for i, line := range strings.Split(shown, "\n") {
			if w := lipgloss.Width(line); w > model.width {
				r.Fatalf("row %d is %d columns wide for a terminal of clusters, want at most %d: %q", i, w, model.width, line)
			}
			for _, c := range line {
				if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) || ascii && c > '~' {
					r.Fatalf("row %d has %U: %q", i, c, line)
				}
			}
		}
		if t.Failed() {
			r.Fatal("it does not fit")
		}
	})
}

func TestClean(t *testing.T) {
	for in, want := range map[string][2]string{ // in Unicode, in ASCII
		"ws://h/":             {"ws://h/", "ws://h/"},
		"a\x1b[31mb\x07":      {"a[31mb", "a[31mb"},
		"a\nb\tc\r":           {"a b c", "a b c"},
		"\u202eabc\u200d\x7f": {"abc", "abc"},
		"日本":                  {"日本", "??"},
		"1.23µs…":             {"1.23µs…", "1.23us~"},
		"e\u0301\u0301\u0301": {"e\u0301\u0301", "e???"},
		"\xff":                {"?", "?"},
		"a\u00a0b":            {"a b", "a?b"},
	} {
		for i, ascii := range []bool{false, true} {
			if got := newPainter(&state{}, ascii, 80, 24).clean(in); got != want[i] {
				t.Errorf("%q, ascii %t: got %q, want %q", in, ascii, got, want[i])
			}
		}
	}
}

func TestClip(t *testing.T) {
	p := newPainter(&state{}, false, 80, 24)
	for _, c := range []struct {
		in      string
		columns int
		want    string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"abc", 1, "…"}, {"abc", 0, ""}, {"", 0, ""}, {"日本", 4, "日本"}, {"日本", 3, "日…"}, {"日本", 2, "…"},
	} {
		if got := p.clip(c.in, c.columns); got != c.want || width(got) > c.columns {
			t.Errorf("%q in %d: got %q, want %q", c.in, c.columns, got, c.want)
		}
		if got := width(p.pad(c.in, c.columns)); got != c.columns {
			t.Errorf("%q padded to %d: got %d columns", c.in, c.columns, got)
		}
	}
}

func TestUTF8(t *testing.T) {
	for _, c := range []struct {
		all, ctype, lang string
		want             bool
	}{
		{"", "", "", false}, {"", "", "en_GB.UTF-8", true}, {"C", "", "en_GB.UTF-8", false}, {"", "C.utf8", "C", true}, {"", "de_DE.ISO-8859-1", "de_DE.UTF-8", false},
		{"", "UTF-8", "", true},
	} {
		env := map[string]string{"LC_ALL": c.all, "LC_CTYPE": c.ctype, "LANG": c.lang}
		if got := UTF8(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%v: got %t, want %t", env, got, c.want)
		}
	}
}
