package players

import (
	"strings"
	"testing"
)

// TestPlain: an expression may fail on a server's words, which then reach a terminal.
func TestPlain(t *testing.T) {
	long := strings.Repeat("ä", maxPlain)
	for in, want := range map[string]string{
		"":                   "",
		"word > 3":           "word > 3",
		"first (1:5)\n | 12": "first (1:5)",
		"\x1b[2Jgone\a\xff":  "\uFFFD[2Jgone\uFFFD\uFFFD",
		long:                 long,
		long + "x":           long + "…",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
