package scenario

import (
	"maps"
	"slices"
)

const maxPopulations = 64

// all compiles a file that was read without mistakes, and finds what only the whole shows.
func (c *compiler) all() {
	c.data()
	c.population = population{scope: c.fileScope()}
	c.opening()
	c.identity()
	if !c.broken {
		c.target()
		c.file.Load.plan(c.wrong)
	}
	sum := 0.0
	for _, p := range c.file.Populations {
		sum += p.Weight
		if !isLabel(p.Name) {
			c.wrong(p.At, "players: got the name %q, want %s", clip(p.Name, 80), label{}.want())
		}
		if len(c.out.Programs) < maxPopulations && !c.full() {
			c.compile(p)
		}
	}
	switch n := len(c.file.Populations); {
	case n == 0 && !c.broken:
		c.wrong(c.file.populationsAt, "players: got no population, want one or more")
	case n > maxPopulations:
		c.wrong(c.file.populationsAt, "players: got %d populations, want at most %d", n, maxPopulations)
	case n > 0 && sum <= 0:
		c.wrong(c.file.populationsAt, "players: the weights add up to 0, want more")
	}
	c.out.Env = maps.Clone(c.vars)
	c.outside()
	sure := len(c.list) == 0
	c.thresholds(sure)
	if !sure {
		return // what follows would be wrong of what could not be compiled
	}
	for _, f := range c.file.Fragments {
		if !c.called[f.Name] {
			c.wrong(f.At, "fragment %s is never called; want a call, or the fragment away", clip(f.Name, 60))
		}
	}
	c.deliveriesMeet()
}

// opening is what is sent in the opening handshake.
func (c *compiler) opening() {
	t := &c.file.Target
	if t.URL != "" {
		c.out.URL = c.url(t.URL, t.URLAt, "ws://", "wss://")
	}
	c.out.Headers = c.headers(t.Headers)
}

func (c *compiler) target() {
	t := &c.file.Target
	if t.URL != "" && t.Embedded != "" {
		c.wrong(t.EmbeddedAt, "target: got url and embedded, want one")
	}
	switch {
	case t.TLS.Cert != "" && t.TLS.Key == "":
		c.wrong(t.TLS.CertAt, "tls: got cert without key, want both")
	case t.TLS.Key != "" && t.TLS.Cert == "":
		c.wrong(t.TLS.KeyAt, "tls: got key without cert, want both")
	}
	if a := c.file.Auth; a != nil && a.Token.Value != "" && a.Token.Key != "" {
		c.wrong(a.Token.KeyAt, "token: got value and key, want one: a token for all, or a key to mint one for each player")
	}
}

func (c *compiler) identity() {
	a := c.file.Auth
	if a == nil {
		return
	}
	id := func(s string, at Pos) *Template {
		if s == "" {
			return nil
		}
		return c.template(s, at, Raw)
	}
	c.out.Identity = &Identity{
		User: id(a.User, a.userAt), Organization: id(a.Organization, a.organizationAt), Project: id(a.Project, a.projectAt),
		World: id(a.World, a.worldAt), LaunchContext: id(a.LaunchContext, a.launchContextAt),
	}
}

// data loads the files of rows.
func (c *compiler) data() {
	for _, v := range c.file.Vars {
		if slices.ContainsFunc(c.file.Data, func(d *Feed) bool { return d.Name == v.Name }) {
			c.wrong(v.At, "variable %s: there is data of that name; want another", v.Name)
		}
	}
	for _, d := range c.file.Data {
		if !isName(d.Name) || isReserved(d.Name) {
			c.wrong(d.At, "data: got the name %q, want letters, digits and _ that have no other meaning in expressions", clip(d.Name, 60))
		}
		if d.EndAt != (Pos{}) && (d.Order == OrderRandom || d.Order == OrderUnique) {
			c.wrong(d.EndAt, "data %s: got at_end with order %s, which has no end; want it away, or order sequential or shuffle", d.Name, d.Order)
		}
		if d.End == "" {
			d.End = EndWrap
		}
		if d.File == "" && !c.broken {
			c.wrong(d.At, "data %s: got no file, want its path", d.Name)
		}
		var rows *Rows
		if !c.full() && d.File != "" {
			var err error
			if rows, err = LoadRows(c.dir, d.File, d.Type); err != nil {
				c.wrong(d.FileAt, "data %s: %v", d.Name, err)
			}
		}
		c.out.Rows = append(c.out.Rows, rows)
	}
	l := &c.file.Load
	players := l.Players
	for _, s := range l.Stages {
		players = max(players, s.Players)
	}
	c.enough(players)
}

// enough finds data of which each player is to have a row of its own, and that has too few.
func (c *compiler) enough(players int) {
	for i, d := range c.file.Data {
		if r := c.out.Rows[i]; r != nil && d.Order == OrderUnique && r.Len() < players {
			c.wrong(d.FileAt, "data %s: %s has %d rows and there are %d players, each of whom is to have one of its own; want more rows, fewer players, or another order", d.Name, d.File, r.Len(), players)
		}
	}
}

// deliveriesMeet finds publish steps that nobody measures, and rules that measure what nobody publishes: all
// of it would be counted as lost, or as nothing.
func (c *compiler) deliveriesMeet() {
	for _, name := range slices.Sorted(maps.Keys(c.published)) {
		if _, ok := c.deliveries[name]; !ok {
			c.wrong(c.published[name], "publish %s: no rule measures its delivery, so all of it would count as lost; want one under on, with delivery: %s", name, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.deliveries)) {
		if _, ok := c.published[name]; !ok {
			c.wrong(c.deliveries[name], "delivery: unknown publish %q: %s", name, among(name, slices.Sorted(maps.Keys(c.published))))
		}
	}
	if len(c.published) > 0 && !c.joined {
		name := slices.Sorted(maps.Keys(c.published))[0]
		c.wrong(c.published[name], "publish %s: no step joins an audience, so that nobody is to get it; want join", name)
	}
}
