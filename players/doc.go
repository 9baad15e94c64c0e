// Package players is what simulated players do once they are connected: each is a behaviour for one
// connection, driven by its events on its shard.
//
// What may live here: behaviours. What may not: sockets and actors themselves, the start and end of a
// run, reports, or anything that blocks or allocates for each message.
package players
