//go:build unix

package accuracy

import (
	"flag"
	"os"
	"testing"

	"github.com/loadrig/loadrig/internal/cli"
	"github.com/loadrig/loadrig/internal/wstest"
)

var long = flag.Bool("accuracy.long", false, "run each law for longer, and repeat what a busy machine has spoilt")

// asProgram makes the test binary loadrig itself, so that the one that is tested is the one of this source, with
// the race detector if the test has it.
const asProgram = "LOADRIG_ACCURACY_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main(cli.ThisProcess()))
	}
	wstest.Main(m)
}
