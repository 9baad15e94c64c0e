// Package remotewrite sends a run to Prometheus, or to whatever takes its remote write protocol, while it happens or
// when it is read again. It is opt-in: who does not import it does not link it.
//
// It is version 1 of the protocol, which every Prometheus that takes remote write understands, as do its relatives;
// version 2 came with Prometheus 2.54. The messages of version 1 are in no module of ours but Prometheus itself, and
// they are few, so they are written here.
//
// What may live here: that protocol. What may not: queues and HTTP, which are outputs/push's.
package remotewrite
