package rig

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
	"github.com/loadrig/loadrig/transport"
)

// Config describes a run.
type Config struct {
	// URL of the server: ws:// or wss://. Required.
	URL string
	// Connections is the number of players. Required; 1 or more, see Fit.
	Connections int
	// Duration is how long the load lasts, from the first arrival. Required, more than 0. Settling and
	// draining come on top.
	Duration time.Duration
	// Rate is how many players start to connect per second. Default 0: as fast as handshakes end, with
	// at most MaxHandshakes of them under way.
	Rate load.Rate
	// MaxHandshakes bounds the handshakes under way where there is no Rate. Default 256.
	MaxHandshakes int

	// Play is a scenario. Traffic, MessageRate, Size, Rate and Duration mean nothing then, as the scenario says
	// all that, and Connections is how many players there may be at once. Default: none.
	Play *Play

	// Traffic is what connected players send. MessageRate is per player and second, for paced traffic;
	// Size is the payload in bytes.
	Traffic     players.Kind
	MessageRate load.Rate
	Size        int

	// Subprotocols and Headers go into each opening handshake.
	Subprotocols []string
	Headers      http.Header
	// Auth gives the auth context of the n-th player, from 0. Default: none.
	Auth func(n int) messages.Authorizer

	// Certificate gives the client certificate of the n-th player for wss. Default: that of Transport.TLS, if
	// any, for all.
	Certificate func(n int) *tls.Certificate

	// Transport and Shards set up the engine; zero values work. Default Shards: GOMAXPROCS.
	Transport transport.Options
	Shards    int

	// Settle is how long answers to the last messages are waited for. Default 2 s.
	Settle time.Duration

	// MaxLag is the schedule lag beyond which the verdict is untrustworthy: 99 of 100 messages must go out
	// less late. Default report.DefaultMaxLag, 100 ms.
	MaxLag time.Duration

	// Thresholds are what is to hold of the run, beside those of Play. Default: none.
	Thresholds []threshold.Spec

	// Interval is how long the intervals are that the run is recorded in. Default 1 s; 10 s for a load that is
	// planned to last more than an hour.
	Interval time.Duration
	// Sinks are given all records and events of the run, and the summary: see report.Sink. What one cannot take is
	// told of, and never ends the run; but a sink that cannot begin does, before the first player.
	Sinks []report.Sink
	// Name and Tags mark the run, for people and for outputs. Default: none.
	Name string
	Tags map[string]string

	// HTTP is the address to serve /metrics and /healthz on, while the run lasts. Default: none. Extra
	// is served beside them, by path.
	HTTP  string
	Extra map[string]http.Handler
	// Linger is how long HTTP is served after the run, so that scrapes see the final counts. Default: not at all.
	// It ends with ctx.
	Linger time.Duration

	// Version, Revision and GoVersion say what runs, in the summary and in the metrics.
	Version, Revision, GoVersion string
	// Progress is told of the run at the end of each interval, in its own goroutine. Default: nobody.
	Progress func(Progress)
	// Serving is told the address that HTTP got.
	Serving func(addr string)
	// Starting is called once everything that can be checked was, before the first player.
	Starting func()
	// Logger is told of faults of the rig. Default: slog.Default.
	Logger *slog.Logger
}

// The range of Config.Interval.
const (
	MinInterval = 100 * time.Millisecond
	MaxInterval = 10 * time.Minute
)

const (
	defaultHandshakes = 256
	defaultSettle     = 2 * time.Second
)

