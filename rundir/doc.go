// Package rundir keeps runs on disk: a directory for each, from which every report can be made again.
//
// A run directory holds
//
//   - manifest.json, what the run was to do and with what (report.Manifest), written before the first player;
//   - intervals.jsonl, a metrics.Record in each line, with every histogram in HdrHistogram's own encoding;
//   - events.jsonl, a report.Event in each line;
//   - summary.json, the report.Summary, written when the run is over.
//
// The two in the middle are only ever appended to, a line at a time, so what a crash leaves is whole up to at most
// one torn line. A [Writer] is the report.Sink that writes one; [Open] and [Run.Replay] read one, torn or not,
// back into Sinks. Nothing in it is secret: tokens and headers never get there, and the scenario's text only
// without what looks like a secret; still, directories are for their owner only.
//
// What may live here: the files of a run and where they are. What may not: what figures mean, which is report's, a
// live run, or a format that others read, which are outputs.
package rundir
