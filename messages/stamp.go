package messages

import "time"

// Stamp is an instant on the process's monotonic clock, in nanoseconds since the process began.
// Stamps are only compared with stamps of the same process; they cost half of a time.Time.
type Stamp int64

var epoch = time.Now()

// Now reads the monotonic clock.
func Now() Stamp { return Stamp(time.Since(epoch)) }

// StampOf converts what time.Now gave.
func StampOf(t time.Time) Stamp { return Stamp(t.Sub(epoch)) }

// Sub gives the time from u to s.
func (s Stamp) Sub(u Stamp) time.Duration { return time.Duration(s - u) }

// Add gives the instant d after s.
func (s Stamp) Add(d time.Duration) Stamp { return s + Stamp(d) }

// Time converts to wall-clock time, as far as the clock was not set since the process began.
func (s Stamp) Time() time.Time { return epoch.Add(time.Duration(s)) }
