package figures

import (
	"strconv"
	"time"
)

// Seconds writes a duration, in seconds, with three significant digits and a unit: 850µs, 1.23ms, 12.3s.
func Seconds(s float64) string {
	d := time.Duration(s * 1e9)
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= u.unit {
			v := float64(d) / float64(u.unit)
			decimals := 2
			if v >= 99.95 { // which is rounded to 100
				decimals = 0
			} else if v >= 9.995 {
				decimals = 1
			}
			return strconv.FormatFloat(v, 'f', decimals, 64) + u.name
		}
	}
	return "0s"
}
