package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/scenario"
)

// storyFlags are the flags that only a run of a scenario has.
type storyFlags struct {
	vars varFlags
	seed uint64
}

func (f *storyFlags) register(fs *pflag.FlagSet) {
	f.vars.register(fs)
	fs.Uint64Var(&f.seed, "seed", 0, "`number` where chance begins in a scenario: the same one gives the same traffic (default the scenario's, else one by chance, which is told)")
}

// notForStories are flags that say what a scenario says in its steps.
var notForStories = []string{"traffic", "msg-rate", "size"}

// read reads the scenario, and gives the flags that were not given the values that it has for them: a flag
// goes before the environment, that before the scenario, and that before the default.
func (f *runFlags) read(p *Process, fs *pflag.FlagSet, path string) (*scenario.Scenario, error) {
	vars, err := f.story.vars.build()
	if err != nil {
		return nil, err
	}
	sc, err := loadScenario(p, path, scenario.Options{Vars: vars})
	var problems *scenario.Problems
	switch {
	case errors.As(err, &problems):
		return nil, &exitError{ExitScenario, err}
	case err != nil:
		return nil, &exitError{ExitUsage, fileError("run", nameOf(path), err)}
	}
	for _, name := range notForStories {
		if fs.Changed(name) {
			return nil, usage("--%s: got one with a scenario, whose steps say what players send", name)
		}
	}
	given := make(map[string]bool) // before any is set below, as one that is repeated is set more than once
	fs.Visit(func(g *pflag.Flag) { given[g.Name] = true })
	for _, s := range settings(sc.File) {
		if s.value == "" || given[s.flag] {
			continue
		}
		if err := fs.Set(s.flag, s.value); err != nil {
			return nil, &exitError{ExitScenario, fmt.Errorf("%s: %s: got %q, which --%s does not take", nameOf(path), s.key, s.value, s.flag)}
		}
	}
	// The embedded server knows the key that is made for the run.
	f.auth.mint = sc.File.Target.Embedded == "json-auth" && sc.File.Auth != nil && f.url == ""
	return sc, nil
}

// setting is a value of a scenario that a flag has too.
type setting struct{ key, flag, value string }

