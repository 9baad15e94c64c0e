package transport

import "time"

// bell is the poller of the goroutine engine: sockets report through the loop's queue, so there is
// nothing to wait for but being woken.
type bell struct{ rung chan struct{} }

func newBell() *bell { return &bell{rung: make(chan struct{}, 1)} }

func (b *bell) wait(timeout time.Duration) int {
	switch {
	case timeout == 0:
	case timeout < 0:
		<-b.rung
	default:
		t := time.NewTimer(timeout)
		defer t.Stop()
		select {
		case <-b.rung:
		case <-t.C:
		}
	}
	return 0
}

func (b *bell) handle(*Loop, int) {}

func (b *bell) wake() {
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

func (b *bell) close() {}
