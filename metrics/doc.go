// Package metrics counts what simulated players do, and shows the counts: a recorder for the hot
// path, snapshots that add up exactly, and the Prometheus exporter.
//
// A [Shard] is the recorder of one shard goroutine. Its methods are called by that goroutine only;
// they take no lock, use no atomic and allocate nothing. To read it, the same goroutine adds it to a
// [Snapshot] with [Shard.AddTo]; adding several shards to one Snapshot gives the sum, with nothing
// estimated. A Snapshot counts from the start of the run; [Snapshot.Sub] turns two of them into the
// interval between. [Snapshot.Check] tests the conservation laws that correct counts obey.
//
// What a scenario names has a recorder and a snapshot of its own, [ScenarioShard] and
// [ScenarioSnapshot], which a [Scenario] makes from the lists of names: how many there are is fixed
// before the first measurement.
//
// A [Histogram] has a fixed size whatever is recorded: the bins of an HDR histogram with three
// significant digits from 1 µs to 60 s. [NewCollector] and [Scenario.NewCollector] export snapshots
// to Prometheus, each histogram with classic buckets and native ones in the same metric, and
// [Handler] serves them.
//
// What may live here: counts, the arithmetic on them, and their export. What may not: sockets,
// actors, clocks, goroutines, thresholds or verdicts (those are report's), a label whose values a
// server can choose or that a scenario can give more than [MaxNames] values, or an import of another
// package of this module than messages.
package metrics
