//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: Linux only: the reference client is an epoll loop, and /proc is read")
	os.Exit(2)
}
