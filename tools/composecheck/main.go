// Command composecheck checks what is deployed, without an engine and without Grafana: docker-compose.yml as Docker
// Compose reads it, the Dockerfile as BuildKit reads it, Prometheus's configuration and rules as the pinned
// Prometheus reads them, and dashboards as Grafana's schema and Prometheus's parser read them. What these accept and
// is a mistake all the same is told too: an image that is not pinned, a port that is open to others, a panel without
// a unit.
//
// What may live here: checks of docker-compose.yml, the Dockerfile and deploy/, and in dashboards what writes the
// dashboards. What may not: anything that the product needs.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: composecheck DIR, that of docker-compose.yml")
		os.Exit(2)
	}
	if err := check(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check checks all that is under root, and says on out what there was to check.
func check(root string, out io.Writer) error {
	s := read(root)
	s.promtool()
	fmt.Fprintf(out, "%d services, %d rules, %d queries, %d panels on %d dashboards\n",
		len(s.services), s.rules, len(s.queries), s.panels, s.dashboards)
	for _, note := range s.notes {
		fmt.Fprintln(out, note)
	}
	return errors.Join(s.errs...)
}

// read reads all files and checks them.
func read(root string) *stack {
	s := &stack{root: root}
	if abs, err := filepath.Abs(root); err == nil { // or else the files are told to be missing
		s.root = abs
	}
	for _, step := range []func(){s.compose, s.dockerfile, s.prometheus, s.grafana, s.docs, s.together} {
		step()
	}
	return s
}

// stack is what is deployed, as far as it was read.
type stack struct {
	root  string
	errs  []error
	notes []string // what could not be checked here

	services    map[string]service // of docker-compose.yml
	scraped     []string           // addresses, by prometheus.yml
	interval    string             // between scrapes
	recorded    map[string]bool    // names that rules record
	queries     []query            // of rules and dashboards
	datasources map[string]string  // of Grafana: addresses by uid

	rules, panels, dashboards int
}

// query is a question to Prometheus, and where it is asked.
type query struct{ where, expr string }

// wrong tells a mistake.
func (s *stack) wrong(where, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

// path gives where a file is.
func (s *stack) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }
