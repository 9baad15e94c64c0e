//go:build !linux

package wstest

import "testing"

// KernelStamps does nothing here: kernels other than Linux's are not asked for stamps.
func KernelStamps(testing.TB) {}
