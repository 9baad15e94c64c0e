//go:build unix

package outputs

import (
	"errors"
	"syscall"
)

// isFull tells that there is no room, so that what is there is better left as it is.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
