package machine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/starve"
)

// TestSampleStarved: a process that wants a core and gets a twentieth of one sees it, in its CPU time as in its
// waiting.
func TestSampleStarved(t *testing.T) {
	if os.Getenv("MACHINE_TEST_STARVED") != "" {
		s := NewSampler()
		defer s.Close()
		var a, b Usage
		s.Sample(&a)
		burn(t, 50*time.Millisecond)
		s.Sample(&b)
		i := b.Since(&a)
		fmt.Printf("starved %t %g %g %g %g\n", i.Known.Has(FactRunQueue), i.Cores, i.WaitShare, i.CPUShare, b.CPUs)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(self, "-test.run=^TestSampleStarved$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), "MACHINE_TEST_STARVED=1")
	cmd.Stdout = &out
	if err := starve.Start(t, cmd).Wait(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	var known bool
	var cores, wait, share, cpus float64
	_, text, _ := strings.Cut(out.String(), "starved ")
	if _, err := fmt.Sscan(text, &known, &cores, &wait, &share, &cpus); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	t.Logf("%.3f of a core, %.3f of what it wanted it waited", cores, wait)
	if cores <= 0 || cores > .15 || share != cores || cpus != 1 {
		t.Errorf("got %.3f cores, a share of %.3f of %v, want about .05 of 1", cores, share, cpus)
	}
	if known && (wait < .7 || wait > 1) {
		t.Errorf("got %.3f of the time that it wanted to run it waited, want about .95", wait)
	}
}
