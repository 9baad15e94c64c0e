package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/internal/nearest"
	"github.com/loadrig/loadrig/target"
)

// shutdownTimeout is how long a target waits for its peers' close frames.
const shutdownTimeout = 10 * time.Second

func newTargetCommand(p *Process) *cobra.Command {
	var (
		o          target.Options
		d          delayFlags
		withParent bool
	)
	c := &cobra.Command{
		Use:   "target [echo|room|tick|json-auth]",
		Short: "Run an embedded server, to have something to shoot at",
		Long: `Runs a WebSocket server until it is interrupted. Its URL is printed on stdout as the
first line, and its own counts as one JSON object when it ends, to compare with
those of a run against it.

  echo       sends each message back (the default)
  room       rooms whose members hear each other, and a game for two, by JSON commands
  tick       pushes the state of a game at a fixed rate to all who entered
  json-auth  lets in whom a delegated token names, until it expires; then echoes

docs/targets.md has their protocols.`,
		Example: `  loadrig target --listen 127.0.0.1:8080
  loadrig target tick --tick-rate 60
  loadrig target room --lose-every 1000 --corrupt-every 997
  loadrig target echo --delay bimodal:10ms,100ms,10% --stall 1s/10s --delay-log truth.log
  loadrig target json-auth --jwks jwks.json --audience game`,
		Args:      knownKind,
		ValidArgs: kindNames(),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Kind = target.Kind(args[0])
			}
			if err := checkKind(c, o); err != nil {
				return err
			}
			if err := d.read(&o); err != nil {
				return err
			}
			ctx, stop := p.Interrupted(c.Context())
			defer stop()
			if withParent {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				go func() {
					_, _ = io.Copy(io.Discard, p.Stdin) // ends when the parent does, however it ends
					cancel()
				}()
			}
			return d.logged(&o, func() error { return serveTarget(ctx, c, o) })
		},
	}
	f := c.Flags()
	f.SortFlags = false // some go on from the one before
	f.StringVar(&o.Addr, "listen", target.DefaultAddr, "`address` to listen on; other machines reach it only if you name another interface")
	f.StringSliceVar(&o.Subprotocols, "subprotocol", nil, "`name` of a subprotocol that it knows; repeatable")
	f.BoolVar(&o.Compress, "compress", false, "take offers of compression (permessage-deflate), without context takeover")
	f.IntVar(&o.Loops, "loops", 0, "`number` of event loops, each good for one core (default half of the cores)")
	f.IntVar(&o.TickRate, "tick-rate", 0, "`number` of ticks a second of a tick target (default 20)")
	f.IntVar(&o.LoseEvery, "lose-every", 0, "`number`: of the echoes, or of the copies that a room target makes for members, leave out every n-th")
	f.IntVar(&o.DuplicateEvery, "duplicate-every", 0, "`number`: of these, send every n-th twice")
	f.IntVar(&o.CorruptEvery, "corrupt-every", 0, "`number`: of these, change one byte in every n-th")
	f.IntVar(&o.ReorderEvery, "reorder-every", 0, "`number`: of the copies of a room target, send every n-th after the same speaker's next")
	d.register(f, &o)
	f.StringVar(&o.JWKS, "jwks", "", "`file` with the keys that a json-auth target verifies tokens with, or the JSON itself")
	f.StringVar(&o.Issuer, "issuer", "", "`iss` that the tokens of a json-auth target must have (default any)")
	f.StringVar(&o.Audience, "audience", "", "`aud` that the tokens of a json-auth target must name (default any)")
	f.BoolVar(&withParent, "with-parent", false, "end when stdin does")
	_ = f.MarkHidden("with-parent")
	return c
}

