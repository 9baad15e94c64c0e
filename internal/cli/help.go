package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide the help on flags is: what fits every terminal.
const helpWidth = 80

// help has the flags of a command in groups, as there are too many for one list.
type help struct {
	titles []string
	sets   []*pflag.FlagSet
}

// fitHelp has the help of a command and of those below it keep to helpWidth: its flags, and its paragraphs. Indented
// lines are left as they are.
func fitHelp(c *cobra.Command) {
	c.SetUsageTemplate(strings.ReplaceAll(c.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", helpWidth)))
	c.Long = refill(c.Long)
	for _, sub := range c.Commands() {
		fitHelp(sub)
	}
}

func refill(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if strings.HasPrefix(p, " ") || strings.Contains(p, "\n ") {
			continue
		}
		var b strings.Builder
		column := 0
		for _, word := range strings.Fields(p) {
			n := utf8.RuneCountInString(word)
			switch {
			case column == 0:
			case column+1+n > helpWidth:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
		paragraphs[i] = b.String()
	}
	return strings.Join(paragraphs, "\n\n")
}

// group begins a group of flags.
func (h *help) group(title string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(title, pflag.ContinueOnError)
	fs.SortFlags = false
	h.titles, h.sets = append(h.titles, title), append(h.sets, fs)
	return fs
}

// join adds the flags of all groups to to.
func (h *help) join(to *pflag.FlagSet) {
	to.SortFlags = false
	for _, fs := range h.sets {
		to.AddFlagSet(fs)
	}
}

// show is a command's usage function.
func (h *help) show(c *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", c.UseLine())
	if c.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
	}
	for i, fs := range h.sets {
		fmt.Fprintf(&b, "\n%s:\n%s", h.titles[i], fs.FlagUsagesWrapped(helpWidth))
	}
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}
