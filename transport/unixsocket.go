package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	unixRetryMin = time.Millisecond
	unixRetryMax = 50 * time.Millisecond
)

// reachUnix connects to a Unix socket. Where the server's queue is full the kernel does not wait, as it does in
// TCP, but fails (connect(2), EAGAIN); it is asked again until ctx ends.
func reachUnix(ctx context.Context, d *net.Dialer, path string) (net.Conn, error) {
	for wait := unixRetryMin; ; wait = min(2*wait, unixRetryMax) {
		nc, err := d.DialContext(ctx, "unix", path)
		if !errors.Is(err, syscall.EAGAIN) {
			return nc, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, as the server's queue of connections was full: %w", errDialTimeout, ctx.Err())
		}
	}
}

// checkUnix tells what is wrong with the path of a socket. It asks for a socket of datagrams, which the kernel
// refuses if the server's is one of streams, after it has looked at everything else; so the server sees nothing
// of it.
func checkUnix(path string) error {
	nc, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		_ = nc.Close()
		return fmt.Errorf("got %q, which is a socket of datagrams, want one of streams", path)
	}
	for _, cause := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR} {
		if errors.Is(err, cause) {
			return fmt.Errorf("got %q, want the path of a socket that a server listens on: %w", path, cause)
		}
	}
	if fi, err := os.Stat(path); err == nil && path[0] != '@' && fi.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("got %q, which is no socket", path)
	}
	return nil
}
