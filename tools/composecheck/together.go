package main

import (
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

const docsFile = "docs/metrics.md"

// examples are queries of a text.
var examples = regexp.MustCompile("(?s)```promql\n(.*?)```")

// docs reads the queries that users are to learn from; an empty line is between two.
func (s *stack) docs() {
	text, err := os.ReadFile(s.path(docsFile))
	if err != nil {
		s.wrong(docsFile, "%w", err)
		return
	}
	for _, block := range examples.FindAllSubmatch(text, -1) {
		for _, expr := range strings.Split(string(block[1]), "\n\n") {
			s.queries = append(s.queries, query{docsFile, expr})
		}
	}
}

// together checks what one file says of another.
func (s *stack) together() {
	for _, q := range s.queries {
		e, err := promQL.ParseExpr(q.expr)
		if err != nil {
			s.wrong(q.where, "%w in %s", err, q.expr)
			continue
		}
		for _, name := range metrics(e) {
			// Which of loadrig's metrics exist is for the tests of internal/realservers, which have a live run.
			if strings.Contains(name, ":") && !s.recorded[name] {
				s.wrong(q.where, "got %s, want a name that a rule records", name)
			} else if !strings.Contains(name, ":") && name != "up" && !strings.HasPrefix(name, "loadrig_") {
				s.wrong(q.where, "got %q, want one of loadrig's metrics", name)
			}
		}
		s.ratesOfCounters(q, e)
	}
	if len(s.scraped) == 0 {
		s.wrong(prometheusDir, "got nothing to scrape")
	}
	for _, addr := range s.scraped {
		s.reaches("prometheus", addr, prometheusDir+"/prometheus.yml")
	}
	for uid, address := range s.datasources {
		u, err := url.Parse(address)
		if err != nil {
			s.wrong(datasourceFile, "%s: %w", uid, err)
			continue
		}
		s.reaches("grafana", u.Host, datasourceFile)
	}
}

// ratesOfCounters finds rates of what is not a counter, and counters of which there is no rate: their value is only
// how long the run has lasted.
func (s *stack) ratesOfCounters(q query, e parser.Expr) {
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok || !strings.HasPrefix(v.Name, "loadrig_") {
			return nil
		}
		rated := false
		for _, above := range path {
			if c, ok := above.(*parser.Call); ok {
				rated = rated || c.Func.Name == "rate" || c.Func.Name == "increase"
			}
		}
		counts := slices.ContainsFunc([]string{"_total", "_bucket", "_count", "_sum"}, func(end string) bool { return strings.HasSuffix(v.Name, end) })
		// Starts less ends are players, from the beginning of the run on.
		if counts && !rated && !strings.HasPrefix(v.Name, "loadrig_population_") {
			s.wrong(q.where, "got %s without a rate, want one: it is a counter", v.Name)
		}
		return nil
	})
}

// reaches checks that a service can reach an address of another one.
func (s *stack) reaches(from, addr, where string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		s.wrong(where, "%w", err)
		return
	}
	to, ok := s.services[host]
	switch {
	case !ok:
		s.wrong(where, "got the address %s, want one of a service of %s", addr, composeFile)
	case !slices.Contains(to.ports, port):
		s.wrong(where, "got the address %s, want a port that service %s exposes", addr, host)
	case !slices.ContainsFunc(to.networks, func(n string) bool { return slices.Contains(s.services[from].networks, n) }):
		s.wrong(where, "got the address %s, want a service on a network that %s is on", addr, from)
	}
}
