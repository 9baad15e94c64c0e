//go:build !linux

package main

import "fmt"

func main() { fmt.Println("bench: the reference client is an epoll loop, so this runs on Linux only") }
