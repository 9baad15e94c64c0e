package target

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// logPortion is how many bytes of the log each host keeps before it writes them.
const logPortion = 64 << 10

// delayLog is a server's account of its delays; docs/targets.md has its lines.
type delayLog struct {
	// Guarded by mu.
	mu  sync.Mutex
	w   io.Writer
	err error // the first; nothing is written after it
}

func (l *delayLog) write(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		_, l.err = l.w.Write(b)
	}
}

func (l *delayLog) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return fmt.Errorf("target: delay log: %w", l.err)
	}
	return nil
}

// logBuffer is the part of the log that one host has not written yet. A host whose log cannot be written as
// fast as it grows waits for that: its answers are late then, and the log has that too.
type logBuffer struct {
	to    *delayLog // nil: nothing is logged
	lines []byte
}

// add logs something that began at an instant, was to last so long, and was over at an instant.
func (b *logBuffer) add(what string, number uint64, begin messages.Stamp, planned time.Duration, end messages.Stamp) {
	if b.to == nil {
		return
	}
	if b.lines == nil {
		b.lines = make([]byte, 0, logPortion)
	}
	b.lines = append(append(b.lines, what...), ' ')
	b.lines = append(strconv.AppendUint(b.lines, number, 10), ' ')
	b.lines = append(strconv.AppendInt(b.lines, nanos(begin), 10), ' ')
	b.lines = append(strconv.AppendInt(b.lines, int64(planned), 10), ' ')
	b.lines = append(strconv.AppendInt(b.lines, nanos(end), 10), '\n')
	if len(b.lines) > logPortion-100 {
		b.flush()
	}
}

func (b *logBuffer) flush() {
	if len(b.lines) > 0 {
		b.to.write(b.lines)
		b.lines = b.lines[:0]
	}
}

// epochNanos is Stamp 0 in nanoseconds since 1970.
var epochNanos = messages.Stamp(0).Time().UnixNano()

// nanos gives an instant as the log has it: the real time at the process's start, and the monotonic time since,
// so that nobody who sets the clock meanwhile makes a delay longer or shorter.
func nanos(s messages.Stamp) int64 { return epochNanos + int64(s) }
