package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/transport"
)

// doctorFlags are the flags of loadrig doctor, which mean what they mean to run.
type doctorFlags struct {
	connections int
	localIPs    []string
	shards      int
	json        bool
}

func newDoctorCommand(p *Process) *cobra.Command {
	f := new(doctorFlags)
	c := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Say how many players this machine can hold, and what limits them",
		Long: `Says how many players fit this machine, which limit binds first and how to
raise it. Without a URL the server is an echo server on this machine, as it is for
run. With one, its name is looked up, as each of its addresses has ports of its
own, but nobody is connected to.

Open files and local ports are exact: run refuses more players than they allow.
The other limits are estimates, marked ~, which run only mentions.

Exit codes: 0 it fits, or nothing was asked for; 2 usage; 99 it does not fit.`,
		Example: `  loadrig doctor
  loadrig doctor -c 100000
  loadrig doctor -c 50000 wss://game.example/socket
  loadrig doctor --json | jq .players`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("URL: got %d arguments, want one URL or none; see loadrig doctor --help", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return doctor(c, p, f, args) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVarP(&f.connections, "connections", "c", 0, "`number` of players that are to fit (default to say how many do)")
	fs.StringSliceVar(&f.localIPs, "local-ips", nil, "source `addresses` to spread the connections over")
	fs.IntVar(&f.shards, "shards", 0, "`number` of event loops (default one for each core)")
	fs.BoolVar(&f.json, "json", false, "print one JSON object")
	return c
}

func doctor(c *cobra.Command, p *Process, f *doctorFlags, args []string) error {
	server, name := p.Getenv("LOADRIG_URL"), "LOADRIG_URL in the environment"
	if len(args) > 0 {
		server, name = args[0], "URL"
	}
	cfg, err := f.config(server, name)
	if err != nil {
		return &exitError{ExitUsage, err}
	}
	room, err := rig.Survey(c.Context(), cfg)
	if err != nil {
		return failed(err)
	}
	if room.Lookup != nil {
		return usage("%s: got a host without an address: %w; want a name that can be looked up, or an address",
			name, lookupError(room.Lookup))
	}
	d := diagnosis{Room: room}
	if server != "" {
		d.url = shown(server)
	}
	if f.json {
		err = d.writeJSON(p.Stdout)
	} else {
		err = d.writeText(p.Stdout)
	}
	if err != nil {
		return internal(fmt.Errorf("write the diagnosis: %w", err))
	}
	if !d.fits() {
		return &exitError{code: ExitFailed}
	}
	return nil
}

// config makes the run to be looked at of the flags and the server, which is called name in errors.
func (f *doctorFlags) config(server, name string) (rig.Config, error) {
	var errs []error
	c := rig.Config{
		URL: cmp.Or(server, embeddedURL), Connections: f.connections, Shards: f.shards,
		Duration: time.Second, Traffic: players.Idle, // what a run must have, and nobody asks about
	}
	if err := transport.Check(&messages.Connect{URL: c.URL}); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
		c.URL = embeddedURL
	}
	if f.connections < 0 {
		errs = append(errs, fmt.Errorf("-c/--connections: got %d, want 1 or more, or 0 to ask how many fit", f.connections))
	}
	var err error
	if c.Transport.LocalIPs, err = addresses(f.localIPs); err != nil {
		errs = append(errs, fmt.Errorf("--local-ips: %w", err))
	}
	checked := c
	checked.Connections = 1
	if err := checked.Validate(); err != nil {
		errs = append(errs, named(err))
	}
	return c, errors.Join(errs...)
}

// embeddedURL stands for the embedded server until it tells where it listens.
const embeddedURL = "ws://127.0.0.1:1/"

// lookupError says that an answer took too long in fewer words than err.
func lookupError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer within 5 s")
	}
	return err
}

// shown leaves out of a URL what may be secret. It has been checked.
func shown(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// fit is the check before a run: that of doctor, with what does not fit for certain as an error.
func fit(ctx context.Context, c rig.Config) (rig.Room, error) {
	room, err := rig.Survey(ctx, c)
	if err != nil {
		return room, err
	}
	return room, room.Refuse()
}