// settings gives them, those that are not given being empty.
func settings(f *scenario.File) []setting {
	t, l := &f.Target, &f.Target.Limits
	list := []setting{
		{"target.compress", "compress", t.Compress}, {"target.cookies", "cookies", yes(t.Cookies)},
		{"target.tls.insecure", "insecure", yes(t.TLS.Insecure)}, {"target.tls.cacert", "cacert", t.TLS.CACert}, {"target.tls.cert", "cert", t.TLS.Cert},
		{"target.tls.key", "key", t.TLS.Key}, {"target.tls.sni", "sni", t.TLS.SNI}, {"target.tls.min", "tls-min", t.TLS.Min},
		{"target.limits.dial_timeout", "dial-timeout", span(l.DialTimeout)}, {"target.limits.close_timeout", "close-timeout", span(l.CloseTimeout)},
		{"target.limits.write_timeout", "write-timeout", span(l.WriteTimeout)}, {"target.limits.idle_timeout", "idle-timeout", span(l.IdleTimeout)},
		{"target.limits.ping_interval", "ping-interval", span(l.PingInterval)}, {"target.limits.max_message", "max-message", number(l.MaxMessage)},
		{"target.limits.max_backlog", "max-backlog", number(l.MaxBacklog)}, {"target.limits.on_backlog", "on-backlog", l.OnBacklog},
		{"seed", "seed", number(f.Seed)},
	}
	for _, s := range t.Subprotocols {
		list = append(list, setting{"target.subprotocols", "subprotocol", s})
	}
	if !strings.Contains(t.URL, "{{") {
		list = append(list, setting{"target.url", "url", t.URL})
	}
	if a := f.Auth; a != nil {
		// Ids that are templates are filled in for each player; here they only show that there are some.
		list = append(list, setting{"auth.organization", "organization", a.Organization}, setting{"auth.project", "project", a.Project},
			setting{"auth.world", "world", a.World}, setting{"auth.launch_context", "launch-context", a.LaunchContext},
			setting{"auth.scope", "scope", a.Scope}, setting{"auth.token.value", "token", a.Token.Value}, setting{"auth.token.key", "token-key", a.Token.Key},
			setting{"auth.token.issuer", "token-issuer", a.Token.Issuer}, setting{"auth.token.audience", "token-audience", strings.Join(a.Token.Audience, ",")},
			setting{"auth.token.lifetime", "token-lifetime", span(a.Token.Lifetime)})
	}
	return list
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// direct has cfg be a run of a scenario. given are the flags as they were given, which change its load.
func (f *runFlags) direct(cfg *rig.Config, sc *scenario.Scenario, a auth, given func(flag string) bool) error {
	l := sc.File.Load
	if given("connections") || given("rate") {
		l.Stages = nil
	}
	if given("rate") && f.rate > 0 {
		l.Rate, l.Players, l.Replace = float64(f.rate), 0, false
	} else if given("connections") && l.Rate == 0 {
		l.Players = f.connections
	}
	if given("duration") {
		if len(l.Stages) > 0 {
			return errors.New("-d/--duration: got one for a scenario with stages, which have their own; want it away, or -c or --rate instead of the stages")
		}
		l.Duration = f.duration
	}
	plan, err := l.Plan()
	if err != nil {
		return err
	}
	seed := f.story.seed
	if seed == 0 {
		seed = rand.Uint64()>>12 + 1 // short enough to be typed
	}
	cfg.Play = &rig.Play{Scenario: sc, Plan: plan, Seed: seed, Env: sc.Env, SHA256: sc.SHA256, Text: sc.Text()}
	for _, rows := range sc.Rows {
		cfg.Play.Tables = append(cfg.Play.Tables, rows)
	}
	if a.policy != nil {
		cfg.Play.Auth = func(n int, id players.Identity) messages.Authorizer {
			who := f.auth.identity(n)
			for _, part := range []struct {
				to  *string
				say string
			}{{&who.UserID, id.User}, {&who.Organization, id.Organization}, {&who.Project, id.Project}, {&who.World, id.World}, {&who.LaunchContext, id.LaunchContext}} {
				if part.say != "" {
					*part.to = part.say
				}
			}
			return a.policy.For(who)
		}
	}
	for _, h := range sc.Headers {
		if h.Value.Constant {
			cfg.Headers.Add(h.Name, string(h.Value.Text()))
		}
	}
	if n := cfg.Play.MaxPlayers(); n > 0 {
		cfg.Connections = n
	} else if !given("connections") {
		cfg.Connections = openPlayers(plan, seed)
	}
	return sc.Enough(cfg.Connections)
}

// openPlayers is how many players of the open model there may be at once, where nobody says: all that arrive,
// if this machine can hold them.
// Arrivals by chance may be more than the plan's total, which is their mean, so they are counted.
func openPlayers(p load.Plan, seed uint64) int {
	most := machine.Read().Fit(machine.Need{Connections: 1, Shards: 1})[0].Fits
	a, err := p.Arrivals()
	switch {
	case err != nil:
		return max(1, most)
	case !p.Poisson:
		return max(1, min(most, a.Total()))
	}
	n, stream := 0, a.Poisson(seed)
	for _, more := stream.Next(); more && n < most; _, more = stream.Next() {
		n++
	}
	return max(1, n)
}

// placeOf gives where a URL leads whose path or query differ from player to player: scheme and host, of which the rest of the
// rig checks what it can. Of one whose host differs it gives nothing.
func placeOf(template string) string {
	before, _, _ := strings.Cut(template, "{{")
	scheme, rest, ok := strings.Cut(before, "://")
	i := strings.IndexAny(rest, "/?")
	if !ok || i < 0 {
		return ""
	}
	return scheme + "://" + rest[:i] + "/"
}
