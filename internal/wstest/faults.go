package wstest

import "time"

// Fault is one way in which a FaultProxy hurts what passes through it.
type Fault uint8

// The faults. The first four slow a connection down; the others end it, in ways that a client is told of
// late, wrongly or not at all.
const (
	FaultLatency   Fault = iota // bytes that are passed on late
	FaultBandwidth              // bytes that are passed on slowly
	FaultSlices                 // bytes that are passed on in small pieces
	FaultSlowClose              // an end that is passed on late
	FaultRefuse                 // a connection that is reset as soon as it is accepted
	FaultReset                  // a connection that is reset in the middle
	FaultCut                    // a connection that is ended in the middle as if its peer had wanted to
	FaultHalfOpen               // a connection one of whose ends is gone without a word
	NumFaults      = 8
)

// String gives the fault's name.
func (f Fault) String() string {
	return [NumFaults]string{"latency", "bandwidth", "slices", "slow close", "refuse", "reset", "cut", "half-open"}[f]
}

// Faults is what a FaultProxy does to the connections through it. The zero value does nothing to them.
type Faults struct {
	// These apply to each read in each direction, and change with the proxy's for connections that are open.

	Latency   time.Duration // waited before bytes are passed on; what comes meanwhile is passed on together
	Jitter    time.Duration // up to so much more, drawn each time
	Bandwidth int           // bytes per second; 0 is no limit
	Slices    int           // pass on in pieces of 1 to so many bytes, at most 16 for a read; 0 is whole reads
	SlowClose time.Duration // waited before the end of one side is told to the other

	// Refuse, Reset, Cut and HalfOpen are the shares, from 0 to 1, of the connections accepted from now on that
	// meet with each. Together they are at most 1.
	Refuse, Reset, Cut, HalfOpen float64
	// Within is how many bytes such a connection carries at most before it does, in both directions together;
	// how many is drawn. 0 means none at all.
	Within int
	// Hold is how long what is left of a half-open or cut connection is held before it is reset. 0 is a second.
	Hold time.Duration
}

// fate draws what a new connection is to meet with, and after how many bytes; NumFaults if with nothing.
func (f *Faults) fate(share float64, within func(n int) int) (what Fault, after int) {
	for _, d := range []struct {
		share float64
		what  Fault
	}{{f.Refuse, FaultRefuse}, {f.Reset, FaultReset}, {f.Cut, FaultCut}, {f.HalfOpen, FaultHalfOpen}} {
		if share < d.share {
			return d.what, within(f.Within + 1)
		}
		share -= d.share
	}
	return NumFaults, 0
}

func (f *Faults) hold() time.Duration {
	if f.Hold == 0 {
		return time.Second
	}
	return f.Hold
}
