package metrics

import (
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// playNames are the series of playScenario; the second of each kind but the deliveries is never used.
var playNames = Names{
	Requests:   []string{"login", "trade"},
	Checks:     []string{"has a name", "is rich"},
	Deliveries: []string{"chat"},
	Ticks:      []string{"world", "weather"},

	Populations: []string{"miners", "ghosts"},
}

func scenarioOf(t testing.TB, n Names) *Scenario {
	t.Helper()
	s, err := NewScenario(n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// playScenario tells the recorders of two shards of a short run. Each test states the values it wants in full.
func playScenario(a, b *ScenarioShard) {
	ms := func(n int) messages.Stamp { return messages.Stamp(n) * messages.Stamp(time.Millisecond) }

	// Two logins: due at 0 and 10 ms, sent 1 and 2 ms late, answered after 3 and 4 ms; one more has no answer.
	a.Request(0, ms(0), ms(1), ms(4))
	b.Request(0, ms(10), ms(12), ms(16))
	b.RequestLost(0)

	a.Check(0, true)
	b.Check(0, true)
	b.Check(0, false)

	// On shard a, messages for 3 and for 2. Of the first, two come on b and one on a; of the second, one comes,
	// before the first, and comes again; and one comes corrupt.
	a.Published(0, 3)
	a.Published(0, 2)
	b.Delivered(0, 7*time.Millisecond, messages.OrderKept)
	b.Delivered(0, 2*time.Millisecond, messages.OrderKept)
	b.Delivered(0, 9*time.Millisecond, messages.OrderLate)
	a.Delivered(0, 5*time.Millisecond, messages.OrderKept)
	b.Delivered(0, 50*time.Millisecond, messages.OrderDuplicate)
	b.Delivered(0, 0, messages.OrderCorrupt)

	// Ticks: 3 ms late, 1 ms early, 4 ms late.
	a.Tick(0, 3*time.Millisecond)
	a.Tick(0, -time.Millisecond)
	b.Tick(0, 4*time.Millisecond)

	// Of three players two are done, one of them lost; one answer was due at 0, sent at 1 ms and came at 4 ms.
	a.Began(0)
	b.Began(0)
	b.Began(0)
	a.Answered(0, ms(0), ms(1), ms(4))
	a.Iteration(0)
	a.Iteration(0)
	b.Iteration(0)
	b.Lost(0)
	b.Ended(0)
	a.Ended(0)
	a.Fault()
	b.Fault()
}

// playedScenario is the snapshot of playScenario.
func playedScenario(t testing.TB) *ScenarioSnapshot {
	t.Helper()
	s := scenarioOf(t, playNames)
	a, b, sum := s.NewShard(), s.NewShard(), s.NewSnapshot()
	playScenario(a, b)
	a.AddTo(sum)
	b.AddTo(sum)
	return sum
}
