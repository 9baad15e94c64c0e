package metrics

import (
	"slices"

	"github.com/loadrig/loadrig/messages"
)

// Snapshot is the sum of what shards have counted. It is plain data of a fixed 1.6 MiB: allocate it
// once, Reset it and use it again; pass it by pointer; `*a = *b` is a deep copy. The zero value is
// empty and ready. It is not safe for concurrent use.
//
// States, Traffic.Pending and what is open of Lifetimes are what is at this instant; all else counts since the start
// of the run, or, after Sub, during the interval.
type Snapshot struct {
	// At is when the counts were read, and the latest such instant of those that were merged: ages of sessions are as
	// of then. Who gathers sets it, as Traffic.
	At messages.Stamp

	States      [messages.NumStates]int64                        // connections now in each state
	Added       uint64                                           // connections opened as Idle
	Removed     [messages.NumStates]uint64                       // connections forgotten, by the state they were in
	Transitions [messages.NumStates][messages.NumStates]uint64   // changes of state: [from][to]
	Refused     [messages.NumCommands][messages.NumStates]uint64 // commands refused: [command][state]

	// Traffic is counted by the transport, not by Shard: whoever gathers adds it, shard by shard.
	Traffic messages.Traffic

	RoundTrip   Histogram                     // from the actual write of a message to its answer
	Response    Histogram                     // from the intended send time to the answer; percentiles without a name are of this
	ScheduleLag Histogram                     // from when something was due to when the shard came to it
	LoopTurn    Histogram                     // the work of each turn of the event loop, the wait for sockets left out
	Ping        Histogram                     // from a keep-alive ping to its pong
	Handshake   Histogram                     // opening handshakes that succeeded, queueing and auth included
	Phases      [messages.NumPhases]Histogram // their phases; one that did not take place is not recorded
	Compressed  uint64                        // those of them that agreed on compression

	// What the kernel's stamps tell, where they are asked for: ReadLag is from when what was read had arrived to
	// its read, for each read; KernelRoundTrip from the actual write of a message to when its answer had
	// arrived, for those in RoundTrip whose arrival is known. So RoundTrip has the rig's own delay in reading,
	// and KernelRoundTrip has not. An answer that was read together with a later segment counts as that: its
	// KernelRoundTrip errs upwards, and the ReadLag downwards, but never beyond RoundTrip.
	ReadLag         Histogram
	KernelRoundTrip Histogram

	// Strays are the messages that came and are not the answer to one that was sent, where each has one. All that
	// came are then in RoundTrip or in here.
	Strays [messages.NumStrays]uint64

	Disconnects       [messages.NumCauses]uint64                     // ended attempts and sessions, by cause
	HandshakeFailures [messages.NumPhases][messages.NumCauses]uint64 // those of them that never opened: [phase][cause]

	// Lifetimes is how long sessions lasted, and when those that are open began.
	Lifetimes Lifetimes

	// Malformed counts events with a value outside the vocabulary of messages, which were not counted
	// otherwise. It is 0 unless loadrig has a bug; Check reports it.
	Malformed uint64

	closes [messages.NumCauses][numCloseClasses]uint64 // sessions that had opened: [cause][class of the close code]
	codes  codeTable
}

// Reset empties s without allocating.
func (s *Snapshot) Reset() { *s = Snapshot{} }

// Players gives the number of connections, over all states.
func (s *Snapshot) Players() int64 {
	var n int64
	for _, v := range s.States {
		n += v
	}
	return n
}

// Unanswered gives how many data messages have no answer so far, where each is to have one: sent - answered - answered
// with something that was changed. Those under way are among them, so it means little before the run has settled.
// Never less than 0: which message a changed answer belongs to may be past telling, so that of two to the same one
// both count. Of an interval it means nothing.
func (s *Snapshot) Unanswered() uint64 {
	sent := s.Traffic.Sent[messages.OpText] + s.Traffic.Sent[messages.OpBinary]
	return minus(sent, s.RoundTrip.Count()+s.Strays[messages.StrayCorrupted])
}

// Merge adds other to s. The sum is exact, whatever the order, but for which close codes outside the
// registry are told apart once there are more than 64.
func (s *Snapshot) Merge(other *Snapshot) {
	s.At = max(s.At, other.At)
	for i, n := range other.States {
		s.States[i] += n
	}
	s.Traffic.Add(&other.Traffic)
	s.counters(other, func(mine *uint64, n uint64) { *mine += n })
	s.histograms(other, (*Histogram).Merge)
	s.codes.merge(&other.codes)
	s.Lifetimes.Merge(&other.Lifetimes)
}

