// Package report turns the counts of a run into what people and programs read: the verdict, the summary
// as text and as JSON.
//
// What may live here: formats, verdicts, thresholds. What may not: sockets, actors, clocks, or anything
// that counts.
package report