func kindNames() (names []string) {
	for _, k := range target.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// knownKind refuses what is no kind of target, and names the nearest.
func knownKind(_ *cobra.Command, args []string) error {
	names := kindNames()
	switch {
	case len(args) == 0 || len(args) == 1 && slices.Contains(names, args[0]):
		return nil
	case len(args) > 1:
		return usage("target: got %d kinds, want one", len(args))
	}
	if name, ok := nearest.Name(args[0], names); ok {
		return usage("target: got kind %q, want %s; did you mean %s?", args[0], strings.Join(names, ", "), name)
	}
	return usage("target: got kind %q, want %s", args[0], strings.Join(names, ", "))
}

// checkKind refuses flags that are for another kind.
func checkKind(c *cobra.Command, o target.Options) error {
	var errs []error
	for _, name := range []string{"delay", "delay-seed", "stall", "delay-log"} {
		if c.Flags().Changed(name) && o.Kind != "" && o.Kind != target.Echo && o.Kind != target.JSONAuth {
			errs = append(errs, fmt.Errorf("--%s: is for loadrig target echo and json-auth", name))
		}
	}
	for _, f := range []struct {
		name string
		kind target.Kind
	}{
		{"tick-rate", target.Tick}, {"reorder-every", target.Room},
		{"jwks", target.JSONAuth}, {"issuer", target.JSONAuth}, {"audience", target.JSONAuth},
	} {
		if c.Flags().Changed(f.name) && o.Kind != f.kind {
			errs = append(errs, fmt.Errorf("--%s: is for loadrig target %s", f.name, f.kind))
		}
	}
	for _, name := range []string{"lose-every", "duplicate-every", "corrupt-every"} {
		if c.Flags().Changed(name) && o.Kind == target.Tick {
			errs = append(errs, fmt.Errorf("--%s: is for loadrig target echo, room and json-auth", name))
		}
	}
	if c.Flags().Changed("tick-rate") && (o.TickRate < 1 || o.TickRate > target.MaxTickRate) {
		errs = append(errs, fmt.Errorf("--tick-rate: got %d, want 1 to %d a second", o.TickRate, target.MaxTickRate))
	}
	for _, name := range []string{"lose-every", "duplicate-every", "reorder-every", "corrupt-every"} {
		if n, _ := c.Flags().GetInt(name); c.Flags().Changed(name) && n < 1 {
			errs = append(errs, fmt.Errorf("--%s: got %d, want 1 or more; without the flag it is never", name, n))
		}
	}
	if o.Kind == target.JSONAuth && o.JWKS == "" {
		errs = append(errs, errors.New("--jwks: got none, want a file; loadrig run --jwks-out writes one"))
	}
	if len(errs) > 0 {
		return &exitError{ExitUsage, errors.Join(errs...)}
	}
	return nil
}

func serveTarget(ctx context.Context, c *cobra.Command, o target.Options) error {
	s, err := target.Listen(o)
	switch {
	case errors.Is(err, target.ErrKeys):
		return usage("--jwks: %w", err)
	case err != nil:
		return usage("--listen: %w", err)
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve() }()
	fmt.Fprintln(c.OutOrStdout(), s.URL())
	select {
	case <-ctx.Done():
	case err := <-failed:
		return internal(err)
	}
	end, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	_ = s.Shutdown(end) // peers that do not answer are dropped
	err = <-failed
	if err := json.NewEncoder(c.OutOrStdout()).Encode(newTargetStats(s.Stats())); err != nil {
		return internal(err)
	}
	if err != nil {
		return internal(err)
	}
	return nil
}

// targetStats is the JSON of target.Stats.
type targetStats struct {
	Accepted      uint64            `json:"accepted"`
	Opened        uint64            `json:"opened"`
	Refused       uint64            `json:"refused"`
	PeakOpen      int               `json:"peak_open"`
	Received      uint64            `json:"received"`
	ReceivedBytes uint64            `json:"received_bytes"`
	Sent          uint64            `json:"sent"`
	SentBytes     uint64            `json:"sent_bytes"`
	Pings         uint64            `json:"pings"`
	Failed        uint64            `json:"failed"`
	Answers       uint64            `json:"answers,omitempty"` // of kinds that are not echo
	Errors        uint64            `json:"errors,omitempty"`
	Joins         uint64            `json:"joins,omitempty"`
	Leaves        uint64            `json:"leaves,omitempty"`
	Broadcasts    uint64            `json:"broadcasts,omitempty"`
	Deliveries    uint64            `json:"deliveries,omitempty"`
	Dropped       uint64            `json:"dropped,omitempty"`
	Lost          uint64            `json:"lost,omitempty"`
	Duplicated    uint64            `json:"duplicated,omitempty"`
	Reordered     uint64            `json:"reordered,omitempty"`
	Corrupted     uint64            `json:"corrupted,omitempty"`
	Games         uint64            `json:"games,omitempty"`
	Beats         uint64            `json:"beats,omitempty"`
	Ticks         uint64            `json:"ticks,omitempty"`
	Skipped       uint64            `json:"skipped,omitempty"`
	TokensRefused uint64            `json:"tokens_refused,omitempty"`
	ScopesRefused uint64            `json:"scopes_refused,omitempty"`
	Expired       uint64            `json:"expired,omitempty"`
	Slow          uint64            `json:"slow,omitempty"`
	Delayed       uint64            `json:"delayed,omitempty"`
	Forgone       uint64            `json:"forgone,omitempty"`
	Overheld      uint64            `json:"overheld,omitempty"`
	Stalls        uint64            `json:"stalls,omitempty"`
	Closes        map[string]uint64 `json:"closes"`
}

func newTargetStats(s target.Stats) targetStats {
	t := targetStats{
		Accepted: s.Accepted, Opened: s.Opened, Refused: s.Refused, PeakOpen: s.PeakOpen,
		Received: s.Received, ReceivedBytes: s.ReceivedBytes, Sent: s.Sent, SentBytes: s.SentBytes,
		Pings: s.Pings, Failed: s.Failed,
		Answers: s.Answers, Errors: s.Errors, Joins: s.Joins, Leaves: s.Leaves,
		Broadcasts: s.Broadcasts, Deliveries: s.Deliveries, Dropped: s.Dropped, Games: s.Started,
		Lost: s.Lost, Duplicated: s.Duplicated, Reordered: s.Reordered, Corrupted: s.Corrupted,
		Beats: s.Beats, Ticks: s.Ticks, Skipped: s.Skipped,
		TokensRefused: s.TokensRefused, ScopesRefused: s.ScopesRefused, Expired: s.Expired, Slow: s.Slow,
		Delayed: s.Delayed, Forgone: s.Forgone, Overheld: s.Overheld, Stalls: s.Stalls,
		Closes: make(map[string]uint64),
	}
	for code, n := range s.Closes {
		t.Closes[fmt.Sprint(uint16(code))] = n
	}
	return t
}
