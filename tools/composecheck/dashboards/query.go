package main

import (
	"fmt"
	"strings"
)

// The variables that select what is shown.
const (
	ofInstance   = `instance=~"$instance"`
	ofPopulation = `population=~"$population"`
)

// series selects series of the rigs that are shown.
func series(name string, matchers ...string) string {
	return fmt.Sprintf("loadrig_%s{%s}", name, strings.Join(append([]string{ofInstance}, matchers...), ","))
}

// rate gives the rate of counters a second.
func rate(name string, matchers ...string) string {
	return fmt.Sprintf("rate(%s[$__rate_interval])", series(name, matchers...))
}

// sum adds up rates, by labels or over all.
func sum(by, what string) string {
	if by == "" {
		return "sum(" + what + ")"
	}
	return "sum by (" + by + ") (" + what + ")"
}

// share divides, and has no value where there is nothing to be a part of.
func share(part, of string) string { return part + " / (" + of + " > 0)" }

// quantile gives a quantile of a histogram: of its native buckets, and where there are none of the classic ones.
func quantile(q float64, by, name string, matchers ...string) string {
	return quantileOver(q, by, "$__rate_interval", name, matchers...)
}

// quantileOver is quantile over a window, which may have an offset.
func quantileOver(q float64, by, window, name string, matchers ...string) string {
	window, offset, _ := strings.Cut(window, " ")
	if offset != "" {
		offset = " " + offset
	}
	classic := "le"
	if by != "" {
		classic = by + ", le"
	}
	return fmt.Sprintf("histogram_quantile(%g, %s) or histogram_quantile(%g, %s)",
		q, sum(by, fmt.Sprintf("rate(%s[%s]%s)", series(name, matchers...), window, offset)),
		q, sum(classic, fmt.Sprintf("rate(%s[%s]%s)", series(name+"_bucket", matchers...), window, offset)))
}

// observed gives how many durations a histogram records a second, by labels or of all.
func observed(by, name string, matchers ...string) string {
	return sum(by, "histogram_count("+rate(name, matchers...)+")") + " or " + sum(by, rate(name+"_count", matchers...))
}

// each divides by how many durations a histogram records a second, by labels.
func each(by, what, name string) string {
	return share(sum(by, what), sum(by, "histogram_count("+rate(name)+")")) + " or " + share(sum(by, what), sum(by, rate(name+"_count")))
}
