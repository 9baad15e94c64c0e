// Package actors holds connections, each an actor on one of a few event loops, and routes commands to
// them.
//
// A [Manager] starts one shard for each core. [Manager.Open] makes a connection; [Manager.Tell] and
// [Manager.Do] give it commands; a [Behavior] or an [Observer] is told what happens to it. A connection
// is Idle, Connecting, Connected or Disconnected, and moves only as the table behind messages.Next says.
// It never connects by itself: not after an error, not after a panic.
//
// Methods of Manager may be called from anywhere but the shards. Behaviors and observers run on the
// shards: they must not block, and use the [Connection] that they are given instead. A panic in a
// behaviour stops that one player, whose connection ends with the cause internal; its neighbours do not
// notice. A behaviour that never returns takes its shard with it, and Stop then waits for ever.
//
// What may live here: connection actors, supervisors, the Manager. It is the only importer of
// protoactor-go. What may not: bytes and frames, metrics, load models, or what players say.
package actors
