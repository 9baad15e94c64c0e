package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/loadrig/loadrig/messages"
)

// Engine selects how sockets are waited for.
type Engine uint8

// The engines.
const (
	EngineAuto      Engine = iota // epoll where there is one, else goroutines
	EngineEpoll                   // Linux only
	EngineGoroutine               // a goroutine per connection; everywhere
)

// String gives the engine's name.
func (e Engine) String() string {
	switch e {
	case EngineEpoll:
		return "epoll"
	case EngineGoroutine:
		return "goroutine"
	default:
		return "auto"
	}
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// DialFunc opens a byte stream to an address, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Options sets up a Network. The zero value works. Durations that are 0 take the default; negative
// ones switch the limit off.
type Options struct {
	Engine Engine

	// DialTimeout bounds the whole opening handshake: auth, name lookup, TCP, TLS and upgrade.
	// Default 30 s.
	DialTimeout time.Duration
	// CloseTimeout bounds the wait for the peer's close frame, and then for its end of TCP. Default 5 s.
	CloseTimeout time.Duration
	// WriteTimeout is how long a socket may take nothing while messages wait for it. Default 30 s.
	WriteTimeout time.Duration
	// IdleTimeout ends a connection that has received nothing for so long. Default: off.
	IdleTimeout time.Duration

	// PingInterval is how often a connection sends a ping of its own accord (RFC 6455 §5.5.2), the first at
	// a random place within the first interval. The pongs are timed, see messages.Message. A peer that does
	// not answer is ended by IdleTimeout alone. Default: off.
	PingInterval time.Duration

	// MaxMessage is the largest message received, in bytes; a larger one ends the connection with 1009.
	// Default 16 MiB.
	MaxMessage int
	// MaxBacklog is how many bytes of frames may wait for a socket that takes no more: once so many do,
	// sends are dropped and counted. So at most these bytes and one message wait. Default 256 KiB.
	MaxBacklog int
	// CloseOnBacklog ends the connection (cause backlog) instead of dropping the message.
	CloseOnBacklog bool

	// TLS is the base configuration for wss; nil is Go's default. The server name is filled in, and
	// ALPN is http/1.1. A ClientSessionCache in it is shared by all players; without one, each resumes
	// its own session when it reconnects, as far as it has a Jar.
	TLS *tls.Config
	// NoResume has every TLS handshake be a full one.
	NoResume bool

	// Compress offers permessage-deflate. Default nil: it is not offered.
	Compress *Compression

	// LocalIPs are the source addresses to spread connections over. Default: the kernel's choice, and
	// towards 127.0.0.0/8 further loopback addresses as needed, see sources.
	LocalIPs []netip.Addr

	// Resolver is asked for names. Default: Go's own. Answers are kept for ResolveTTL, default 1 min;
	// a negative one keeps none, Forever all. ResolveSelect says how connections pick among the addresses
	// of a name, and ResolvePolicy among IPv4 and IPv6; by default they spread over all. An address that
	// cannot be reached is followed by the next.
	Resolver      Resolver
	ResolveTTL    time.Duration
	ResolveSelect Selection
	ResolvePolicy Policy

	// Proxy gives what to go through to the server of a URL: http:// or https:// (HTTP CONNECT), socks5:// or
	// socks5h:// with host:port, and user:password@ where wanted; nil goes straight. A name is looked up by the
	// proxy, for socks5 here. It is called by all loops, must not block, and must give the same for the same URL.
	// TLS checks the proxy as it does the server, and offers it no client certificate. Default: none. See
	// ProxyURL, ParseProxy.
	Proxy func(server *url.URL) (*url.URL, error)
	// ConnectTo has TCP go elsewhere than the URL says; the first that matches counts. With a proxy, it is
	// what the proxy is asked for.
	ConnectTo []ConnectTo
	// UnixSocket is the path of a socket that all connections go to, "@name" an abstract one of Linux; the URL
	// then gives the Host header, the path and the name in TLS. Default: none.
	UnixSocket string

	// Cookies has each player keep the cookies of answers to the upgrade, refusals as well, and send them in
	// its later handshakes.
	Cookies bool

	// KernelTimestamps has the kernel stamp what arrives (SO_TIMESTAMPNS), so that messages.Message.Arrived and
	// Meter.ReadLag tell how much of a latency is the rig's own, in getting round to reading. There is one stamp
	// a read, that of the last segment in it: of several messages in one read all but the last may have been
	// there earlier. Over TLS it is of the read that completed the record. A message costs 2 to 5 % more CPU. It
	// is Linux's, and has no effect in the goroutine engine, on Unix sockets and behind an https:// proxy.
	// Default: off.
	KernelTimestamps bool

	// Dial replaces TCP, for connections over something else; it implies EngineGoroutine and takes part
	// in no source address pool.
	Dial DialFunc

	// UserAgent is sent in the opening handshake. Default "loadrig".
	UserAgent string
}

// Defaults of Options.
const (
	DefaultDialTimeout  = 30 * time.Second
	DefaultCloseTimeout = 5 * time.Second
	DefaultWriteTimeout = 30 * time.Second
	DefaultMaxMessage   = 16 << 20
	DefaultMaxBacklog   = 256 << 10
	DefaultResolveTTL   = time.Minute
)

// withDefaults resolves the defaults on a copy.
func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.DialTimeout, DefaultDialTimeout},
		{&o.CloseTimeout, DefaultCloseTimeout},
		{&o.WriteTimeout, DefaultWriteTimeout},
		{&o.ResolveTTL, DefaultResolveTTL},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.MaxBacklog == 0 {
		o.MaxBacklog = DefaultMaxBacklog
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.UserAgent == "" {
		o.UserAgent = "loadrig"
	}
	if o.Dial != nil {
		o.Engine = EngineGoroutine
	}
	if o.Engine == EngineAuto {
		o.Engine = defaultEngine
	}
	return o
}

// Validate reports every mistake in o at once; those in how servers are reached, and
// what only Linux can do, as *messages.FieldError.
func (o Options) Validate() error {
	var errs []error
	if o.MaxMessage < 0 {
		errs = append(errs, fmt.Errorf("max message: got %d bytes, want 1 or more, or 0 for the default", o.MaxMessage))
	}
	if o.MaxBacklog < 0 {
		errs = append(errs, fmt.Errorf("max backlog: got %d bytes, want 1 or more, or 0 for the default", o.MaxBacklog))
	}
	if o.Engine == EngineEpoll && defaultEngine != EngineEpoll {
		errs = append(errs, errors.New("engine: epoll is Linux's; want auto or goroutine"))
	}
	if o.KernelTimestamps && defaultEngine != EngineEpoll {
		errs = append(errs, &messages.FieldError{Field: "KernelTimestamps", Err: errors.New("got true, which is Linux's, want false")})
	}
	if o.Engine > EngineGoroutine {
		errs = append(errs, fmt.Errorf("engine: got %d, want auto, epoll or goroutine", o.Engine))
	}
	if err := o.Compress.validate(); err != nil {
		errs = append(errs, err)
	}
	for _, ip := range o.LocalIPs {
		if !ip.IsValid() {
			errs = append(errs, errors.New("local ips: got an empty address"))
		}
	}
	return errors.Join(append(errs, o.checkWays()...)...)
}
