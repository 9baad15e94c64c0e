//go:build linux

package main

import (
	"math"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		vs   []float64
		want spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{3, 1}, spread{1, 2, 3}},
		{[]float64{9, 1, 2}, spread{1, 2, 9}},
		{[]float64{4, 1, 9, 2}, spread{1, 3, 9}}, // (2+4)/2
	} {
		if got := spreadOf(c.vs); got != c.want {
			t.Errorf("%v: got %v, want %v", c.vs, got, c.want)
		}
	}
	if got := spreadOf(nil); !math.IsNaN(got.Median) {
		t.Errorf("nothing: got %v, want NaN", got)
	}
}

// TestRatiosArePaired: on a machine that slows down to half, each round still compares like with like.
func TestRatiosArePaired(t *testing.T) {
	l := newLedger(options{})
	for _, slow := range []float64{1, 2, 2} {
		l.add(modeClosed, loadrig, result{CPU: 1.2 * slow, Trips: 100})
		l.add(modeClosed, bare, result{CPU: 1 * slow, Trips: 100})
	}
	l.add(modeClosed, loadrig, result{CPU: 99, Trips: 100}) // a round that the other lacks
	for i, r := range l.ratios(modeClosed, loadrig, bare, result.microsPerTrip) {
		if math.Abs(r-1.2) > 1e-9 {
			t.Errorf("round %d: got %v, want 1.2", i, r)
		}
	}
	if got := len(l.ratios(modeClosed, loadrig, bare, result.microsPerTrip)); got != 3 {
		t.Errorf("got %d ratios, want 3", got)
	}
}

func TestFigures(t *testing.T) {
	r := result{CPU: 2, Seconds: 4, Trips: 1000, Mallocs: 500}
	for name, c := range map[string][2]float64{
		"µs CPU per round trip":      {r.microsPerTrip(), 2000},  // 2 s / 1000
		"round trips per second":     {r.perSecond(), 250},       // 1000 / 4 s
		"busy":                       {r.busy(), 0.5},            // 2 s / 4 s
		"allocations per round trip": {r.mallocsPerTrip(), 0.5},  // 500 / 1000
		"KiB per connection":         {slopeOf(1<<20, 3<<20), 2}, // 2 MiB by 1024
	} {
		if c[0] != c[1] {
			t.Errorf("%s: got %v, want %v", name, c[0], c[1])
		}
	}
}

func slopeOf(few, many int64) float64 {
	l := newLedger(options{few: 1000, many: 2024})
	l.add(modeIdle, loadrig, result{Resident: few})
	l.add(modeIdle, loadrig, result{Resident: many})
	return l.slope(modeIdle, loadrig, residentKiB)
}

func TestBars(t *testing.T) {
	l := newLedger(options{few: 1000, many: 2024, connects: 1000})
	cpu := func(k string, seconds float64) {
		l.add(modeClosed, k, result{CPU: seconds, Trips: 1000, Seconds: 1})
	}
	cpu(loadrig, 1.25)
	cpu(bare, 1)        // 1.25: just reached
	cpu(gwsName, 1)     // 1.25: missed
	cpu(recorded, 1.32) // 1.056: missed
	l.add(modeConnect, loadrig, result{ConnectCPU: 0.1361, ConnectSeconds: 1})
	want := map[string]string{
		"CPU per round trip, to the bare event loop":          barOK,
		"CPU per round trip, to gws":                          barMissed,
		"CPU per round trip, to gobwas/ws' helpers":           barNotAsked,
		"allocations per round trip":                          barOK,
		"KiB resident per idle connection":                    barNotAsked,
		"goroutines per idle connection":                      barNotAsked,
		"µs CPU per connect":                                  barMissed, // 136.1 µs
		"wss: CPU per round trip, to bare crypto/tls":         barNotAsked,
		"wss: memory per idle connection, to bare crypto/tls": barNotAsked,
		"wss: goroutines per idle connection":                 barNotAsked,
		"scenario: µs user CPU per step":                      barNotAsked,
		"scenario: allocations per step":                      barNotAsked,
		"scenario: KiB resident per player":                   barNotAsked,
		"KiB resident per idle compressed connection":         barNotAsked,
		"CPU per round trip, recorded, to not recorded":       barMissed,
	}
	for _, b := range l.bars() {
		if b.Verdict != want[b.Name] {
			t.Errorf("%s: got %s, want %s", b.Name, b.Verdict, want[b.Name])
		}
		delete(want, b.Name)
	}
	if len(want) > 0 {
		t.Errorf("got no bars for %v", want)
	}
}
