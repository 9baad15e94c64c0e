package scenario

import "slices"

// all compiles a file that was read without mistakes, and finds what only the whole shows.
func (c *compiler) all() {
	c.target()
	c.data()
	c.file.Load.plan(c.wrong)
	sum := 0.0
	for _, p := range c.file.Populations {
		sum += p.Weight
		c.population(p)
	}
	if len(c.file.Populations) == 0 {
		c.wrong(c.file.populationsAt, "players: got no population, want one or more")
	} else if sum <= 0 {
		c.wrong(c.file.populationsAt, "players: the weights add up to 0, want more")
	}
	for _, f := range c.file.Fragments {
		if !slices.ContainsFunc(c.file.Populations, func(p *Population) bool { return c.calledIn(p, f.Name) }) {
			c.wrong(f.At, "fragment %s is never called", f.Name)
		}
	}
}

func (c *compiler) target() {
	t := &c.file.Target
	switch {
	case t.URL != "" && t.Embedded != "":
		c.wrong(t.EmbeddedAt, "target: got url and embedded, want one")
	case t.URL != "":
		c.scope = &scope{}
		for _, d := range c.file.Data {
			c.scope.feeds = append(c.scope.feeds, d.Name)
		}
		for _, v := range c.file.Vars {
			c.scope.vars = append(c.scope.vars, v.Name)
		}
		c.url(t.URL, t.URLAt)
	}
}

func (c *compiler) data() {
	for _, d := range c.file.Data {
		if !isName(d.Name) || isReserved(d.Name) {
			c.wrong(d.At, "data: got the name %q, want letters, digits and _ that have no other meaning in expressions", clip(d.Name, 60))
		}
	}
}

// calledIn tells whether a population calls a fragment, directly or by way of another.
func (c *compiler) calledIn(p *Population, name string) bool {
	for _, r := range p.Rules {
		if c.calls1(r.Do, name, nil) {
			return true
		}
	}
	return c.calls1(p.Steps, name, nil) || c.calls1(p.Lost, name, nil)
}

func (c *compiler) calls1(steps []*Step, name string, within []string) bool {
	for _, s := range steps {
		if b, ok := s.Body.(*CallStep); ok {
			if b.Fragment == name {
				return true
			}
			if f := c.fragment(b.Fragment); f != nil && !slices.Contains(within, f.Name) && c.calls1(f.Steps, name, append(within, f.Name)) {
				return true
			}
		}
		for _, inner := range s.inner() {
			if c.calls1(*inner, name, within) {
				return true
			}
		}
	}
	return false
}
