// Package starve runs a process of a test on about a twentieth of one core, as it would run on a machine that
// has too much to do, and without control groups or root: it shares one CPU with busy loops of higher weight.
//
// What may live here: ways to give a process less of the machine than it wants. What may not: anything that
// is linked into the binary.
package starve
