// Package nearest finds what somebody meant to type.
//
// What may live here: that. What may not: the message that is made of it.
package nearest

import "strings"

// Name gives the one of names that is nearest to got, upper and lower case alike; ok is false where none
// is near enough to be a slip of the hand.
func Name(got string, names []string) (name string, ok bool) {
	const longest = 32 // beyond that it is no slip, and the distance is quadratic
	if len(got) > longest {
		return "", false
	}
	best := 1 + min(3, max(1, len(got)/2))
	for _, n := range names {
		if d := distance(strings.ToLower(got), strings.ToLower(n)); d < best {
			best, name = d, n
		}
	}
	return name, name != ""
}

// distance is Levenshtein's: the least number of insertions, deletions and substitutions, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
