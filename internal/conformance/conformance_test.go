package conformance

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/transport"
)

var table = flag.Bool("table", false, "print every case with what was expected and what came, not only the failures")

func TestMain(m *testing.M) { wstest.Main(m) }

// catalogue is every case, by section.
func catalogue() []Case {
	return slices.Concat(framing(), pings(), reserved(), opcodes(), fragments(), utf8Texts(), closing(),
		limits(), openings(), network(), compression())
}

// TestConformance plays every case in every variant.
func TestConformance(t *testing.T) {
	cases := catalogue()
	var played, failed int
	var names []string
	for _, v := range variants {
		if _, err := transport.NewNetwork(v.options()); err != nil {
			t.Logf("SKIPPED: %s: %v", v.name, err)
			continue
		}
		names = append(names, v.name)
		t.Run(v.name, func(t *testing.T) {
			rows := playAll(t, v, cases)
			for _, r := range rows {
				played++
				if len(r.wrong) > 0 {
					failed++
				}
			}
			if *table {
				printRows(v.name, rows)
			}
		})
	}
	if *table {
		fmt.Printf("%d cases, %d failures on %s (%d runs)\n", len(cases), failed, strings.Join(names, ", "), played)
	}
}

// row is a case that was played.
type row struct {
	*Case
	got   reaction
	wrong []string
}

func playAll(t *testing.T, v variant, cases []Case) (rows []row) {
	shared, err := newClient(v.options())
	if err != nil {
		t.Fatal(err)
	}
	defer shared.stop()
	for i := range cases {
		c := &cases[i]
		if !v.plays(c) {
			continue
		}
		r := row{Case: c}
		ok := t.Run(c.id, func(t *testing.T) {
			var left []string
			r.got, left = run(t, v, c, shared)
			r.wrong = append(judge(r.got, c.want.complete()), left...)
			for _, w := range r.wrong {
				t.Errorf("%s, %s: %s", c.id, c.title, w)
			}
		})
		if !ok && len(r.wrong) == 0 {
			r.wrong = []string{"left something behind, see above"}
		}
		rows = append(rows, r)
	}
	return rows
}

// printRows prints a variant's part of the table.
func printRows(name string, rows []row) {
	var ids, titles, wants int
	for _, r := range rows {
		ids, titles, wants = max(ids, len(r.id)), max(titles, len(r.title)), max(wants, len(r.want.String()))
	}
	fmt.Fprintf(os.Stdout, "\n%s, %d cases\n", name, len(rows))
	fmt.Fprintf(os.Stdout, "  %-*s  %-*s  %-*s  %s\n", ids, "case", titles, "title", wants, "expected", "  got")
	for _, r := range rows {
		got := "✓ " + r.got.String()
		if len(r.wrong) > 0 {
			got = "✗ " + r.got.String() + ": " + strings.Join(r.wrong, "; ")
		}
		fmt.Fprintf(os.Stdout, "  %-*s  %-*s  %-*s  %s\n", ids, r.id, titles, r.title, wants, r.want, got)
	}
	fmt.Fprintln(os.Stdout)
}
