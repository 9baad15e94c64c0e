package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide the help on flags is.
const helpWidth = 110

// help has the flags of a command in groups, as there are too many for one list.
type help struct {
	titles []string
	sets   []*pflag.FlagSet
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
