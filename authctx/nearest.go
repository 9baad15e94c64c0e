package authctx

import "github.com/loadrig/loadrig/internal/nearest"

// suggest gives `: did you mean "world"?`, or nothing when no name is near enough to be a slip.
func suggest(got string, names []string) string {
	if name, ok := nearest.Name(got, names); ok {
		return `: did you mean "` + name + `"?`
	}
	return ""
}
