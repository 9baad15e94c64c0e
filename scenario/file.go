package scenario

import (
	"math"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/loadrig/loadrig/threshold"
)

// File is a scenario as it is written, with the place of what may turn out to be wrong.
type File struct {
	Name        string
	Target      Target
	Auth        *Auth
	Vars        []*Var // in the order of the file
	Data        []*Feed
	Fragments   []*Fragment
	Populations []*Population
	Load        LoadModel
	Thresholds  []*Threshold
	Outputs     []string
	Tags        map[string]string
	Seed        int

	populationsAt Pos
}

// Var is a variable with its first value, a template or plain.
type Var struct {
	Name string
	At   Pos
	Tree *yaml.Node
}

func (f *File) fields() []field {
	return []field{
		{name: "name", doc: "what the scenario is called in reports", value: text{to: &f.Name}},
		{name: "target", doc: "the server, and how connections to it are made", value: section{name: "target", fields: f.Target.fields()}},
		{name: "auth", doc: "who the players are: scope, identity and token", value: f.auth()},
		{name: "vars", doc: "variables of each player with their first values, which may be templates; `-e NAME=VALUE` gives them others", value: vars(&f.Vars)},
		{name: "data", doc: "files of rows that players take their data from, by the names that expressions use", value: f.data()},
		{name: "fragments", doc: "steps by name, to be used with `call`", value: f.fragments()},
		{name: "players", doc: "the populations by name: who plays what, and how many of each", required: true, value: f.populations()},
		{name: "load", doc: "how many players come, when, and for how long", value: section{name: "load", fields: f.Load.fields(), set: func(n *yaml.Node) { f.Load.At = posOf(n) }}},
		{name: "thresholds", doc: "what is to hold of the run; it fails if one does not", value: list{what: "thresholds", item: func() value {
			f.Thresholds = append(f.Thresholds, new(Threshold))
			return thresholdValue{f.Thresholds[len(f.Thresholds)-1]}
		}}},
		{name: "outputs", doc: "where results go, each as FORMAT=DESTINATION; see outputs.md", value: texts{to: &f.Outputs, what: "outputs"}},
		{name: "tags", doc: "names and values that mark the run", value: f.tags()},
		{name: "seed", doc: "where chance begins: the same seed gives the same traffic; 0 takes one by chance", value: integer{to: &f.Seed, min: 0, max: math.MaxInt32}},
	}
}

// vars is a mapping from variables to their values.
func vars(to *[]*Var) named {
	v := values(to)
	v.names, v.check = namePattern, (*reader).variable
	return v
}

// values is a mapping from any names to values.
func values(to *[]*Var) named {
	return named{what: "values", item: func(name string, key *yaml.Node) value {
		one := &Var{Name: name, At: posOf(key)}
		*to = append(*to, one)
		return tree{to: &one.Tree}
	}}
}

// variable checks that a name can stand in an expression.
func (r *reader) variable(key *yaml.Node) {
	if !isName(key.Value) {
		r.wrongAt(key, "variable: got the name %q, want letters, digits and _, beginning with a letter", clip(key.Value, 60))
	} else if isReserved(key.Value) {
		r.wrongAt(key, "variable: got the name %s, which has a meaning of its own in expressions; want another", key.Value)
	}
}

const namePattern = `^[A-Za-z][A-Za-z0-9_]*$`

func isName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && s[0] != '_'
}

// Feed is a file of rows.
type Feed struct {
	Name   string
	At     Pos
	File   string
	FileAt Pos
	Type   string // csv or jsonl; by the file's name if empty
	Order  string // one of Orders
	End    string // wrap or stop
	EndAt  Pos
}

func (f *File) data() value {
	return named{what: "feeds", names: namePattern, item: func(name string, key *yaml.Node) value {
		d := &Feed{Name: name, At: posOf(key), Order: OrderSequential}
		f.Data = append(f.Data, d)
		return either{text{to: &d.File, pos: &d.FileAt}, section{name: clip(name, 60), fields: []field{
			{name: "file", doc: "its path, from the scenario file's folder", required: true, value: text{to: &d.File, pos: &d.FileAt}},
			{name: "format", doc: "`csv`, with a header line, or `jsonl`, an object in each line; by default what the file's name ends in", value: choice{to: &d.Type, words: []string{"csv", "jsonl"}}},
			{name: "order", doc: "`sequential`; `shuffle`, each row once in an order of chance; `random`; or `unique`, the row of the player's number, shared with none", value: choice{to: &d.Order, words: Orders}},
			{name: "at_end", doc: "`wrap`, begin again, or `stop`, end the player; of `sequential` and `shuffle`, where `wrap` is the default", value: choice{to: &d.End, words: []string{EndWrap, EndStop}, pos: &d.EndAt}},
		}}}
	}}
}

