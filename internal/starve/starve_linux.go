package starve

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spin is a busy loop of one process that needs nothing. The kernel ends it after two minutes of CPU time, were
// all else to fail.
var spin = []string{"sh", "-c", "ulimit -t 120; while :; do :; done"}

var errOneCPU = errors.New("a process is starved on one CPU, and this test has no other")

// start starts everything from a thread of its own, from which it inherits its CPU and its niceness. A niceness
// cannot be lowered again, so the thread ends with its goroutine, which does not unlock it. It has to live
// as long as the processes: what Pdeathsig waits for is the death of the thread that started them.
func (p *Process) start(t testing.TB) {
	t.Helper()
	started, released, gone := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread()
		started <- p.startHere()
		<-released
	}()
	err := <-started
	p.started = time.Now()
	p.release = func() {
		close(released)
		<-gone
	}
	if err == nil {
		return
	}
	if p.cmd.Process == nil { // nobody will wait for it
		p.feed()
	}
	if errors.Is(err, errOneCPU) {
		t.Skip(err)
	}
	t.Fatal(err)
}

func (p *Process) startHere() error {
	var cpus, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		return fmt.Errorf("starve: which CPUs there are: %w", err)
	}
	if cpus.Count() < 2 {
		return errOneCPU
	}
	for cpu := 0; one.Count() == 0 || cpus.Count() > 0; cpu++ { // the last: interrupts are often the first's
		if cpus.IsSet(cpu) {
			cpus.Clear(cpu)
			one.Zero()
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("starve: stay on one CPU: %w", err)
	}
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("starve: how nice this is: %w", err)
	}
	nice, loops := against(20 - raw) // the system call gives 20 less the niceness, so that it is never negative
	for range loops {
		b := exec.Command(spin[0], spin[1:]...)
		if err := startMortal(b); err != nil {
			return err
		}
		p.busy = append(p.busy, b)
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, nice); err != nil { // of this thread
		return fmt.Errorf("starve: be nicer: %w", err)
	}
	return startMortal(p.cmd)
}

// startMortal starts what ends with this thread.
func startMortal(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starve: %w", err)
	}
	return nil
}
