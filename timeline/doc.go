// Package timeline keeps the course of a run: rows of figures over time, a heat map of latencies, events and how the
// run stands, in bounded memory whatever its length, for those who draw it.
//
// A Timeline is a report.Sink. It takes the records of a run that happens, or of one that is read again, and is asked
// meanwhile from any goroutine; who asks never holds up who records. When it is full, each two neighbouring rows become
// one, so that a run of an hour has every second and one of a week every few minutes.
//
// What may live here: which figures are drawn, how rows of them are merged, and their JSON. What may not: HTTP, HTML,
// terminals, and what a figure means, which metrics and report say.
package timeline
