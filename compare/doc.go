// Package compare tells whether two runs differ by more than chance and tolerance allow.
//
// A [Side] takes one run, as a report.Sink does, and keeps of each series what its intervals were like: at most
// 512 blocks, whatever the length of the run. [Runs] compares two Sides and gives a [Result], which is written as
// text or as JSON. docs/compare.md has the method, what it assumes and what it cannot see.
//
// What may live here: statistics on the records of runs, and their formats. What may not: files, sockets, clocks,
// chance (the same two runs always give the same Result), or anything that counts.
package compare
