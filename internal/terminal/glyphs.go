package terminal

import "strings"

// glyphs are the characters that are drawn with. They tell states apart without any colour.
type glyphs struct {
	full, part, shade, dot string   // of bars: connected, connecting, disconnected, idle
	done, todo             string   // of the time
	held, failed, waits    string   // lights
	more                   string   // for what was left out
	steps                  []string // of sparklines and charts, from little to much
}

var unicodeGlyphs = glyphs{
	full: "█", part: "▓", shade: "▒", dot: "·", done: "█", todo: "░", held: "✓", failed: "✗", waits: "○", more: "…",
	steps: strings.Split("▁▂▃▄▅▆▇█", ""),
}

// asciiGlyphs are for terminals that show nothing else.
var asciiGlyphs = glyphs{
	full: "#", part: "+", shade: "x", dot: ".", done: "#", todo: "-", held: "+", failed: "X", waits: "o", more: "~",
	steps: strings.Split("_.-=+*%#", ""),
}

// UTF8 tells of an environment whether its terminal shows more than ASCII, by the first of LC_ALL, LC_CTYPE and LANG
// that is set. None of them means the locale C, which is ASCII.
func UTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
