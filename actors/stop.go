package actors

import (
	"context"
	"fmt"

	"github.com/loadrig/loadrig/messages"
)

// Drain closes every connection with a close frame (cause shutdown), waits until the closing handshakes
// are over or ctx ends, and then cuts off what is left; its error then wraps ctx's. While it waits,
// Connect and Reconnect are refused with messages.ErrStopped, those of behaviours too; afterwards the
// connections can be connected again.
func (m *Manager) Drain(ctx context.Context) error {
	if m.stopping.Load() {
		return messages.ErrStopped
	}
	return m.drain(ctx, false)
}

func (m *Manager) drain(ctx context.Context, stop bool) error {
	waits := make([]<-chan struct{}, len(m.shards))
	for i, s := range m.shards {
		waits[i] = s.drain(stop)
	}
	for _, w := range waits {
		select {
		case <-w:
		case <-m.stopped:
			return messages.ErrStopped
		case <-ctx.Done():
			return m.abort(ctx)
		}
	}
	return nil
}

// abort cuts all connections off, and waits until their ends were told.
func (m *Manager) abort(ctx context.Context) error {
	done := make([]<-chan struct{}, 0, 2*len(m.shards))
	for _, s := range m.shards {
		done = append(done, s.call(s.abort), s.drain(false))
	}
	for _, d := range done {
		select {
		case <-d:
		case <-m.stopped:
		}
	}
	return fmt.Errorf("drain: connections were cut off: %w", ctx.Err())
}

// Stop drains, stops all actors and shards, and waits for their goroutines and for what an Authorizer, a
// Resolver or a Dial of theirs has under way. From its beginning commands are refused with
// messages.ErrStopped; one that was told before may be lost. It may be called more than once: all calls
// wait for the first, as long as their ctx allows, and give its error, which is Drain's. When ctx ends the
// first cuts off what is left, but a behaviour that never returns is waited for.
func (m *Manager) Stop(ctx context.Context) error {
	if !m.stopping.CompareAndSwap(false, true) {
		select {
		case <-m.stopped:
			return m.stopErr
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.stopErr = m.drain(ctx, true)
	for _, s := range m.shards {
		m.system.Root.Stop(s.pid)
	}
	for _, s := range m.shards {
		<-s.stopped
	}
	m.release()
	close(m.stopped)
	return m.stopErr
}

func (m *Manager) release() {
	for _, s := range m.shards {
		s.loop.Stop()
	}
	m.loops.Wait()
	m.network.Wait()
	m.system.Shutdown()
}
