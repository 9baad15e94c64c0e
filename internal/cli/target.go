package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/target"
)

// shutdownTimeout is how long a target waits for its peers' close frames.
const shutdownTimeout = 10 * time.Second

func newTargetCommand(p *Process) *cobra.Command {
	var (
		o          target.Options
		withParent bool
	)
	c := &cobra.Command{
		Use:   "target",
		Short: "Run the embedded echo server, to have something to shoot at",
		Long: `Runs a WebSocket echo server until it is interrupted. Its URL is printed on stdout
as the first line, and its own counts as one JSON object when it ends, to compare
with those of a run against it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
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
			return serveTarget(ctx, c, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Addr, "listen", target.DefaultAddr, "`address` to listen on; other machines reach it only if you name another interface")
	f.StringSliceVar(&o.Subprotocols, "subprotocol", nil, "`name`s of subprotocols that it knows")
	f.BoolVar(&o.Compress, "compress", false, "take offers of compression (permessage-deflate), without context takeover")
	f.IntVar(&o.Loops, "loops", 0, "`number` of event loops, each good for one core (default half of the cores)")
	f.BoolVar(&withParent, "with-parent", false, "end when stdin does")
	_ = f.MarkHidden("with-parent")
	return c
}

func serveTarget(ctx context.Context, c *cobra.Command, o target.Options) error {
	s, err := target.Listen(o)
	if err != nil {
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
	return json.NewEncoder(c.OutOrStdout()).Encode(newTargetStats(s.Stats()))
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
	Closes        map[string]uint64 `json:"closes"`
}

func newTargetStats(s target.Stats) targetStats {
	t := targetStats{
		Accepted: s.Accepted, Opened: s.Opened, Refused: s.Refused, PeakOpen: s.PeakOpen,
		Received: s.Received, ReceivedBytes: s.ReceivedBytes, Sent: s.Sent, SentBytes: s.SentBytes,
		Pings: s.Pings, Failed: s.Failed, Closes: make(map[string]uint64),
	}
	for code, n := range s.Closes {
		t.Closes[fmt.Sprint(uint16(code))] = n
	}
	return t
}
