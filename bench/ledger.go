//go:build linux

package main

import (
	"math"
	"slices"
)

// ledger holds what was measured, and does its arithmetic.
type ledger struct {
	opts    options
	results map[string]map[string][]result // by mode and contestant: a result each round; in idle, few and many
}

func newLedger(o options) *ledger {
	return &ledger{opts: o, results: make(map[string]map[string][]result)}
}

func (l *ledger) add(mode, contestant string, r result) {
	if l.results[mode] == nil {
		l.results[mode] = make(map[string][]result)
	}
	l.results[mode][contestant] = append(l.results[mode][contestant], r)
}

// each gives f of each round's result; none if it was not measured.
func (l *ledger) each(mode, contestant string, f func(result) float64) (vs []float64) {
	for _, r := range l.results[mode][contestant] {
		vs = append(vs, f(r))
	}
	return vs
}

// ratios gives f of a by f of b, round by round.
func (l *ledger) ratios(mode, a, b string, f func(result) float64) []float64 {
	as, bs := l.each(mode, a, f), l.each(mode, b, f)
	as = as[:min(len(as), len(bs))]
	for i := range as {
		as[i] /= bs[i]
	}
	return as
}

// slope gives how much one more idle connection adds to f; NaN if it was not measured.
func (l *ledger) slope(mode, contestant string, f func(result) float64) float64 {
	vs := l.each(mode, contestant, f)
	if len(vs) < 2 {
		return math.NaN()
	}
	few, many := l.opts.ends(mode)
	return (vs[1] - vs[0]) / float64(many-few)
}

func (l *ledger) connectMicros(r result) float64 {
	return r.ConnectCPU * 1e6 / float64(l.opts.connects)
}
func (l *ledger) connectRate(r result) float64 { return float64(l.opts.connects) / r.ConnectSeconds }

func residentKiB(r result) float64 { return float64(r.Resident) / 1024 }
func goroutines(r result) float64  { return float64(r.Goroutines) }

// spread is a figure over the rounds. All are NaN where there were none.
type spread struct{ Min, Median, Max float64 }

func spreadOf(vs []float64) spread {
	n := len(vs)
	if n == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	vs = slices.Sorted(slices.Values(vs))
	return spread{vs[0], (vs[(n-1)/2] + vs[n/2]) / 2, vs[n-1]}
}
