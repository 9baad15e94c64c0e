package target

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/loadrig/loadrig/messages"
)

// Stats counts what a server has seen since Listen. Each count is exact; a snapshot taken while
// traffic runs is not of one instant. Messages are counted before they are written, so a client that has
// read n finds at least n in Sent. For an echo server Sent counts echoes; for a room or tick server it is
// Answers + Deliveries + Ticks; for a json-auth server Answers of it were made and the rest echoed.
type Stats struct {
	Accepted uint64 // TCP connections accepted
	Opened   uint64 // opening handshakes completed
	Refused  uint64 // opening handshakes answered with an HTTP error, or not ended in time
	Open     int    // connections open now: opened, and no close frame or end of TCP seen or sent since
	PeakOpen int    // the most that were ever open at once

	Received      uint64 // whole text and binary messages received
	ReceivedBytes uint64 // their payload bytes
	Sent          uint64 // messages made for peers; those a vanished peer never took are among them
	SentBytes     uint64 // their payload bytes
	Pings         uint64 // pings received

	// Closes counts the valid close frames received, by code; CloseNoStatus stands for an empty one.
	Closes  map[messages.CloseCode]uint64
	Answers uint64 // answers to commands, errors and turns of games included
	Errors  uint64 // answers that say what is wrong with a command

	Rooms      int    // rooms now
	Members    int    // members now, over all rooms
	Joins      uint64 // members that joined a room
	Leaves     uint64 // members that left one, by saying so or by ending
	Broadcasts uint64 // messages said to a room
	Deliveries uint64 // copies of them made for members
	Dropped    uint64 // copies, and turns of games, not made as a loop had too many waiting
	Lost       uint64 // copies and echoes left out, as the server was told to make faults; copies kept back for members who went are among them
	Duplicated uint64 // copies and echoes made once more, for the same reason; Sent, and Deliveries of copies, count both
	Reordered  uint64 // copies made after the same speaker's next; Deliveries counts them
	Corrupted  uint64 // copies and echoes made with one byte changed; Sent, and Deliveries of copies, count them
	Games      int    // games being played now
	Started    uint64 // games begun

	Players int    // clients that get ticks now
	Beats   uint64 // ticks made, by each loop that had a player
	Ticks   uint64 // copies of them made for players
	Skipped uint64 // ticks that a loop came too late for: the next was due already

	TokensRefused uint64 // opening handshakes answered with 401; Refused counts them too
	ScopesRefused uint64 // opening handshakes answered with 403; Refused counts them too
	Expired       uint64 // connections closed with 4401
	Slow          uint64 // connections closed with 1008, as they did not read what others had sent them

	Delayed  uint64 // answers held back
	Forgone  uint64 // those never sent, as the connection or the server ended first; Sent counts them too
	Overheld uint64 // connections closed with 1013, as too much was held back
	Stalls   uint64 // stalls of a loop

	// Failed counts connections that the server closed with 1002, 1007 or 1009.
	Failed uint64
	// AcceptPauses counts how often accepting paused because this process or machine was out of
	// descriptors or memory. Peers wait in the kernel's queue meanwhile.
	AcceptPauses uint64
}

// tally is what one loop counts. A loop has its own, so that two of them do not fight for a cache
// line at each message.
type tally struct {
	accepted, opened, refused atomic.Uint64
	received, receivedBytes   atomic.Uint64
	sent, sentBytes           atomic.Uint64
	pings, failed, pauses     atomic.Uint64

	answers, errors                             atomic.Uint64
	joins, leaves                               atomic.Uint64
	broadcasts, deliveries, dropped, started    atomic.Uint64
	lost, duplicated, reordered, corrupted      atomic.Uint64
	beats, ticks, skipped                       atomic.Uint64
	tokensRefused, scopesRefused, expired, slow atomic.Uint64
	delayed, forgone, overheld, stalls          atomic.Uint64
}

// totals holds the tallies of one server and what cannot be counted apart.
type totals struct {
	// Static after construction.
	shared shared

	// Atomic.
	open, peak                     atomic.Int64
	rooms, members, games, players atomic.Int64

	// Guarded by mu.
	mu      sync.Mutex
	tallies []*tally
	closes  map[messages.CloseCode]uint64 // keys are valid codes only, so peers cannot grow it without end
}

func newTotals() *totals {
	return &totals{closes: make(map[messages.CloseCode]uint64)}
}

// newTally adds a tally to the sum.
func (t *totals) newTally() *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	y := new(tally)
	t.tallies = append(t.tallies, y)
	return y
}

func (t *totals) opened() {
	n := t.open.Add(1)
	for {
		p := t.peak.Load()
		if n <= p || t.peak.CompareAndSwap(p, n) {
			return
		}
	}
}

func (t *totals) closed(code messages.CloseCode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closes[code]++
}

func (t *totals) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Stats{
		Open:     int(t.open.Load()),
		PeakOpen: int(t.peak.Load()),
		Rooms:    int(t.rooms.Load()),
		Members:  int(t.members.Load()),
		Games:    int(t.games.Load()),
		Players:  int(t.players.Load()),
		Closes:   maps.Clone(t.closes),
	}
	for _, y := range t.tallies {
		s.Accepted += y.accepted.Load()
		s.Opened += y.opened.Load()
		s.Refused += y.refused.Load()
		s.Received += y.received.Load()
		s.ReceivedBytes += y.receivedBytes.Load()
		s.Sent += y.sent.Load()
		s.SentBytes += y.sentBytes.Load()
		s.Pings += y.pings.Load()
		s.Failed += y.failed.Load()
		s.AcceptPauses += y.pauses.Load()
		s.Answers += y.answers.Load()
		s.Errors += y.errors.Load()
		s.Joins += y.joins.Load()
		s.Leaves += y.leaves.Load()
		s.Broadcasts += y.broadcasts.Load()
		s.Deliveries += y.deliveries.Load()
		s.Dropped += y.dropped.Load()
		s.Started += y.started.Load()
		s.Lost += y.lost.Load()
		s.Duplicated += y.duplicated.Load()
		s.Reordered += y.reordered.Load()
		s.Corrupted += y.corrupted.Load()
		s.Beats += y.beats.Load()
		s.Ticks += y.ticks.Load()
		s.Skipped += y.skipped.Load()
		s.TokensRefused += y.tokensRefused.Load()
		s.ScopesRefused += y.scopesRefused.Load()
		s.Expired += y.expired.Load()
		s.Slow += y.slow.Load()
		s.Delayed += y.delayed.Load()
		s.Forgone += y.forgone.Load()
		s.Overheld += y.overheld.Load()
		s.Stalls += y.stalls.Load()
	}
	return s
}
