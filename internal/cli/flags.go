package cli

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/scenario"
	"github.com/loadrig/loadrig/threshold"
	"github.com/loadrig/loadrig/transport"
)

// runFlags are the flags of loadrig run.
type runFlags struct {
	url          string
	connections  int
	duration     time.Duration
	rate         rateFlag
	traffic      string
	messageRate  rateFlag
	size         int
	subprotocols []string
	headers      []string
	compress     compressFlag
	engine       string
	shards       int
	maxLag       time.Duration
	thresholds   []string
	http         string
	linger       time.Duration
	json         bool
	out          []string
	quiet        bool
	verbose      bool
	plain        bool
	keep         keepFlags
	auth         authFlags
	story        storyFlags
	tls          tlsFlags
	limits       limitFlags
	network      networkFlags
}

func (f *runFlags) register(to *pflag.FlagSet) *help {
	h := new(help)
	f.messageRate = rateFlag(defaultMessageRate)
	fs := h.group("Load")
	fs.StringVar(&f.url, "url", "", "ws:// or wss:// `URL` of the server (default an embedded echo server)")
	fs.IntVarP(&f.connections, "connections", "c", defaultConnections, "`number` of players, each with one connection")
	fs.DurationVarP(&f.duration, "duration", "d", defaultDuration, "`how long` the load lasts, from the first player's start")
	fs.Var(&f.rate, "rate", "players started per second, as `50/s` (default as fast as handshakes end)")
	fs.StringVar(&f.traffic, "traffic", string(defaultTraffic), "what players send: `pattern` is idle, pingpong (wait for each answer) or paced (at --msg-rate)")
	fs.Var(&f.messageRate, "msg-rate", "messages of each player in paced traffic, as `10/s` or 6/m")
	fs.IntVar(&f.size, "size", defaultSize, fmt.Sprintf("`bytes` of payload of each message; at least %d in paced traffic", players.MinPacedSize))

	fs = h.group("Scenario")
	f.story.register(fs)

	fs = h.group("Verdict")
	fs.StringArrayVar(&f.thresholds, "threshold", nil, "`what` is to hold of the run, as 'p(95)<200ms' or 'dropped == 0', beside the scenario's; repeatable")
	fs.DurationVar(&f.maxLag, "max-lag", report.DefaultMaxLag, "`lateness` of 1 in 100 messages beyond which the verdict is untrustworthy")

	fs = h.group("Results")
	fs.BoolVar(&f.json, "json", false, "print the summary as one JSON object")
	fs.StringArrayVarP(&f.out, "out", "o", nil, outHelp)
	f.keep.register(fs)
	fs.StringVar(&f.http, "http", "", "`address` to serve /metrics and /healthz on while the run lasts, as 127.0.0.1:9464")
	fs.DurationVar(&f.linger, "linger", 0, "`how long` --http is served after the run, so that scrapes see the final counts")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "no progress on stderr")
	fs.BoolVar(&f.plain, "no-tui", false, "print lines on stderr as the run goes on, also where a terminal could show a view of it")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "say more on stderr")

	fs = h.group("Opening handshake")
	fs.StringSliceVar(&f.subprotocols, "subprotocol", nil, "`name` of a subprotocol to offer; repeatable")
	fs.StringArrayVarP(&f.headers, "header", "H", nil, "`'Name: value'` to add to the opening handshake; repeatable")
	f.compress.register(fs)
	f.tls.register(h.group("TLS"))
	f.auth.register(h.group("Identity and token"))
	f.network.register(h.group("Network"))
	f.limits.register(h.group("Limits"))

	fs = h.group("Engine")
	fs.StringVar(&f.engine, "engine", "auto", "`name` of what waits for sockets: auto, epoll (Linux) or goroutine")
	fs.IntVar(&f.shards, "shards", 0, "`number` of event loops (default one for each core)")
	h.join(to)
	return h
}

