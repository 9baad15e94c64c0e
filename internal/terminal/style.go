package terminal

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
)

// style is what a piece of text is, which says how it looks. A look never says anything alone: there is always a word
// or a sign beside it, for those who do not see colours and for terminals that have none.
type style uint8

const (
	plain style = iota
	strong
	faint  // labels, and what needs no look
	accent // what is measured
	good
	warn
	bad
	alert // across a row
	numStyles
)

// palette is what styles look like: what goes before a text, and behind it.
type palette [numStyles]struct{ before, behind string }

// newPalette gives the colours for a background. Each has a contrast of 4.5 to 1 or more with black or with white.
func newPalette(dark bool) *palette {
	pick := lipgloss.LightDark(dark)
	of := func(light, dark string) color.Color { return pick(lipgloss.Color(light), lipgloss.Color(dark)) }
	base := lipgloss.NewStyle()
	p := new(palette)
	for i, s := range [numStyles]lipgloss.Style{
		plain:  base,
		strong: base.Bold(true),
		faint:  base.Foreground(of("#5f5f5f", "#9e9e9e")),
		accent: base.Foreground(of("#005faf", "#5fafff")),
		good:   base.Foreground(of("#00701a", "#5fd75f")),
		warn:   base.Foreground(of("#8a4b00", "#ffaf00")),
		bad:    base.Foreground(of("#b00020", "#ff6b6b")).Bold(true),
		alert:  base.Reverse(true).Bold(true),
	} {
		p[i].before, p[i].behind, _ = strings.Cut(s.Render("x"), "x") // once: it takes half of a frame's time otherwise
	}
	return p
}

// write draws a line.
func (s *palette) write(b *strings.Builder, l line) {
	for _, one := range l {
		if one.style == plain || strings.TrimLeft(one.text, " ") == "" && one.style != alert {
			b.WriteString(one.text)
		} else {
			b.WriteString(s[one.style].before)
			b.WriteString(one.text)
			b.WriteString(s[one.style].behind)
		}
	}
}