func (f *File) tags() value {
	f.Tags = make(map[string]string)
	return named{what: "texts", item: func(name string, _ *yaml.Node) value {
		s := new(string)
		return setting{text{to: s}, func(*yaml.Node) { f.Tags[name] = *s }}
	}}
}

// Threshold is what is to hold, as it is written. Package threshold has the language.
type Threshold struct {
	Text   string
	At     Pos
	Abort  bool          // the run is to end as soon as it fails
	Delay  time.Duration // from the start until it is looked at, 0 or more
	Window time.Duration // how long the windows are, of each of which it is to hold; 0 for the whole run
}

type thresholdValue struct{ own *Threshold }

func (v thresholdValue) parts() either {
	return either{text{to: &v.own.Text, pos: &v.own.At}, section{name: "threshold", fields: []field{
		{name: "that", doc: "as `p(95)<200ms`, `rate<0.01`, `count>1000`, `request join: p(95)<200ms` or an expression", required: true, value: text{to: &v.own.Text, pos: &v.own.At}},
		{name: "window", doc: "it is to hold of every part of the run that is as long, as `5m`; without it, of the whole run", value: duration{to: &v.own.Window, min: threshold.MinWindow}},
		{name: "delay", doc: "from the start until it is looked at; at the end it is looked at in any case", value: duration{to: &v.own.Delay}},
		{name: "abort_on_fail", doc: "whether the run is to end as soon as it fails", value: boolean{to: &v.own.Abort}},
	}}}
}

func (v thresholdValue) read(r *reader, n *yaml.Node) {
	if unquoted(n) {
		r.wrongAt(n, "threshold: got a mapping, as its colon has a blank behind it; want it in quotes, as \"request join: p(95)<200ms\"")
		return
	}
	v.parts().read(r, n)
}

func (v thresholdValue) want() string { return v.parts().want() }

func (v thresholdValue) schema(d *schemas) map[string]any { return v.parts().schema(d) }

// Fragment is a list of steps with a name.
type Fragment struct {
	Name  string
	At    Pos
	Steps []*Step
}

func (f *File) fragments() value {
	return named{what: "lists of steps", item: func(name string, key *yaml.Node) value {
		g := &Fragment{Name: name, At: posOf(key)}
		f.Fragments = append(f.Fragments, g)
		return steps{to: &g.Steps}
	}}
}

// Population is players of one kind.
type Population struct {
	Name   string
	At     Pos
	Weight float64
	Vars   []*Var
	Split  string // a delimiter of logical messages within one frame; empty for none
	Rules  []*Rule
	Steps  []*Step
	Lost   []*Step // for when the connection is lost or could not be opened; then the step that was at hand goes on
}

func (f *File) populations() value {
	all := named{what: "populations", item: func(name string, key *yaml.Node) value {
		p := &Population{Name: name, At: posOf(key), Weight: 1}
		f.Populations = append(f.Populations, p)
		return p.value()
	}}
	return setting{all, func(n *yaml.Node) { f.populationsAt = posOf(n) }}
}

func (p *Population) value() value {
	return section{name: clip(p.Name, 60), fields: []field{
		{name: "weight", doc: "its share of the players, against the others' weights", value: number{to: &p.Weight, min: 0, max: 1e6}},
		{name: "vars", doc: "variables of these players, beyond those of the file", value: vars(&p.Vars)},
		{name: "split", doc: "where one frame holds several messages: `lines`, or what stands between them", value: text{to: &p.Split}},
		{name: "on", doc: "what to do whenever a message of some kind comes, also while a step waits", value: list{what: "rules", item: func() value {
			r := new(Rule)
			p.Rules = append(p.Rules, r)
			return ruleValue{r}
		}}},
		{name: "steps", doc: "what the player does, from its arrival on", required: true, value: steps{to: &p.Steps}},
		{name: "lost", doc: "what it does when its connection is lost or could not be opened, such as reconnect; without it the player ends then", value: steps{to: &p.Lost}},
	}}
}
