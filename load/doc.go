// Package load is the arithmetic of load: when the n-th player arrives, when the n-th message is due.
// Everything is a pure function of its inputs; there is no clock, no random source and no goroutine in
// it, so every schedule can be computed ahead and tested as a table.
//
// What may live here: arrival models, pacing, stages. What may not: time.Now, sockets, players, or an
// import of another package of this module.
package load