// config makes the run of the flags, with all mistakes that concern flags themselves. sc is the scenario, nil
// for none, and given tells which flags were given.
func (f *runFlags) config(sc *scenario.Scenario, given func(flag string) bool) (rig.Config, error) {
	b := thisBuild()
	c := rig.Config{
		URL: f.url, Connections: f.connections, Duration: f.duration, Rate: load.Rate(f.rate),
		Traffic: players.Kind(f.traffic), MessageRate: load.Rate(f.messageRate), Size: f.size,
		Subprotocols: f.subprotocols, Shards: f.shards, MaxLag: f.maxLag, HTTP: f.http, Linger: f.linger,
		Version: b.Version, Revision: b.Revision, GoVersion: runtime.Version(),
	}
	c.Transport = transport.Options{UserAgent: "loadrig/" + b.Version}
	c.Transport.Compress = f.compress.options()
	for _, that := range f.thresholds {
		c.Thresholds = append(c.Thresholds, threshold.Spec{That: that})
	}
	var errs []error
	var err error
	if c.Headers, err = headers(f.headers); err != nil {
		errs = append(errs, err)
	}
	if err := f.network.config(&c.Transport); err != nil {
		errs = append(errs, err)
	}
	if c.Transport.Engine, err = engine(f.engine); err != nil {
		errs = append(errs, err)
	}
	if f.maxLag <= 0 {
		errs = append(errs, fmt.Errorf("--max-lag: got %v, want more than 0", f.maxLag))
	}
	if err := f.limits.build(&c.Transport); err != nil {
		errs = append(errs, err)
	}
	var tags map[string]string
	if sc != nil {
		tags = sc.File.Tags
	}
	if err := f.keep.build(&c, tags); err != nil {
		errs = append(errs, err)
	}
	auth, err := f.auth.build()
	if err != nil {
		errs = append(errs, err)
	}
	c.Auth, c.Extra = auth.players, auth.extra
	if sc != nil && c.Headers != nil {
		if err := f.direct(&c, sc, auth, given); err != nil {
			errs = append(errs, err)
		}
	}
	if err := f.tls.build(&c, strings.HasPrefix(f.network.proxy, "https:"), time.Now()); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

func headers(lines []string) (http.Header, error) {
	h := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, errors.New("-H/--header: got a header without a colon, want 'Name: value'")
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h, nil
}

func engine(name string) (transport.Engine, error) {
	for _, e := range []transport.Engine{transport.EngineAuto, transport.EngineEpoll, transport.EngineGoroutine} {
		if name == e.String() {
			return e, nil
		}
	}
	return 0, fmt.Errorf("--engine: got %q, want auto, epoll or goroutine", name)
}

// rateFlag reads 50, 50/s, 3000/m and 7200/h, as a rate per second.
type rateFlag float64

// String implements pflag.Value.
func (r *rateFlag) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*r), 'g', -1, 64) + "/s"
}

// Type implements pflag.Value.
func (r *rateFlag) Type() string { return "rate" }

var errNotRate = errors.New("not a rate")

// Set implements pflag.Value.
func (r *rateFlag) Set(s string) error {
	number, unit, _ := strings.Cut(s, "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !ok {
		return errNotRate
	}
	if load.Rate(v/per).Validate() != nil {
		return errNotRate
	}
	*r = rateFlag(v / per)
	return nil
}

// flagOf gives the flags that set the fields of rig.Config.
var flagOf = map[string]string{
	"URL": "--url", "Connections": "-c/--connections", "Duration": "-d/--duration", "Rate": "--rate",
	"Traffic": "--traffic", "MessageRate": "--msg-rate", "Size": "--size", "Headers": "-H/--header",
	"Subprotocols": "--subprotocol", "Shards": "--shards", "MaxLag": "--max-lag", "Thresholds": "--threshold", "HTTP": "--http", "Linger": "--linger", "Interval": "--interval", "Transport": "--engine", "LocalIPs": "--local-ips",
	"Proxy": "--proxy", "ConnectTo": "--connect-to", "UnixSocket": "--unix-socket", "KernelTimestamps": "--kernel-timestamps",
}

// named gives err with the flags named that are to be mended, a line for each; nil if err is no mistake
// of the user.
func named(err error) error {
	var field *messages.FieldError
	var limit *rig.LimitError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, named(e))
		}
		return errors.Join(errs...)
	}
	switch {
	case errors.As(err, &limit):
		return fmt.Errorf("-c/--connections: %w; see loadrig doctor -c %d", limit, limit.Asked)
	case errors.As(err, &field):
		if flag, ok := flagOf[field.Field]; ok {
			return fmt.Errorf("%s: %w", flag, field.Err)
		}
		return field
	default:
		return nil
	}
}
