// Package figures writes numbers for people.
//
// What may live here: a number as text. What may not: sentences, tables, colours.
package figures

import (
	"fmt"
	"strconv"
)

// Count writes a number with its thousands apart: 12,345.
func Count[N ~int | ~int64 | ~uint64](n N) string {
	s := strconv.FormatUint(uint64(n), 10)
	sign := ""
	if n < 0 {
		sign, s = "-", strconv.FormatUint(-uint64(n), 10)
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Size writes a number of bytes: 64 B, 1.5 KiB, 20.1 MiB.
func Size(n uint64) string {
	const units = "KMGT"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1024, 0
	for v >= 1024 && u < len(units)-1 {
		v /= 1024
		u++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[u])
}
