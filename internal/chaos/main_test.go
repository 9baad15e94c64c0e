package chaos

import (
	"flag"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
)

var (
	seconds = flag.Int("chaos.seconds", 5, "how long the players are in the storm, in seconds; each engine has half of it")
	players = flag.Int("chaos.players", 300, "how many players there are at once")
	seed    = flag.Uint64("chaos.seed", 0, "the seed of a run to be replayed; 0 draws one")
)

func TestMain(m *testing.M) { wstest.Main(m) }
