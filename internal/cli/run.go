package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/scenario"
	"github.com/loadrig/loadrig/target"
)

func newRunCommand(p *Process) *cobra.Command {
	f := &runFlags{network: networkFlags{getenv: p.Getenv}}
	c := &cobra.Command{
		Use:   "run [SCENARIO]",
		Short: "Run players against a WebSocket server and report what happened",
		Long: `Opens connections to a WebSocket server, each a simulated player, has them send
messages, closes them, and prints a summary. Without --url it starts an echo server
in a process of its own and uses that.

With a scenario, a file in YAML or JSON, players do what its steps say, and come and go
as its load says; flags go before what is in it. - is standard input. loadrig init
writes scenarios to begin with.

The verdict is pass if every player connected, no connection ended but by plan, no
message was dropped, and every --threshold held; fail if not; untrustworthy if it was
this machine that could not keep up. Ctrl-C ends the load, closes all connections
and still reports; a second one ends the program at once.

On a terminal, a view of the run is there while it lasts: q is Ctrl-C, d shows all
that is known, ? tells more. Elsewhere, and with --no-tui, or CI, NO_COLOR or TERM=dumb
in the environment, stderr has a line for each interval instead: how long the run has
lasted, and key=value for each of

  connected                       players, of all that there may be: 480/500
  connecting, disconnected        other players
  asked, sent, received           messages a second, in the interval
  p50, p99                        of the response, in the interval
  lag                             99th percentile, beyond a quarter of --max-lag
  failed                          attempts and connections that ended otherwise
                                  than planned, so far
  dropped, corrupted, duplicated  messages, so far
  lost, failed_checks             requests and checks of a scenario, so far

What is 0 is left out, but for connected, sent and received.

Every flag can be given in the environment too: LOADRIG_CONNECTIONS=500.`,
		Example: `  loadrig run
  loadrig run --url wss://game.example/socket -c 5000 -d 5m --rate 100/s
  loadrig run chat.yaml -e room=lobby -c 500
  loadrig run chat.yaml -o json=summary.json -o junit=report.xml -o csv=series.csv
  loadrig run --url ws://127.0.0.1:8080 --traffic pingpong --size 256 --json > summary.json
  loadrig run --url ws://127.0.0.1:8080 --scope world --organization o --project p \
      --world w --user-id 'player-{n}' --token-key key.pem`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("run: got %d arguments, want one scenario or none; see loadrig run --help", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return run(c, p, f, args) },
	}
	c.SetUsageFunc(f.register(c.Flags()).show)
	return c
}

