package cli

import (
	"testing"
	"time"

	"github.com/loadrig/loadrig/load"
)

// TestOpenPlayers: there is room for all that arrive by chance, who are 20 in the mean.
func TestOpenPlayers(t *testing.T) {
	plan := load.Plan{Model: load.Open, Stages: []load.Stage{{Duration: time.Second, Rate: 20, Step: true}}, Poisson: true}
	arrivals, err := plan.Arrivals()
	if err != nil {
		t.Fatal(err)
	}
	above := 0
	for seed := range uint64(50) {
		want := 0
		for stream := arrivals.Poisson(seed); ; want++ {
			if _, more := stream.Next(); !more {
				break
			}
		}
		if got := openPlayers(plan, seed); got != max(1, want) {
			t.Errorf("seed %d: got room for %d, want %d", seed, got, want)
		}
		if want > arrivals.Total() {
			above++
		}
	}
	if above == 0 {
		t.Errorf("no seed of 50 has more than %d arrive", arrivals.Total())
	}
	plan.Poisson = false
	if got := openPlayers(plan, 1); got != 20 {
		t.Errorf("at equal distances: got room for %d, want 20", got)
	}
}