func (c Config) withDefaults() Config {
	if c.MaxHandshakes == 0 {
		c.MaxHandshakes = defaultHandshakes
	}
	if c.Settle == 0 {
		c.Settle = defaultSettle
	}
	if c.MaxLag == 0 {
		c.MaxLag = report.DefaultMaxLag
	}
	if c.Shards == 0 {
		c.Shards = runtime.GOMAXPROCS(0)
	}
	if c.GoVersion == "" {
		c.GoVersion = runtime.Version()
	}
	if c.Traffic == "" {
		c.Traffic = players.Idle
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate reports every mistake in c at once; each is a *messages.FieldError.
func (c Config) Validate() error {
	var errs []error
	wrong := func(field string, err error) {
		if err != nil {
			errs = append(errs, &messages.FieldError{Field: field, Err: err})
		}
	}
	if err := transport.Check(c.connect()); err != nil {
		field := "URL"
		if errors.Is(err, messages.ErrBadHeader) {
			field = "Headers"
		}
		wrong(field, err)
	}
	if c.Connections < 1 {
		wrong("Connections", fmt.Errorf("got %d, want 1 or more", c.Connections))
	}
	if c.Play != nil {
		if err := c.Play.validate(); err != nil {
			errs = append(errs, err)
		}
	} else if c.Duration <= 0 {
		wrong("Duration", fmt.Errorf("got %v, want more than 0", c.Duration))
	}
	if c.MaxLag < 0 {
		wrong("MaxLag", fmt.Errorf("got %v, want more than 0", c.MaxLag))
	}
	if c.Interval != 0 && (c.Interval < MinInterval || c.Interval > MaxInterval) {
		wrong("Interval", fmt.Errorf("got %v, want %v to %v", c.Interval, MinInterval, MaxInterval))
	}
	if c.Linger < 0 {
		wrong("Linger", fmt.Errorf("got %v, want 0 or more", c.Linger))
	} else if c.Linger > 0 && c.HTTP == "" {
		wrong("Linger", errors.New("got one without an address to serve on, want both"))
	}
	for _, spec := range c.Thresholds {
		if _, err := spec.Parse(c.names()); err != nil {
			wrong("Thresholds", fmt.Errorf("%q: %w", spec.That, err))
		}
	}
	if n := len(c.thresholds()); n > threshold.Max {
		wrong("Thresholds", fmt.Errorf("got %d with those of the scenario, want at most %d", n, threshold.Max))
	}
	wrong("Rate", c.Rate.Validate())
	if c.MaxHandshakes < 0 {
		wrong("MaxHandshakes", fmt.Errorf("got %d, want 1 or more", c.MaxHandshakes))
	}
	if c.Shards < 0 || c.Shards > messages.MaxShards {
		wrong("Shards", fmt.Errorf("got %d, want 1 to %d", c.Shards, messages.MaxShards))
	}
	if c.Play == nil {
		if err := c.crowd(nil).Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	for _, err := range each(c.Transport.Validate()) {
		var field *messages.FieldError
		if errors.As(err, &field) {
			wrong(field.Field, field.Err)
		} else {
			wrong("Transport", err)
		}
	}
	if c.HTTP != "" {
		if host, port, err := net.SplitHostPort(c.HTTP); err != nil {
			wrong("HTTP", fmt.Errorf("got %q, want host:port, as 127.0.0.1:9464", c.HTTP))
		} else if _, err := net.LookupPort("tcp", port); err != nil {
			wrong("HTTP", fmt.Errorf("got port %q of %q, want 0 to 65535", port, host))
		}
	}
	return errors.Join(errs...)
}

// each gives the errors that were joined; none if err is nil.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// names are those that thresholds may have.
func (c Config) names() threshold.Names {
	if c.Play == nil || c.Play.Scenario == nil {
		return threshold.Names{}
	}
	return c.Play.Scenario.Names()
}

// thresholds are those of the scenario, and c's own.
func (c Config) thresholds() []threshold.Spec {
	if c.Play == nil || c.Play.Scenario == nil {
		return c.Thresholds
	}
	return slices.Concat(c.Play.Scenario.Thresholds, c.Thresholds)
}

func (c Config) crowd(meters []players.Meter) players.Traffic {
	return players.Traffic{Kind: c.Traffic, Rate: c.MessageRate, Size: c.Size, Players: c.Connections, Meters: meters}
}

// connect is the Connect of all players, as far as they are alike.
func (c Config) connect() *messages.Connect {
	return &messages.Connect{URL: c.URL, Subprotocols: c.Subprotocols, Headers: c.Headers}
}

// connectOf is that of the n-th; all is what connect gives.
func (c Config) connectOf(n int, all *messages.Connect) *messages.Connect {
	if c.Auth == nil && c.Certificate == nil {
		return all
	}
	own := c.connect()
	if c.Auth != nil {
		own.Auth = c.Auth(n)
	}
	if c.Certificate != nil {
		own.Certificate = c.Certificate(n)
	}
	return own
}
