//go:build !unix

package rig

import "time"

func usage() (cpu time.Duration, maxRSS int64) { return 0, 0 }
