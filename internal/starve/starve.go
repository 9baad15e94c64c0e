package starve

import (
	"math"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Process is a process that gets about a twentieth of one core.
type Process struct {
	cmd     *exec.Cmd
	started time.Time
	busy    []*exec.Cmd // what it has to compete with
	release func()

	once sync.Once
	took time.Duration
	err  error
}

// Start starts cmd so that it gets about a twentieth of one core however much it wants, or less where the
// machine has more to do. The test skips where that cannot be had: elsewhere than on Linux, and on one CPU,
// which whoever is not to be starved would have to share.
//
// A process with several threads that run at once gets a share for each. A Go program has GOMAXPROCS 1
// here, as it may run on one CPU only. What cmd starts is starved with it.
//
// When the test ends, and when the process that runs it does, however it does, all that was started ends.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd}
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
			_ = p.Wait()
		}
	})
	p.start(t)
	return p
}

// Wait waits until the process has ended; then the machine is everybody's again. It may be called again.
func (p *Process) Wait() error {
	p.once.Do(func() {
		p.err = p.cmd.Wait()
		p.took = time.Since(p.started)
		p.feed()
	})
	return p.err
}

// Share gives what share of one core the process got, as the kernel counted it, from its start until Wait found
// it ended.
func (p *Process) Share() float64 {
	s := p.cmd.ProcessState
	return (s.UserTime() + s.SystemTime()).Seconds() / p.took.Seconds()
}

// feed ends the competition.
func (p *Process) feed() {
	for _, b := range p.busy {
		_ = b.Process.Kill()
		_ = b.Wait()
	}
	p.busy = nil
	if p.release != nil {
		p.release()
	}
	p.release = nil
}

// step is by how much one level of niceness changes a weight, and lightest the niceness of the lowest.
const (
	step     = 1.25
	lightest = 19
	levels   = 13 // 1.25^13 = 18.2: one part in 19.2 is 5.2 %
)

// against gives for a niceness that processes have the one to be starved at, and how many busy loops of the
// former it takes. As there is no niceness beyond 19, a test that is nice itself needs more of them.
func against(nice int) (starved, loops int) {
	starved = min(lightest, nice+levels)
	return starved, max(1, int(math.Round(math.Pow(step, float64(levels-(starved-nice))))))
}
