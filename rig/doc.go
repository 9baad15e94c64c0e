// Package rig is one run: it opens the players, has them arrive, send and stop, watches over the whole,
// and gives the summary.
//
// What may live here: the wiring of players, actors, metrics and outputs, and the order of start, drain
// and stop. What may not: flags, signals, exit codes, or how anything that it wires works.
package rig
