//go:build linux

package main

import (
	"os"
	"testing"
)

// TestMain lets the processes that the benchmark starts be this test binary.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_CHILD") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestCompare runs all contestants in small, so that the benchmark does not rot. It asserts no figures.
func TestCompare(t *testing.T) {
	if err := compare(options{rounds: 1, seconds: 0.2, connections: 20, few: 10, many: 30}); err != nil {
		t.Fatal(err)
	}
}
