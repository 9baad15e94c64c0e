package target

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Defaults of Options.
const (
	DefaultAddr             = "127.0.0.1:0"
	DefaultMaxMessage       = 16 << 20
	DefaultMaxBacklog       = 1 << 20
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultCloseTimeout     = 5 * time.Second
	DefaultTickRate         = 20
)

// MaxTickRate is the highest Options.TickRate.
const MaxTickRate = 1000

// Options says how a server listens and what it bears with. The zero value works. Negative
// numbers are refused by Listen.
type Options struct {
	// Kind is what the server does with messages. Default: Echo.
	Kind Kind

	// TickRate is how many ticks a second a Tick server makes, up to MaxTickRate. Default (0): 20.
	TickRate int

	// LoseEvery, DuplicateEvery and CorruptEvery have a server make faults, to try clients with: of the echoes
	// that a loop of an Echo or a JSONAuth server makes, or the copies that one of a Room server makes of what is
	// said, every n-th is not sent, sent twice, or sent with one byte changed. ReorderEvery, for Room only, has
	// every n-th copy sent after the same speaker's next to the same member. Of a message that more than one is
	// about, the first is done: lose, duplicate, reorder, corrupt. Default (0): never. Stats has what was done.
	//
	// A byte that is changed leaves text UTF-8. Of an echo it is one of any place, which moves; of a copy the last
	// letter or digit, which leaves JSON what it was, but for a value. An empty echo is left as it is.
	LoseEvery, DuplicateEvery, ReorderEvery, CorruptEvery int

	// JWKS has the keys that a JSONAuth server, which must have some, verifies tokens with: the name of a
	// file, or, if it begins with a brace, the JSON itself. A file is read again when it has changed or
	// a token names an unknown key, at most once a second; if that fails, the keys stay those of before.
	JWKS string

	// Issuer is what the iss of a JSONAuth server's tokens must be. Default: empty, anything.
	Issuer string

	// Audience is what the aud of a JSONAuth server's tokens must name. Default: empty, anything.
	Audience string

	// Addr is the TCP address to listen on, host:port. Default: 127.0.0.1:0, a free port of the
	// loopback interface. An empty host means 127.0.0.1 too, so that only an address that names
	// another interface, or 0.0.0.0, makes the server reachable from elsewhere.
	Addr string

	// Path is the one path that upgrades; others get status 404. Default: empty, any path.
	Path string

	// Subprotocols are those the server knows. It selects the first one offered by the peer that is
	// among them. Default: none, and then it selects none.
	Subprotocols []string

	// MaxMessage is the most payload bytes a message may have, over all its fragments; a longer one
	// closes the connection with 1009. Default (0): 16 MiB.
	MaxMessage int

	// MaxBacklog is how many bytes may wait for a peer that does not read, before the server stops
	// reading from that peer. What one read completes is still answered, so the true bound is
	// MaxBacklog + MaxMessage + 64 KiB. A peer that does not take what others have sent it, beyond
	// this, is closed with 1008. Default (0): 1 MiB.
	MaxBacklog int

	// Compress takes offers of permessage-deflate (RFC 7692), without context takeover. A message is echoed
	// as it came, compressed or not. Default: such offers are ignored.
	Compress bool

	// Delay is the law of how long an Echo or a JSONAuth server holds each of its answers back; those to pings
	// and closes are not. Each message has a delay of its own, so an answer may overtake an earlier one. What
	// is held back is bounded to 64 MiB a loop, and a connection that would have more held is closed with
	// 1013. Default: no delay.
	Delay Law

	// DelaySeed is what the delays are drawn from. Each loop draws its own.
	DelaySeed uint64

	// Stall has an Echo or a JSONAuth server stand still every now and then: it neither reads nor answers
	// anything, be it a handshake. What peers send meanwhile waits in the kernel. Default: never.
	Stall Stall

	// DelayLog gets the truth: a line for each answer that an Echo or a JSONAuth server sends, and for each stall.
	// docs/targets.md has their form. A server that has ended writes no more; Serve gives the first error of
	// a Write. Default (nil): none.
	DelayLog io.Writer

	// Loops is the number of event loops, each keeping at most one core busy. Default (0): half of
	// GOMAXPROCS and at least 1, as the client is expected on the same machine. Without effect
	// where connections have goroutines.
	Loops int

	// HandshakeTimeout bounds the time from accepting a TCP connection to the end of its request
	// head. It is looked at once a second. Default (0): 10 s.
	HandshakeTimeout time.Duration

	// CloseTimeout bounds how long the server waits, after a close frame or an HTTP error of its own,
	// for the peer to take it and to leave. It is looked at once a second. Default (0): 5 s.
	CloseTimeout time.Duration
}

