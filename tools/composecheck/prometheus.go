package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const prometheusDir = "deploy/prometheus"

// recordName is level:metric:operation.
var recordName = regexp.MustCompile(`^[a-z_]+:[a-z0-9_]+:[a-z0-9_]+$`)

// promQL reads queries as the pinned Prometheus does, without what it would have to be told to know.
var promQL = parser.NewParser(parser.Options{})

// prometheus reads the configuration and the rules that it names.
func (s *stack) prometheus() {
	name := prometheusDir + "/prometheus.yml"
	c, err := config.LoadFile(s.path(name), false, slog.New(slog.DiscardHandler))
	if err != nil {
		s.wrong(name, "%w", err)
		return
	}
	s.interval = c.GlobalConfig.ScrapeInterval.String()
	for _, job := range c.ScrapeConfigs {
		if !job.ScrapeNativeHistogramsEnabled() {
			s.wrong(name, "job %s: got no native histograms, want scrape_native_histograms: true", job.JobName)
		}
		for _, d := range job.ServiceDiscoveryConfigs {
			static, ok := d.(discovery.StaticConfig)
			if !ok {
				continue
			}
			for _, group := range static {
				for _, target := range group.Targets {
					s.scraped = append(s.scraped, string(target[model.AddressLabel]))
				}
			}
		}
	}
	s.recorded = make(map[string]bool)
	for _, pattern := range c.RuleFiles {
		files, _ := filepath.Glob(pattern)
		if len(files) == 0 {
			s.wrong(name, "got rule_files with %s, want files that exist", pattern)
		}
		for _, file := range files {
			s.ruleFile(file)
		}
	}
}

func (s *stack) ruleFile(file string) {
	name := prometheusDir + "/" + filepath.Base(file)
	text, err := os.ReadFile(file)
	if err != nil {
		s.wrong(name, "%w", err)
		return
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		s.wrong(name, "%w", err)
	}
	if groups == nil {
		return
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			s.rules++
			where := name + ": " + r.Record + r.Alert
			s.queries = append(s.queries, query{where, r.Expr})
			if r.Record != "" {
				if s.recorded[r.Record] = true; !recordName.MatchString(r.Record) {
					s.wrong(where, "got such a name, want level:metric:operation")
				}
				continue
			}
			for key, value := range map[string]string{
				"summary": r.Annotations["summary"], "description": r.Annotations["description"], "severity": r.Labels["severity"],
			} {
				if strings.TrimSpace(value) == "" {
					s.wrong(where, "got no %s, want one", key)
				}
			}
		}
	}
}

// metrics gives the names of the metrics that an expression asks for.
func metrics(e parser.Expr) (names []string) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			names = append(names, v.Name)
		}
		return nil
	})
	return names
}
