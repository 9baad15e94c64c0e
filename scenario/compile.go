package scenario

import (
	"regexp"
	"slices"
)

// compiler turns the populations of a file into programs.
type compiler struct {
	*source
	file *File
	dir  string            // of the scenario file, for the files that it names
	vars map[string]string // given from outside
	out  *Scenario

	broken bool            // there were mistakes already when it was read
	hidden map[string]bool // names that they may have hidden

	// What the whole file takes, which is bounded.
	exprs    int
	bytes    int // of the text of templates
	payloads map[string][]byte
	regexes  map[string]*regexp.Regexp

	// What is found along the way, for what only the whole shows.
	asked      []string // names that env was called with
	called     map[string]bool
	published  map[string]Pos
	deliveries map[string]Pos
	joined     bool

	population // at hand
}

// population is what is known of the population that is being compiled.
type population struct {
	scope     *scope
	prog      *Program
	calls     []string // fragments being compiled, to find circles
	put       int      // fragments put in
	loops     int      // under way
	paces     []int    // instructions that need a place of their own for the whole iteration
	stamps    int      // {{ stamp }} met so far
	stampable bool     // {{ stamp }} has a meaning here
	inRule    bool     // steps may not wait
	lossy     bool     // it goes on when the connection is lost
	link      link     // what is known of the connection at this point
}

func newCompiler(src *source, file *File, dir string, o Options) *compiler {
	return &compiler{
		source: src, file: file, dir: dir, vars: o.Vars, out: &Scenario{File: file, Feeds: file.Data, name: src.file},
		payloads: make(map[string][]byte), regexes: make(map[string]*regexp.Regexp),
		called: make(map[string]bool), published: make(map[string]Pos), deliveries: make(map[string]Pos),
	}
}

// maxCode bounds a program; fragments are copied to where they are called.
const maxCode = 100_000

func (c *compiler) compile(p *Population) {
	prog := &Program{Index: len(c.out.Programs), Name: p.Name, Weight: p.Weight, Lost: -1}
	c.population = population{prog: prog, scope: c.fileScope(), lossy: len(p.Lost) > 0}
	for _, v := range p.Vars {
		c.declare(v.Name, v.At)
	}
	c.declareSaved(p)
	for _, v := range slices.Concat(c.file.Vars, p.Vars) {
		if v.Tree != nil {
			prog.Init = append(prog.Init, Assign{c.slot(v.Name), c.first(v)})
		}
	}
	switch p.Split {
	case "lines":
		prog.Split = "\n"
	default:
		prog.Split = p.Split
	}
	c.steps(p.Steps)
	c.emit(Instr{Op: OpEnd})
	if len(p.Lost) > 0 {
		prog.Lost = len(prog.Code)
		c.loops = prog.Counters // the loops of the steps are still under way
		c.link = link{closed: true}
		c.steps(p.Lost)
		c.emit(Instr{Op: OpEnd})
	}
	for _, r := range p.Rules {
		c.rule(r)
	}
	if len(p.Steps) == 0 && !c.broken {
		c.wrong(p.At, "%s: got no steps, want some, as connect", clip(p.Name, 60))
	}
	for _, at := range c.paces {
		prog.Code[at].A = int32(prog.Counters)
		prog.Counters++
	}
	prog.Vars = c.scope.vars
	c.out.Programs = append(c.out.Programs, prog)
	c.out.Populations = append(c.out.Populations, prog.Name)
}

// fileScope is what every population may use; the slots of the file's variables are the same in all.
func (c *compiler) fileScope() *scope {
	s := &scope{slots: make(map[string]int), rows: c.out.Rows}
	for _, d := range c.file.Data {
		s.feeds = append(s.feeds, d.Name)
	}
	for _, v := range c.file.Vars {
		s.add(v.Name)
	}
	return s
}

