package starve

import (
	"math"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
)

func TestMain(m *testing.M) { wstest.Main(m) }

// TestAgainst: whatever the niceness, one starved process among the loops has about a twentieth of the weight.
func TestAgainst(t *testing.T) {
	for nice := -20; nice <= lightest; nice++ {
		starved, loops := against(nice)
		weight := func(nice int) float64 { return math.Pow(step, -float64(nice)) }
		got := weight(starved) / (weight(starved) + float64(loops)*weight(nice))
		if starved > lightest || got < .04 || got > .07 {
			t.Errorf("nice %d: at %d against %d loops a share of %.3f, want .04 to .07", nice, starved, loops, got)
		}
	}
}
