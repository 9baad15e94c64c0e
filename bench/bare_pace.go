//go:build linux

package main

import "time"

// bareSchedule is the schedule of a paced loop: the k-th message is due k·interval after the start, on
// each connection in turn. The loop looks at it once in a tick, so that a message goes out up to a tick
// after it was due, as loadrig's timers have it.
type bareSchedule struct {
	start    int64   // ns since epoch
	interval float64 // ns
	sent     int64   // messages
}

const bareTick = int64(time.Millisecond)

// due gives when the next message is due, rounded up to the tick.
func (s *bareSchedule) due() int64 {
	at := s.start + int64(float64(s.sent)*s.interval)
	return (at + bareTick - 1) / bareTick * bareTick
}

// pace is called by who measures; the loop takes it up in its next turn.
func (c *bareClient) pace() error {
	c.schedule = bareSchedule{start: c.clock(), interval: 1e9 / c.job.Rate}
	c.pacing.Store(true)
	c.poll.wake()
	return nil
}

// timeout gives how long the loop may wait: below 0 for ever.
func (c *bareClient) timeout() int64 {
	if !c.pacing.Load() {
		return -1
	}
	return max(0, c.schedule.due()-c.clock())
}

// sendDue sends what is due.
func (c *bareClient) sendDue() {
	for now := c.clock(); c.schedule.due() <= now; c.schedule.sent++ {
		fd := int(c.fds[c.schedule.sent%int64(len(c.fds))])
		if conn := &c.conns[fd]; conn.stage == bareOpen {
			if err := c.send(fd, conn); err != nil {
				c.lose(fd, err)
			}
		}
	}
}
