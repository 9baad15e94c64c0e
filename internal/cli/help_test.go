package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// TestHelpFits: what help says in sentences, and of flags, keeps to 80 columns; examples are there to be copied.
func TestHelpFits(t *testing.T) {
	root := newRoot(&Process{Getenv: func(string) string { return "" }})
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Long != refill(c.Long) {
			t.Errorf("%s: its help is not as wide as it should be", c.CommandPath())
		}
		for _, line := range strings.Split(strings.ReplaceAll(c.UsageString(), c.Example, ""), "\n") {
			if n := utf8.RuneCountInString(line); n > 84 { // pflag lets a last word of a few letters stand
				t.Errorf("%s: got %d columns, want about 80: %s", c.CommandPath(), n, line)
			}
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(root)
}
