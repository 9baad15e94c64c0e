// Package threshold is the language of thresholds: what is to hold of the figures of a run.
//
// There is a short form, as k6 has it, of one figure and one value, and expressions for everything else:
//
//	p(95)<200ms
//	request join: rate < 1%
//	response.p(95) < 200ms && per_second(sent) > 1000
//
// Parse reads either, and refuses every name that the run does not have: a threshold on a figure that does not
// exist would hold, or fail, whatever happens. Eval asks a View for the figures, so the same threshold can be held
// against a whole run, the run so far, or any window of it.
//
// Both forms are bounded in length, have no loops and no state, and cannot panic, whatever is in them. The grammar
// of expressions is that of expr-lang/expr, whose parser reads them. They are not run by its machine but by a small
// tree of our own: it knows units, so that a time is never compared with a count; it knows figures that were not
// measured, which are neither high nor low; and it has the two sides of a comparison, of which a report shows the
// margin.
//
// What may live here: the language, and the names of series that it knows. What may not: histograms, records,
// windows, verdicts, files, or when a threshold is looked at; those are report's.
package threshold