func run(c *cobra.Command, p *Process, f *runFlags, args []string) error {
	given := make(map[string]bool)
	c.Flags().Visit(func(g *pflag.Flag) { given[g.Name] = true })
	var sc *scenario.Scenario
	if len(args) == 1 {
		var err error
		if sc, err = f.read(p, c.Flags(), args[0]); err != nil {
			return err
		}
	} else if given["seed"] || given["var"] || given["vars"] {
		return usage("--seed, -e/--var, --vars: got some without a scenario; want loadrig run SCENARIO")
	}
	cfg, err := f.config(sc, func(flag string) bool { return given[flag] })
	if err != nil {
		return &exitError{ExitUsage, err}
	}
	if sc != nil && sc.URL != nil && !sc.URL.Constant {
		if given["url"] {
			sc.URL = nil // a flag goes before it, for each player
		} else {
			cfg.URL = placeOf(sc.File.Target.URL)
		}
	}
	embedded, kind := cfg.URL == "", string(target.Echo)
	if embedded && sc != nil && sc.File.Target.Embedded != "" {
		kind = sc.File.Target.Embedded
	}
	if embedded {
		cfg.URL = embeddedURL // until the target tells; everything else can be checked now
	}
	if err := cfg.Validate(); err != nil {
		return &exitError{ExitUsage, named(err)}
	}
	room, err := fit(c.Context(), cfg)
	if err != nil {
		return &exitError{ExitUsage, named(err)}
	}
	scr := &screen{p: p}
	cfg.Logger = slog.New(slog.NewTextHandler(scr, nil))
	var printed bool
	if cfg.Sinks, printed, err = f.outs(p, sc, scenarioOf(args), cfg.Logger); err != nil {
		return err
	}
	ctx, stop := p.Interrupted(c.Context())
	defer stop()
	ctx, hide := scr.show(ctx, f.terminal(p, printed), &cfg)
	defer hide()
	talk := &talker{w: scr, quiet: f.quiet, verbose: f.verbose, maxLag: cfg.MaxLag}
	cfg.Progress, cfg.Serving = scr.lines(talk.progress), scr.serving(talk.serving)
	talk.room(room)
	show(&cfg)
	kept := f.keep.sink(p, talk)
	if kept != nil {
		cfg.Sinks = append(cfg.Sinks, kept)
	}
	var server *child
	if embedded {
		if err := rig.Probe(ctx, cfg); err != nil && ctx.Err() == nil {
			return failed(f.network.blame(err, cfg))
		}
		if server, err = startChild(scr.forChild(), kind, f.forChild(kind)...); err != nil {
			return internal(err)
		}
		cfg.URL = server.url
		talk.note("started %s server of our own at %s", article(kind), server.url)
	}
	cfg.Starting = func() {
		if cfg.Play != nil {
			talk.note("%s: %s, to %s%s, seed %d; Ctrl-C ends it early and still reports",
				name(sc, args[0]), cfg.Play.Plan, rig.SafeURL(cfg.URL), f.network.by(cfg), cfg.Play.Seed)
			return
		}
		talk.note("%d players to %s%s for %v, %s traffic; Ctrl-C ends it early and still reports",
			cfg.Connections, rig.SafeURL(cfg.URL), f.network.by(cfg), cfg.Duration, cfg.Traffic)
	}
	s, err := rig.Run(ctx, cfg)
	hide()
	if server != nil {
		if stats, err := server.stop(); err == nil {
			talk.detail("the embedded server counted %d connections, %d messages received, %d sent", stats.Opened, stats.Received, stats.Sent)
		} else {
			talk.note("the embedded target ended badly: %v", err)
		}
	}
	if err != nil {
		return failed(f.network.blame(err, cfg))
	}
	f.compress.talk(talk, s.Connections.Compressed, s.Connections.Opened)
	if !printed {
		if err := f.write(p, s); err != nil {
			return internal(fmt.Errorf("write the summary: %w", err))
		}
	}
	// An interrupt from here on is not of the load any more, whether there was one or not.
	drawing, done := p.Interrupted(c.Context())
	defer done()
	f.keep.told(drawing, talk, kept, s) // last, as a small terminal shows the end
	return verdict(s)
}

// forChild gives the arguments of an embedded target of that kind, which go with the flags of the run.
func (f *runFlags) forChild(kind string) []string {
	args := f.compress.forChild()
	if kind != string(target.JSONAuth) || f.auth.keys == nil {
		return args
	}
	if b, err := f.auth.keys.MarshalJSON(); err == nil {
		args = append(args, "--jwks", string(b)) // public halves only
	}
	return args
}

func article(kind string) string {
	if kind == string(target.Echo) {
		return "an " + kind
	}
	return "a " + kind
}

// name is what a scenario is called.
func name(sc *scenario.Scenario, path string) string {
	if sc.File.Name != "" {
		return sc.File.Name
	}
	return nameOf(path)
}

// scenarioOf gives the scenario's file of the arguments, if there is one.
func scenarioOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// failed tells mistakes of the user, which rig finds when it starts, from faults.
func failed(err error) error {
	var output *rig.OutputError
	if errors.As(err, &output) {
		return &exitError{ExitUsage, output} // which names itself
	}
	if n := named(err); n != nil {
		return &exitError{ExitUsage, n}
	}
	return internal(err)
}

func (f *runFlags) write(p *Process, s *report.Summary) error {
	if f.json {
		return s.WriteJSON(p.Stdout)
	}
	return s.WriteText(p.Stdout)
}

// verdict turns a summary into an exit code; it says nothing, as the summary has.
func verdict(s *report.Summary) error {
	switch {
	case s.Interrupted:
		return &exitError{code: ExitInterrupted}
	case s.Aborted != "":
		return &exitError{code: ExitAborted}
	case s.Verdict == report.Untrustworthy:
		return &exitError{code: ExitUntrustworthy}
	case s.Verdict == report.Fail:
		return &exitError{code: ExitFailed}
	default:
		return nil
	}
}

// Defaults of a run.
const (
	defaultConnections = 1000
	defaultDuration    = 10 * time.Second
	defaultTraffic     = players.Paced
	defaultMessageRate = 1
	defaultSize        = 64
)
