// Package outputs writes a run to where its user wants it, beside the terminal: documents at its end (text, JSON,
// JUnit XML, a markdown job summary), and files that grow with it (CSV, a log of HdrHistogram). Each output is a
// report.Sink, so that it works while a run takes place and when one is read again.
//
// What an output cannot write, it says, once, and the run goes on.
//
// What may live here: formats of files, and where files go. What may not: clocks (times come from the manifest and
// the records), sockets, and anything that not every user of the library wants to link: outputs/remotewrite and
// outputs/otlp have packages of their own.
package outputs
