//go:build !unix

package wstest

import (
	"net"
	"testing"
)

// Narrow listens on 127.0.0.1; the receive buffer is the system's.
func Narrow(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return ln
}