// resolve gives a copy with the defaults filled in, or every mistake at once.
func (o Options) resolve() (Options, error) {
	if err := o.check(); err != nil {
		return Options{}, err
	}
	if o.Kind == "" {
		o.Kind = Echo
	}
	if o.TickRate == 0 {
		o.TickRate = DefaultTickRate
	}
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	if strings.HasPrefix(o.Addr, ":") {
		o.Addr = "127.0.0.1" + o.Addr
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.MaxBacklog == 0 {
		o.MaxBacklog = DefaultMaxBacklog
	}
	if o.Loops == 0 {
		o.Loops = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if o.HandshakeTimeout == 0 {
		o.HandshakeTimeout = DefaultHandshakeTimeout
	}
	if o.CloseTimeout == 0 {
		o.CloseTimeout = DefaultCloseTimeout
	}
	return o, nil
}

func (o Options) check() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if o.Kind != "" && !slices.Contains(Kinds(), o.Kind) {
		bad("kind: got %q, want echo, room, tick or json-auth", o.Kind)
	}
	if o.TickRate < 0 || o.TickRate > MaxTickRate {
		bad("tick rate: got %d a second, want 0 to %d", o.TickRate, MaxTickRate)
	}
	if o.TickRate != 0 && o.Kind != Tick {
		bad("tick rate: got %d for kind %s, want none; it is for tick", o.TickRate, cmp.Or(o.Kind, Echo))
	}
	for _, f := range []struct {
		name string
		n    int
	}{
		{"lose every", o.LoseEvery}, {"duplicate every", o.DuplicateEvery}, {"reorder every", o.ReorderEvery},
		{"corrupt every", o.CorruptEvery},
	} {
		switch {
		case f.n < 0:
			bad("%s: got %d messages, want 0 or more", f.name, f.n)
		case f.n > 0 && o.Kind == Tick:
			bad("%s: got %d for kind tick, want none; it is for echo, room and json-auth", f.name, f.n)
		}
	}
	if o.ReorderEvery > 0 && o.Kind != Room && o.Kind != Tick {
		bad("reorder every: got %d for kind %s, want none; it is for room", o.ReorderEvery, cmp.Or(o.Kind, Echo))
	}
	switch {
	case o.Kind == JSONAuth && o.JWKS == "":
		bad("jwks: got none, want a file or the JSON; kind json-auth needs it")
	case o.Kind != JSONAuth && (o.JWKS != "" || o.Issuer != "" || o.Audience != ""):
		bad("jwks, issuer, audience: got some for kind %s, want none; they are for json-auth", cmp.Or(o.Kind, Echo))
	}
	if k := cmp.Or(o.Kind, Echo); k != Echo && k != JSONAuth && (o.Delay != Law{} || o.Stall != Stall{} || o.DelayLog != nil) {
		bad("delay, stall, delay log: got some for kind %s, want none; they are for echo and json-auth", k)
	}
	if o.Stall != (Stall{}) {
		if err := o.Stall.check(); err != nil {
			bad("stall: %w", err)
		}
	}
	if o.Addr != "" {
		if _, _, err := net.SplitHostPort(o.Addr); err != nil {
			bad("addr: got %q, want host:port", o.Addr)
		}
	}
	if o.Path != "" && (o.Path[0] != '/' || strings.ContainsAny(o.Path, "?# \t\r\n")) {
		bad("path: got %q, want a path like /echo", o.Path)
	}
	seen := map[string]bool{}
	for _, p := range o.Subprotocols {
		switch {
		case !isToken([]byte(p)):
			bad("subprotocols: got %q, want a token (RFC 6455 §4.1)", p)
		case seen[p]:
			bad("subprotocols: %q twice", p)
		}
		seen[p] = true
	}
	if o.MaxMessage < 0 {
		bad("max message: got %d bytes, want 0 or more", o.MaxMessage)
	}
	if o.MaxBacklog < 0 {
		bad("max backlog: got %d bytes, want 0 or more", o.MaxBacklog)
	}
	if o.Loops < 0 {
		bad("loops: got %d, want 0 or more", o.Loops)
	}
	if o.HandshakeTimeout < 0 {
		bad("handshake timeout: got %v, want 0 or more", o.HandshakeTimeout)
	}
	if o.CloseTimeout < 0 {
		bad("close timeout: got %v, want 0 or more", o.CloseTimeout)
	}
	return errors.Join(errs...)
}
