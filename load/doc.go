// Package load is the arithmetic of load: when the n-th player arrives, how many are held, when the n-th
// message is due. Everything is a pure function of its inputs; there is no clock, no goroutine and no source
// of chance but what a caller seeds, so every schedule can be computed ahead and tested as a table.
//
// A [Plan] is a course of stages in one of the two load models. In the closed model players are held: [Held]
// says how many at a time, and when each start and each stop is due. In the open model they arrive at a rate,
// whatever becomes of those before them: [Arrivals] says when the n-th is due, [Stream] gives one after the
// other, evenly or as a Poisson process. [Pace] and [Rate] are for what goes on evenly, [Tally] counts what
// became of the starts that a schedule asked for.
//
// All times are since the start of the load, and cut to whole nanoseconds: what is due within a nanosecond is
// due at its beginning. A stage has its own nanoseconds, from its beginning up to but not including its end.
// Each instant is computed from the stage that it is in, never from the one before it, so no error adds up
// over a run of days.
//
// What may live here: arrival models, pacing, stages, and counting what they asked for. What may not:
// time.Now, sockets, players, or an import of another package of this module.
package load
