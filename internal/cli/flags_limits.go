package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/transport"
)

// limitFlags are the flags of what a connection bears with.
type limitFlags struct {
	dial, close, write, idle, ping time.Duration
	maxMessage, maxBacklog         sizeFlag
	onBacklog                      string
}

func (f *limitFlags) register(fs *pflag.FlagSet) {
	f.maxMessage, f.maxBacklog = transport.DefaultMaxMessage, transport.DefaultMaxBacklog
	fs.DurationVar(&f.dial, "dial-timeout", transport.DefaultDialTimeout, "`limit` for the whole opening handshake: token, name lookup, TCP, TLS and upgrade")
	fs.DurationVar(&f.close, "close-timeout", transport.DefaultCloseTimeout, "`limit` for the wait for the server's close frame, and then for its end of TCP")
	fs.DurationVar(&f.write, "write-timeout", transport.DefaultWriteTimeout, "`limit` for how long a socket may take nothing while messages wait for it; 0 for none")
	fs.DurationVar(&f.idle, "idle-timeout", 0, "`limit` for how long a server may send nothing at all, pongs included; 0 for none")
	fs.DurationVar(&f.ping, "ping-interval", 0, "`how often` each connection sends a keep-alive ping, whose pong is timed; 0 for never")
	fs.Var(&f.maxMessage, "max-message", "largest message to receive, in `bytes`, as 65536, 64KiB or 16MiB; a larger one ends the connection with 1009")
	fs.Var(&f.maxBacklog, "max-backlog", "`bytes` that may wait on each connection for a server that does not read")
	fs.StringVar(&f.onBacklog, "on-backlog", "drop", "what happens beyond --max-backlog: `action` is drop (the message, counted) or close (the connection)")
}

// build sets what the flags say in o. It reports every mistake.
func (f *limitFlags) build(o *transport.Options) error {
	var errs []error
	for _, limit := range []struct {
		flag  string
		value time.Duration
		least time.Duration
	}{
		{"--dial-timeout", f.dial, 1}, {"--close-timeout", f.close, 1},
		{"--write-timeout", f.write, 0}, {"--idle-timeout", f.idle, 0}, {"--ping-interval", f.ping, 0},
	} {
		switch {
		case limit.value >= limit.least:
		case limit.least > 0:
			errs = append(errs, fmt.Errorf("%s: got %v, want more than 0", limit.flag, limit.value))
		default:
			errs = append(errs, fmt.Errorf("%s: got %v, want 0 or more", limit.flag, limit.value))
		}
	}
	if f.ping > 0 && f.idle > 0 && f.idle <= f.ping {
		errs = append(errs, fmt.Errorf("--idle-timeout: got %v, want more than --ping-interval, %v, whose pongs are what a quiet server sends", f.idle, f.ping))
	}
	if f.onBacklog != "drop" && f.onBacklog != "close" {
		errs = append(errs, fmt.Errorf("--on-backlog: got %q, want drop or close", f.onBacklog))
	}
	o.DialTimeout, o.CloseTimeout, o.WriteTimeout, o.IdleTimeout, o.PingInterval = f.dial, f.close, offIfZero(f.write), f.idle, f.ping
	o.MaxMessage, o.MaxBacklog, o.CloseOnBacklog = int(f.maxMessage), int(f.maxBacklog), f.onBacklog == "close"
	return errors.Join(errs...)
}

// offIfZero turns the flag's way to say none into the transport's.
func offIfZero(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// sizeFlag reads a number of bytes: 65536, 64KiB, 16MiB, 1GiB.
type sizeFlag int

var sizeUnits = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// String implements pflag.Value.
func (s *sizeFlag) String() string {
	for _, u := range sizeUnits {
		if n := int(*s); n != 0 && n%u.bytes == 0 {
			return strconv.Itoa(n/u.bytes) + u.name
		}
	}
	return "0"
}

// Type implements pflag.Value.
func (s *sizeFlag) Type() string { return "size" }

var errNotSize = errors.New("not a size")

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) error {
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 1<<31/u.bytes {
				return errNotSize
			}
			*s = sizeFlag(n * u.bytes)
			return nil
		}
	}
	return errNotSize
}
