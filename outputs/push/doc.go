// Package push sends what a run measures to a server while the run goes on, without the run ever waiting for it:
// a bounded queue, a goroutine, retries that are bounded in time.
//
// What may live here: how bodies get to a server over HTTP. What may not: what is in them.
package push
