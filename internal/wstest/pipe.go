package wstest

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Pipes gives a dialer whose connections are in-memory pipes to script, which runs in a goroutine of its
// own and whose end is closed when it returns. It needs no sockets, so it works in a synctest bubble.
func Pipes(t testing.TB, script func(net.Conn)) func(ctx context.Context, network, address string) (net.Conn, error) {
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		wg.Go(func() {
			defer server.Close()
			script(server)
		})
		return client, nil
	}
}
