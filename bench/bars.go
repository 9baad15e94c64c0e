//go:build linux

package main

import "math"

// bar is a figure that loadrig must reach.
type bar struct {
	Name    string
	Got     *float64 `json:",omitempty"` // nil if it was not measured
	Limit   float64  // at most
	Verdict string   // ok, MISSED or not measured
}

const (
	barOK       = "ok"
	barMissed   = "MISSED"
	barNotAsked = "not measured"
)

// none is the limit of what there is to be none of; what the runtime does by itself is below it.
const none = 0.01

// bars holds l against what was agreed.
func (l *ledger) bars() (bars []bar) {
	cpu := func(mode, peer string) float64 {
		return spreadOf(l.ratios(mode, loadrig, peer, result.microsPerTrip)).Median
	}
	for _, b := range []bar{
		{Name: "CPU per round trip, to the bare event loop", Got: new(cpu(modeClosed, bare)), Limit: 1.25},
		{Name: "CPU per round trip, to gws", Got: new(cpu(modeClosed, gwsName)), Limit: 0.85},
		{Name: "CPU per round trip, to gobwas/ws' helpers", Got: new(cpu(modeClosed, gobwas)), Limit: 0.65},
		{Name: "CPU per round trip, recorded, to not recorded", Got: new(spreadOf(l.ratios(modeClosed, recorded, loadrig, result.microsPerTrip)).Median), Limit: 1.05},
		{Name: "allocations per round trip", Got: new(spreadOf(l.each(modeClosed, loadrig, result.mallocsPerTrip)).Median), Limit: none},
		{Name: "KiB resident per idle connection", Got: new(l.slope(modeIdle, loadrig, residentKiB)), Limit: 2},
		{Name: "goroutines per idle connection", Got: new(l.slope(modeIdle, loadrig, goroutines)), Limit: none},
		{Name: "KiB resident per idle compressed connection", Got: new(l.slope(modeIdle, deflate, residentKiB)), Limit: 8},
		{Name: "µs CPU per connect", Got: new(spreadOf(l.each(modeConnect, loadrig, l.connectMicros)).Median), Limit: 135},
		{Name: "wss: CPU per round trip, to bare crypto/tls", Got: new(cpu(modeTLS, bareTLS)), Limit: 1.5},
		{Name: "wss: memory per idle connection, to bare crypto/tls", Got: new(l.slope(modeTLSIdle, loadrig, residentKiB) / l.slope(modeTLSIdle, bareTLS, residentKiB)), Limit: 0.6},
		{Name: "scenario: µs user CPU per step", Got: new(spreadOf(l.each(modeStory, story, result.userMicrosPerTrip)).Median), Limit: 3},
		{Name: "scenario: allocations per step", Got: new(spreadOf(l.each(modeStory, story, result.mallocsPerTrip)).Median), Limit: none},
		{Name: "scenario: KiB resident per player", Got: new(l.slope(modeStoryIdle, story, residentKiB)), Limit: 4},
		{Name: "wss: goroutines per idle connection", Got: new(l.slope(modeTLSIdle, loadrig, goroutines)), Limit: none},
	} {
		switch {
		case math.IsNaN(*b.Got):
			b.Got, b.Verdict = nil, barNotAsked
		case *b.Got <= b.Limit:
			b.Verdict = barOK
		default:
			b.Verdict = barMissed
		}
		bars = append(bars, b)
	}
	return bars
}
