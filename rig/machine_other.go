//go:build !unix

package rig

import "time"

// fileLimit: sockets are not descriptors here, and have no limit of their own.
func fileLimit() (limit uint64, open int) { return 0, 0 }

func usage() (cpu time.Duration, maxRSS int64) { return 0, 0 }