// Sub takes away earlier, which must be an earlier Snapshot of the same shards: s is then the
// interval between the two, with States, Traffic.Pending and the open sessions as they were at its end. Check does not
// apply to an interval. A count that shrank, against that rule, gives 0.
func (s *Snapshot) Sub(earlier *Snapshot) {
	take := func(mine *uint64, n uint64) { *mine = minus(*mine, n) }
	t, u := &s.Traffic, &earlier.Traffic
	take(&t.Asked, u.Asked)
	take(&t.SentBytes, u.SentBytes)
	take(&t.ReceivedBytes, u.ReceivedBytes)
	take(&t.SentWire, u.SentWire)
	take(&t.ReceivedWire, u.ReceivedWire)
	each(t.Sent[:], u.Sent[:], take)
	each(t.Received[:], u.Received[:], take)
	each(t.Dropped[:], u.Dropped[:], take)

	s.counters(earlier, take)
	s.histograms(earlier, (*Histogram).Sub)
	s.codes.sub(&earlier.codes)
	s.Lifetimes.Sub(&earlier.Lifetimes)
}

// counters applies f to each plain counter of s and its counterpart in t. Traffic, States and what
// has a type of its own are not among them.
func (s *Snapshot) counters(t *Snapshot, f func(mine *uint64, n uint64)) {
	f(&s.Added, t.Added)
	f(&s.Malformed, t.Malformed)
	f(&s.Compressed, t.Compressed)
	each(s.Removed[:], t.Removed[:], f)
	each(s.Strays[:], t.Strays[:], f)
	each(s.Disconnects[:], t.Disconnects[:], f)
	for i := range s.Transitions {
		each(s.Transitions[i][:], t.Transitions[i][:], f)
	}
	for i := range s.Refused {
		each(s.Refused[i][:], t.Refused[i][:], f)
	}
	for i := range s.HandshakeFailures {
		each(s.HandshakeFailures[i][:], t.HandshakeFailures[i][:], f)
	}
	for i := range s.closes {
		each(s.closes[i][:], t.closes[i][:], f)
	}
}

func each(mine, other []uint64, f func(*uint64, uint64)) {
	for i := range mine {
		f(&mine[i], other[i])
	}
}

func (s *Snapshot) histograms(t *Snapshot, f func(mine, other *Histogram)) {
	f(&s.RoundTrip, &t.RoundTrip)
	f(&s.Response, &t.Response)
	f(&s.ScheduleLag, &t.ScheduleLag)
	f(&s.LoopTurn, &t.LoopTurn)
	f(&s.ReadLag, &t.ReadLag)
	f(&s.KernelRoundTrip, &t.KernelRoundTrip)
	f(&s.Ping, &t.Ping)
	f(&s.Handshake, &t.Handshake)
	for i := range s.Phases {
		f(&s.Phases[i], &t.Phases[i])
	}
}

// Closes calls f for each close code label and initiator with a count other than 0: sessions that
// had opened, by the first close code that crossed the wire. Labels are those of CloseCode.Label.
func (s *Snapshot) Closes(f func(label string, by messages.Initiator, n uint64)) {
	for k := range closeClass(numCloseClasses) {
		var n [2]uint64
		for _, cause := range messages.Causes() {
			n[cause.Initiator()] += s.closes[cause][k]
		}
		for by, v := range n {
			if v > 0 {
				f(k.label(), messages.Initiator(by), v)
			}
		}
	}
}

// DisconnectCount is a row of a summary: how often attempts and sessions ended in one way.
type DisconnectCount struct {
	Cause     string             `json:"cause"`
	Initiator string             `json:"initiator"`
	Code      messages.CloseCode `json:"code,omitempty"`  // 0: never opened, or see Codes
	Codes     string             `json:"codes,omitempty"` // the range of codes, where they were too many to tell apart
	Count     uint64             `json:"count"`
}

// DisconnectCounts lists all that ended, by cause and close code, the most frequent first. The counts
// add up to Disconnects. It allocates.
func (s *Snapshot) DisconnectCounts() []DisconnectCount {
	var list []DisconnectCount
	add := func(c messages.Cause, code messages.CloseCode, codes string, n uint64) {
		if n > 0 {
			list = append(list, DisconnectCount{c.String(), c.Initiator().String(), code, codes, n})
		}
	}
	for _, c := range messages.Causes() {
		add(c, 0, "", s.neverOpened(c))
		rest := s.closes[c]
		for _, r := range s.codes.rows[:s.codes.used] {
			if r.cause == c {
				rest[classOf(r.code)] = minus(rest[classOf(r.code)], r.count)
				add(c, r.code, "", r.count)
			}
		}
		for k := range closeClass(numCloseClasses) {
			if k.registered() {
				add(c, k.example(), "", rest[k])
			} else {
				add(c, 0, k.label(), rest[k])
			}
		}
	}
	slices.SortStableFunc(list, func(a, b DisconnectCount) int {
		switch {
		case a.Count > b.Count:
			return -1
		case a.Count < b.Count:
			return 1
		}
		return 0
	})
	return list
}

// neverOpened gives how many attempts failed with the cause.
func (s *Snapshot) neverOpened(c messages.Cause) (n uint64) {
	for p := range s.HandshakeFailures {
		n += s.HandshakeFailures[p][c]
	}
	return n
}
