//go:build linux

package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// table collects results and prints them.
type table struct {
	o      options
	closed map[string][]result // by contestant, a result each round
	idle   map[string][]result // by contestant: few, many
}

func newTable(o options) *table {
	return &table{o: o, closed: make(map[string][]result), idle: make(map[string][]result)}
}

// ratio gives the median of the rounds' ratios of CPU per round trip.
func (t *table) ratio(a, b string) float64 {
	var rs []float64
	for i := range t.closed[a] {
		rs = append(rs, t.closed[a][i].perTrip()/t.closed[b][i].perTrip())
	}
	return median(rs)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return 0
	}
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func (t *table) median(kind string, f func(result) float64) float64 {
	var v []float64
	for _, r := range t.closed[kind] {
		v = append(v, f(r))
	}
	return median(v)
}

// slope gives the resident bytes of one more idle connection.
func (t *table) slope(kind string) float64 {
	r := t.idle[kind]
	return float64(r[1].RSS-r[0].RSS) / float64(t.o.many-t.o.few)
}

func (t *table) connectCPU(kind string) float64 {
	return t.idle[kind][1].ConnectCPU * 1e6 / float64(t.o.many)
}

// write prints the table in markdown, and tells whether a bar was missed.
func (t *table) write(w io.Writer, args string) (missed bool) {
	var u unix.Utsname
	_ = unix.Uname(&u)
	fmt.Fprintf(w, "`go run ./bench %s` on %s, %s, linux %s, %d CPUs\n\n", args, time.Now().UTC().Format("2006-01-02"),
		runtime.Version(), unix.ByteSliceToString(u.Release[:]), runtime.NumCPU())
	fmt.Fprintf(w, "| client | µs CPU a round trip (min, median, max) | to bare | round trips/s | allocations a round trip | KiB RSS an idle connection | goroutines a connection | µs CPU a connect | connects/s |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, k := range kinds {
		var per []float64
		for _, r := range t.closed[k] {
			per = append(per, r.perTrip())
		}
		many := t.idle[k][1]
		fmt.Fprintf(w, "| %s | %.2f, %.2f, %.2f | %.2f | %.0f | %.3f | %.2f | %.2f | %.0f | %.0f |\n", k,
			slices.Min(per), median(per), slices.Max(per), t.ratio(k, "bare"),
			t.median(k, func(r result) float64 { return float64(r.Trips) / r.Seconds }),
			t.median(k, func(r result) float64 { return float64(r.Mallocs) / float64(r.Trips) }),
			t.slope(k)/1024, float64(many.Goroutines-t.idle[k][0].Goroutines)/float64(t.o.many-t.o.few),
			t.connectCPU(k), float64(t.o.many)/many.ConnectSec)
	}
	fmt.Fprint(w, "\n| bar | got | want | |\n|---|---|---|---|\n")
	many := t.idle["loadrig"]
	for _, b := range []struct {
		name      string
		got, want float64
	}{
		{"CPU a round trip to bare", t.ratio("loadrig", "bare"), 1.25},
		{"CPU a round trip to gws", t.ratio("loadrig", "gws"), 0.85},
		{"CPU a round trip to gobwas' helpers", t.ratio("loadrig", "gobwas"), 0.65},
		{"KiB an idle connection", t.slope("loadrig") / 1024, 2},
		{"goroutines a connection", float64(many[1].Goroutines-many[0].Goroutines) / float64(t.o.many-t.o.few), 0},
		{"µs CPU a connect", t.connectCPU("loadrig"), 135},
		{"allocations a round trip", t.median("loadrig", func(r result) float64 { return float64(r.Mallocs) / float64(r.Trips) }), 0.01},
	} {
		ok := "ok"
		if b.got > b.want {
			ok, missed = strings.ToUpper("missed"), true
		}
		fmt.Fprintf(w, "| %s | %.3f | ≤ %g | %s |\n", b.name, b.got, b.want, ok)
	}
	return missed
}
