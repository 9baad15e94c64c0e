package metrics

import (
	"strings"
	"testing"

	"github.com/loadrig/loadrig/messages"
)

// TestCheckFindsEachBrokenLaw breaks the scripted counts in one place at a time.
func TestCheckFindsEachBrokenLaw(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Snapshot)
		want  string // a line of the error
	}{
		{"a lost message", func(s *Snapshot) { s.Traffic.Asked++ }, "messages sent, dropped and pending: got 10, want 11"},
		{"an illegal transition", func(s *Snapshot) { s.Transitions[messages.Idle][messages.Connected]++ }, "transitions idle to connected: got 1, want 0"},
		{"a player too many", func(s *Snapshot) { s.States[messages.Disconnected]++ }, "connections disconnected: got 4, want 3"},
		{"a player nobody added", func(s *Snapshot) { s.Added-- }, "connections idle: got 0, want -1"},
		{"a negative state", func(s *Snapshot) { s.States[messages.Idle] = -1 }, "connections idle: got -1, want no less than 0"},
		{"an attempt without an end", func(s *Snapshot) {
			s.HandshakeFailures[messages.PhaseUpgrade][messages.CauseUpgradeStatus]--
			s.Disconnects[messages.CauseUpgradeStatus]--
		}, "attempts: got 6, want 5"},
		{"an opening not told", func(s *Snapshot) { s.Handshake = Histogram{} }, "opening handshakes: got 0, want 3"},
		{"more that compress than there are", func(s *Snapshot) { s.Compressed = 4 }, "sessions that compress: got 4, want no more than 3"},
		{"more arrivals than answers", func(s *Snapshot) { s.RoundTrip = Histogram{} }, "answers whose arrival is known: got 1, want no more than 0"},
		{"more strays than messages", func(s *Snapshot) { s.Strays[messages.StrayForeign] = 2 }, "messages that are no answer: got 4, want no more than 3"},
		{"a session without an end", func(s *Snapshot) {
			s.closes[messages.CauseRemote][classPrivate]--
			s.Disconnects[messages.CauseRemote]--
		}, "sessions: got 3, want 2"},
		{"a disconnect without a cause", func(s *Snapshot) { s.Disconnects[messages.CauseRemote]-- }, "disconnects remote: got 1, want 2"},
		{"an end that was not a transition", func(s *Snapshot) {
			s.closes[messages.CauseEOF][0]++
			s.Disconnects[messages.CauseEOF]++
		}, "disconnects: got 5, want 4"},
		{"a malformed event", func(s *Snapshot) { s.Malformed++ }, "malformed events: got 1, want 0"},
	} {
		s := scripted()
		c.spoil(s)
		err := s.Check()
		if err == nil {
			t.Errorf("%s: got nil, want %q", c.name, c.want)
			continue
		}
		lines := strings.Split(strings.TrimPrefix(err.Error(), "counts do not add up: "), "\n")
		found := false
		for _, l := range lines {
			found = found || l == c.want
		}
		if !found {
			t.Errorf("%s: got %q, want the line %q", c.name, lines, c.want)
		}
	}
}
