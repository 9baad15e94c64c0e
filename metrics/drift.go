package metrics

import (
	"math"
	"math/bits"
	"time"
)

// drift is a sum of ns with signs, as two's complement in 128 bits, so that no order of adding can overflow it
// half-way.
type drift struct{ high, low uint64 }

func driftOf(d time.Duration) drift { return drift{high: uint64(d >> 63), low: uint64(d)} }

func (d *drift) add(other *drift) {
	var carry uint64
	d.low, carry = bits.Add64(d.low, other.low, 0)
	d.high, _ = bits.Add64(d.high, other.high, carry)
}

func (d *drift) sub(other *drift) {
	var borrow uint64
	d.low, borrow = bits.Sub64(d.low, other.low, 0)
	d.high, _ = bits.Sub64(d.high, other.high, borrow)
}

// nanos gives the sum as far as a float64 holds it.
func (d *drift) nanos() float64 {
	if int64(d.high) < 0 {
		var positive drift
		positive.sub(d)
		return -positive.nanos()
	}
	return math.Ldexp(float64(d.high), 64) + float64(d.low)
}
