package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var toolVersion = regexp.MustCompile(`version (\d+)\.(\d+)\.`)

// promtool has Prometheus's own tool check the rules and run their unit tests, and check the configuration where it
// is new enough for it.
func (s *stack) promtool() {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		const missing = "no promtool here, so the unit tests of the rules were not run: apt-get install prometheus"
		if os.Getenv("CI") != "" {
			s.wrong(prometheusDir, missing)
		}
		s.notes = append(s.notes, missing)
		return
	}
	rules, _ := filepath.Glob(s.path(prometheusDir + "/*.rules.yml"))
	s.run(tool, append([]string{"check", "rules"}, rules...)...)
	tests, _ := filepath.Glob(s.path(prometheusDir + "/*.test.yml"))
	if len(tests) == 0 {
		s.wrong(prometheusDir, "got no unit tests of the rules, want some")
		return
	}
	s.run(tool, append([]string{"test", "rules"}, tests...)...)

	out, _ := exec.Command(tool, "--version").CombinedOutput()
	m := toolVersion.FindSubmatch(out)
	if m == nil {
		s.wrong(prometheusDir, "promtool --version: got %.100q, want a version", out)
		return
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	if major < 3 || major == 3 && minor < 8 {
		s.notes = append(s.notes, "promtool here is older than scrape_native_histograms, which 3.8 brought: prometheus.yml was checked by the parser of the pinned version only")
		return
	}
	s.run(tool, "check", "config", s.path(prometheusDir+"/prometheus.yml"))
}

func (s *stack) run(tool string, args ...string) {
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		s.wrong(prometheusDir, "promtool %s %s: %w\n%s", args[0], args[1], err, strings.TrimSpace(string(out)))
	}
}
