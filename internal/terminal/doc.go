// Package terminal shows a run on a terminal while it happens.
//
// A View is a report.Follower: it keeps what it is told under a mutex, and nothing else happens where the run waits.
// A program of its own draws the latest of it four times a second at most, and reads the keys. So a terminal that
// takes nothing, because it was halted or its connection hangs, holds up neither the run nor its end: whoever waits
// for it waits for a bounded time.
//
// What may live here: what is drawn, and how; keys; how a terminal is given back. What may not: what a figure means
// (report), when a view is used and what else is said on stderr (internal/cli).
package terminal
