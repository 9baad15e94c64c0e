package metrics

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files under testdata")

// No test here opens a descriptor: the HTTP tests use recorders.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
