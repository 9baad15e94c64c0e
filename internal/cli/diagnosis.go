package cli

import (
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/rig"
)

// diagnosis is what doctor says. Nothing in it is read from the machine any more.
type diagnosis struct {
	rig.Room
	url string // of the server, without secrets; empty for the embedded one
}

func (d diagnosis) asked() int { return d.Need.Connections }
func (d diagnosis) fits() bool { return d.asked() <= d.Bounds[0].Fits }

// unknown gives the limits that there are not, or that cannot be read here.
func (d diagnosis) unknown() (names []string) {
	for _, name := range machine.Names() {
		if !slices.ContainsFunc(d.Bounds, func(b machine.Bound) bool { return b.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// The widths of the text.
const (
	columns   = 80
	nameWidth = 13 // of a limit or a note
	fitsWidth = 11 // of a number of players
	doWidth   = 51 // of a remedy, beyond which its note is not aligned with the others
)

// writeText writes the diagnosis for people: at most 80 columns but for commands, without colour.
func (d diagnosis) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s\n\n", d.headline())
	row(&b, "  "+pad("from", nameWidth), d.from())
	row(&b, "  "+pad("to", nameWidth), d.to())

	fmt.Fprintf(&b, "\n  %s%*s  %s\n", pad("limit", nameWidth), fitsWidth, "players", "what it is here")
	said := d.asked() == 0
	for _, l := range d.Bounds {
		if !said && l.Fits >= d.asked() {
			d.writeAsked(&b, l.Name != d.Bounds[0].Name)
			said = true
		}
		row(&b, fmt.Sprintf("  %s%*s  ", pad(l.Name, nameWidth), fitsWidth, fits(l)), l.Here)
	}
	if !said {
		d.writeAsked(&b, true)
	}
	if names := d.unknown(); len(names) > 0 {
		head := fmt.Sprintf("  %s%*s  ", pad("others", nameWidth), fitsWidth, "?")
		row(&b, head, strings.Join(names, ", ")+": none, or not known here")
	}
	if slices.ContainsFunc(d.Bounds, func(l machine.Bound) bool { return !l.Exact }) {
		b.WriteString("  ~ is an estimate; the others are exact\n")
	}

	for _, l := range d.Bounds {
		if d.asked() == 0 || d.asked() > l.Fits {
			fmt.Fprintf(&b, "\n  %s, for %s players\n", l.Name, figures.Count(l.Raise.To))
			writeWays(&b, l.Raise.Way)
		}
	}

	b.WriteString("\n  this machine\n")
	for _, n := range d.Limits.Notes(d.Need) {
		mark := "  "
		if n.Warn {
			mark = "! "
		}
		row(&b, mark+pad(n.Name, nameWidth), n.Text)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// headline is the answer.
func (d diagnosis) headline() string {
	first := d.Bounds[0]
	some := fits(first)
	if !first.Exact {
		some = "about " + strings.TrimPrefix(some, "~")
	}
	binds := first.Name + " binds first"
	if strings.HasSuffix(first.Name, "s") {
		binds = first.Name + " bind first"
	}
	switch {
	case d.asked() == 0:
		return some + " players fit; " + binds
	case d.fits():
		return "FITS   " + figures.Count(d.asked()) + " players; " + some + " do, then " + strings.TrimSuffix(binds, " first")
	case d.Refuse() == nil:
		return "MAY NOT FIT   " + figures.Count(d.asked()) + " players; " + some + " do, and " + binds
	default:
		return "DOES NOT FIT   " + figures.Count(d.asked()) + " players; " + some + " do, and " + binds
	}
}

// fits writes how many players a limit allows; where that is an estimate, only three digits of it.
func fits(l machine.Bound) string {
	if l.Exact {
		return figures.Count(l.Fits)
	}
	ten := 1
	for l.Fits/ten >= 1000 {
		ten *= 10
	}
	return "~" + figures.Count(l.Fits/ten*ten)
}

func (d diagnosis) from() string {
	s := fmt.Sprintf("%d event loops", d.Need.Shards)
	if d.Need.Shards == 1 {
		s = "1 event loop"
	}
	if d.Need.AutoSources {
		return s + ", and addresses in 127.0.0.0/8 as needed"
	}
	return s
}

func (d diagnosis) to() string {
	if d.url == "" {
		return "an echo server on this machine, in a process of its own"
	}
	const most = 4
	s := d.url
	var ips []string
	for _, ip := range d.Servers[:min(most, len(d.Servers))] {
		ips = append(ips, ip.String())
	}
	if n := len(d.Servers) - most; n > 0 {
		ips = append(ips, fmt.Sprintf("and %d more", n))
	}
	if !hasAddress(d.url) {
		s += " at " + strings.Join(ips, ", ")
	}
	if d.Need.Local {
		s += ", which is this machine; the server's process needs a descriptor a player of its own"
	}
	return s
}

// hasAddress tells whether the host of a URL is an address, not a name.
func hasAddress(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil
}

// writeAsked writes the line that parts the limits that what was asked for breaks from those that it does
// not.
func (d diagnosis) writeAsked(b *strings.Builder, broken bool) {
	text := "<- asked for"
	if broken {
		text += "; what is above has to be raised"
	}
	fmt.Fprintf(b, "  %s%*s  %s\n", pad("", nameWidth), fitsWidth, figures.Count(d.asked()), text)
}

func writeWays(b *strings.Builder, ways []machine.Remedy) {
	width := 0
	for _, w := range ways {
		width = max(width, min(utf8.RuneCountInString(w.Do), doWidth))
	}
	for i, w := range ways {
		link := "or  "
		switch {
		case i == 0:
			link = "    "
		case ways[i-1].First:
			link = "and "
		}
		switch {
		case w.Do == "":
			row(b, "    "+link, w.Note)
		case w.Note == "":
			fmt.Fprintf(b, "    %s%s\n", link, w.Do)
		default:
			row(b, "    "+link+pad(w.Do, width)+"  ", w.Note)
		}
	}
}

// row writes text behind a head, in as many lines as it takes, each beginning below the first.
func row(b *strings.Builder, head, text string) {
	indent := utf8.RuneCountInString(head)
	b.WriteString(head)
	at := indent
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteByte('\n')
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
