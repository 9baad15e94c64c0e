package transport

import (
	"time"

	"github.com/loadrig/loadrig/messages"
)

// Meter takes how well a loop keeps up; metrics.Shard is one. It is called on the loop's goroutine.
type Meter interface {
	// Turn is told, once in each turn, how long the loop was at work: from when it last came back from its
	// sockets, having waited for them or only looked, to when it looks for them again. The wait is no part of
	// it. What arrives meanwhile is not seen before the turn is over.
	Turn(time.Duration)
	// ReadLag is told of each read whose arrival the kernel has stamped, see Options.KernelTimestamps: how long
	// ago the last of what was read had arrived.
	ReadLag(time.Duration)
}

// SetMeter has m told from now on. It is to be called before Run.
func (l *Loop) SetMeter(m Meter) { l.meter = m }

// turned tells the meter that a turn is over.
func (l *Loop) turned() {
	if l.meter == nil {
		return
	}
	l.blame = nil
	defer l.recoverTurn()
	now := messages.Now()
	took := now.Sub(l.awake)
	l.awake = now
	l.meter.Turn(took)
}
