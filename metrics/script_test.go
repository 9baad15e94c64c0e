package metrics

import (
	"time"

	"github.com/loadrig/loadrig/messages"
)

// playScript tells a shard of the life of five players, one of them removed, and gives the traffic of
// their transport. Each test states the values it wants in full.
func playScript(s *Shard) *messages.Traffic {
	s.Added(6)
	s.Removed(messages.Idle)

	// Three open: two over ws, one over wss, which compresses.
	for _, tls := range []time.Duration{0, 0, 8 * time.Millisecond} {
		extensions := ""
		if tls > 0 {
			extensions = "permessage-deflate"
		}
		move(s, messages.Idle, messages.Connecting)
		move(s, messages.Connecting, messages.Connected)
		s.Observe(&messages.Opened{Extensions: extensions, Handshake: messages.Handshake{
			Phases: [messages.NumPhases]time.Duration{0, 100 * time.Microsecond, tls, time.Millisecond},
			Total:  2*time.Millisecond + tls,
		}})
	}
	// One is refused by the server, one is still connecting.
	move(s, messages.Idle, messages.Connecting)
	s.Observe(&messages.Closed{Cause: messages.CauseUpgradeStatus, Phase: messages.PhaseUpgrade, Code: messages.CloseAbnormal, Status: 403})
	move(s, messages.Connecting, messages.Disconnected)
	move(s, messages.Idle, messages.Connecting)
	// Two end, one comes back and is cancelled while it connects, one stays.
	ends(s, messages.CauseRemote, messages.CloseGoingAway)
	ends(s, messages.CauseRemote, 4001)
	move(s, messages.Disconnected, messages.Connecting)
	s.Observe(&messages.Closed{Cause: messages.CauseLocal, Phase: messages.PhaseConnect, Code: messages.CloseAbnormal})
	move(s, messages.Connecting, messages.Disconnected)

	s.Observe(&messages.Refused{Command: messages.KindSendJSON, State: messages.Disconnected})
	s.Observe(&messages.Message{})
	s.Observe(&messages.TimerFired{})
	s.Response(1_000_000, 1_200_000, 1_700_000) // ns: 0.5 ms after the write, 0.7 ms after the intent
	s.Arrived(1_200_000, 1_600_000)             // 0.4 ms after the write
	s.Arrived(1_200_000, 1_100_000)             // before it
	s.Stray(messages.StrayCorrupted)
	s.Stray(messages.StrayDuplicated)
	s.ReadLag(100 * time.Microsecond)
	s.Turn(30 * time.Microsecond)
	s.Lag(200 * time.Microsecond)
	return &messages.Traffic{
		Asked: 10, Pending: 1,
		Sent:      [messages.NumOps]uint64{messages.OpText: 4, messages.OpPong: 1, messages.OpClose: 2},
		Received:  [messages.NumOps]uint64{messages.OpText: 3, messages.OpPing: 1, messages.OpClose: 2},
		Dropped:   [messages.NumDrops]uint64{messages.DropBacklog: 2},
		SentBytes: 400, ReceivedBytes: 300, SentWire: 1400, ReceivedWire: 1300,
	}
}

func move(s *Shard, from, to messages.State) { s.Observe(&messages.StateChanged{From: from, To: to}) }

func ends(s *Shard, cause messages.Cause, code messages.CloseCode) {
	const began = messages.Stamp(2 * time.Millisecond) // as playScript has it
	s.Observe(&messages.Closed{Cause: cause, Opened: true, Code: code, At: began.Add(time.Second), Lasted: time.Second})
	move(s, messages.Connected, messages.Disconnected)
}

// scripted is the snapshot of playScript.
func scripted() *Snapshot {
	var shard Shard
	sum := new(Snapshot)
	t := playScript(&shard)
	shard.AddTo(sum)
	sum.Traffic.Add(t)
	return sum
}