// declare makes a slot for a variable.
func (c *compiler) declare(name string, at Pos) {
	if slices.Contains(c.scope.feeds, name) {
		c.wrong(at, "variable %s: there is data of that name; want another", name)
	}
	c.scope.add(name)
}

func (c *compiler) slot(name string) int { return c.scope.slots[name] }

// maxVars bounds the variables of a population, as each player has all of them.
const maxVars = 256

// declareSaved makes slots for what steps save and set, wherever they are, so that they can be used
// before they have a value.
func (c *compiler) declareSaved(p *Population) {
	seen := make(map[string]bool) // fragments
	c.declareSteps(p.Steps, seen)
	c.declareSteps(p.Lost, seen)
	for _, r := range p.Rules {
		c.declareSteps(r.Do, seen)
	}
	if len(c.scope.vars) > maxVars {
		c.wrong(p.At, "%s: got %d variables, want at most %d", clip(p.Name, 60), len(c.scope.vars), maxVars)
	}
}

func (c *compiler) declareSteps(steps []*Step, seen map[string]bool) {
	saves := func(es []*Extract) {
		for _, e := range es {
			c.declare(e.Var, e.At)
		}
	}
	for _, s := range steps {
		switch b := s.Body.(type) {
		case *RequestStep:
			saves(b.Save)
		case *ExpectStep:
			saves(b.Save)
		case *HTTPStep:
			saves(b.Save)
		case *SetStep:
			for _, v := range b.Vars {
				c.declare(v.Name, v.At)
			}
		case *CallStep:
			if f := c.fragment(b.Fragment); f != nil && !seen[f.Name] {
				seen[f.Name] = true
				c.declareSteps(f.Steps, seen)
			}
		}
		for _, inner := range s.inner() {
			c.declareSteps(inner, seen)
		}
	}
}

// inner gives the lists of steps within a step.
func (s *Step) inner() [][]*Step {
	switch b := s.Body.(type) {
	case *RequestStep:
		return [][]*Step{b.Else}
	case *ExpectStep:
		return [][]*Step{b.Else}
	case *HTTPStep:
		return [][]*Step{b.Else}
	case *ReconnectStep:
		return [][]*Step{b.Else}
	case *LoopStep:
		return [][]*Step{b.Do}
	case *IfStep:
		return [][]*Step{b.Then, b.Else}
	case *ChooseStep:
		var all [][]*Step
		for _, w := range b.Ways {
			all = append(all, w.Do)
		}
		return all
	}
	return nil
}

func (c *compiler) fragment(name string) *Fragment {
	i := slices.IndexFunc(c.file.Fragments, func(f *Fragment) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return c.file.Fragments[i]
}

func (c *compiler) emit(in Instr) int {
	if len(c.prog.Code) == maxCode {
		c.wrong(in.At, "steps: got more than %d with the fragments put in, want fewer calls", maxCode)
	}
	if len(c.prog.Code) <= maxCode {
		c.prog.Code = append(c.prog.Code, in)
	}
	return len(c.prog.Code) - 1
}

func (c *compiler) here() int32 { return int32(len(c.prog.Code)) }

// counter gives a place for the count of a loop, until done is called.
func (c *compiler) counter() (n int32, done func()) {
	n = int32(c.loops)
	c.loops++
	c.prog.Counters = max(c.prog.Counters, c.loops)
	return n, func() { c.loops-- }
}

func index(names *[]string, name string) int {
	if i := slices.Index(*names, name); i >= 0 {
		return i
	}
	*names = append(*names, name)
	return len(*names) - 1
}

// Bounds of the series of each kind, as package metrics has them: each takes fixed memory on each shard.
const (
	maxSeries = 64
	maxChecks = 64
)

func (c *compiler) series(names *[]string, name string, most int, at Pos) int {
	if len(*names) == most && !slices.Contains(*names, name) {
		c.wrong(at, "series %s: there are %d of its kind already, want at most %d; give several steps the same name", name, most, most)
		return 0
	}
	return index(names, name)
}
