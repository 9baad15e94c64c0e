//go:build !unix

package outputs

// isFull tells that there is no room, as far as that can be told.
func isFull(error) bool { return false }
