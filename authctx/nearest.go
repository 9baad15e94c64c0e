package authctx

import "strings"

// suggest gives `: did you mean "world"?`, or nothing when no name is near enough to be a slip.
func suggest(got string, names []string) string {
	const longest = 32 // beyond that it is no slip, and the distance is quadratic
	if len(got) > longest {
		return ""
	}
	best, at := 1+min(3, max(1, len(got)/2)), ""
	for _, name := range names {
		if d := distance(strings.ToLower(got), name); d < best {
			best, at = d, name
		}
	}
	if at == "" {
		return ""
	}
	return `: did you mean "` + at + `"?`
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
