package scenario

import (
	"math"
	"time"

	"go.yaml.in/yaml/v4"
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
		{name: "vars", doc: "variables of each player with their first values, which may be templates; -e NAME=VALUE sets them too", value: vars{&f.Vars}},
		{name: "data", doc: "files of rows that players take their data from", value: f.data()},
		{name: "fragments", doc: "steps by name, to be used with call", value: f.fragments()},
		{name: "players", doc: "the populations: who plays what, and how many of each", required: true, value: f.populations()},
		{name: "load", doc: "how many players come, when, and for how long", value: section{name: "load", fields: f.Load.fields(), set: func(n *yaml.Node) { f.Load.At = posOf(n) }}},
		{name: "thresholds", doc: "what must hold for the run to pass, as p(95)<200ms", value: list{what: "thresholds", item: func() value {
			f.Thresholds = append(f.Thresholds, new(Threshold))
			return thresholdValue{f.Thresholds[len(f.Thresholds)-1]}
		}}},
		{name: "outputs", doc: "where results go besides the terminal", value: texts{to: &f.Outputs, what: "outputs"}},
		{name: "tags", doc: "names and values that mark the run", value: f.tags()},
		{name: "seed", doc: "where chance begins: the same seed gives the same traffic; 0 takes one by chance", value: integer{to: &f.Seed, min: 0, max: math.MaxInt32}},
	}
}

type vars struct{ to *[]*Var }

func (v vars) read(r *reader, n *yaml.Node) {
	named{what: "values", item: func(name string, key *yaml.Node) value {
		r.name(key, "variable")
		one := &Var{Name: name, At: posOf(key)}
		*v.to = append(*v.to, one)
		return tree{to: &one.Tree}
	}}.read(r, n)
}

func (vars) schema(*schemas) map[string]any { return map[string]any{"type": "object"} }

// name checks that a name can stand in an expression.
func (r *reader) name(key *yaml.Node, kind string) {
	if !isName(key.Value) {
		r.wrongAt(key, "%s name: got %q, want letters, digits and _, beginning with a letter", kind, clip(key.Value, 60))
	} else if isReserved(key.Value) {
		r.wrongAt(key, "%s name: %s has a meaning of its own in expressions", kind, key.Value)
	}
}

func isName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && s[0] != '_'
}

// Target is the server, and how connections to it are made.
type Target struct {
	URL          string
	URLAt        Pos
	Embedded     string
	EmbeddedAt   Pos
	Subprotocols []string
	Headers      []*Header
	Compress     string // "", on or takeover
	Cookies      bool
	TLS          TLS
	Limits       Limits
}

// Header is a header of the opening handshake; the value may be a template.
type Header struct {
	Name  string
	Value string
	At    Pos
}

// Embedded are the servers that can be started with the run.
var Embedded = []string{"echo", "room", "tick", "json-auth"}

func (t *Target) fields() []field {
	return []field{
		{name: "url", doc: "ws:// or wss:// address; may be a template", value: text{to: &t.URL, pos: &t.URLAt}},
		{name: "embedded", doc: "a server of loadrig's own that is started with the run, instead of url", value: choice{to: &t.Embedded, words: Embedded, pos: &t.EmbeddedAt}},
		{name: "subprotocols", doc: "offered in this order", value: texts{to: &t.Subprotocols, what: "subprotocols"}},
		{name: "headers", doc: "added to the opening handshake; values may be templates", value: headers{&t.Headers}},
		{name: "compress", doc: "permessage-deflate: off, on, or takeover (keep the context between messages)", value: choice{to: &t.Compress, words: []string{"off", "on", "takeover"}}},
		{name: "cookies", doc: "keep cookies of the handshake and send them when reconnecting", value: boolean{&t.Cookies}},
		{name: "tls", doc: "for wss", value: section{name: "tls", fields: t.TLS.fields()}},
		{name: "limits", doc: "what a connection bears with", value: section{name: "limits", fields: t.Limits.fields()}},
	}
}

type headers struct{ to *[]*Header }

func (h headers) read(r *reader, n *yaml.Node) {
	named{what: "values", item: func(name string, key *yaml.Node) value {
		one := &Header{Name: name, At: posOf(key)}
		*h.to = append(*h.to, one)
		return text{to: &one.Value}
	}}.read(r, n)
}

func (headers) schema(*schemas) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
}

// TLS is what wss needs beyond the defaults.
type TLS struct {
	Insecure               bool
	CACert, Cert, Key, SNI string
	Min                    string
}

func (t *TLS) fields() []field {
	return []field{
		{name: "insecure", doc: "accept any certificate", value: boolean{&t.Insecure}},
		{name: "cacert", doc: "PEM file of the authorities to trust", value: text{to: &t.CACert}},
		{name: "cert", doc: "PEM file of the client certificate; {n} is the player's number", value: text{to: &t.Cert}},
		{name: "key", doc: "PEM file of its key", value: text{to: &t.Key}},
		{name: "sni", doc: "server name to send and check", value: text{to: &t.SNI}},
		{name: "min", doc: "oldest version of TLS", value: choice{to: &t.Min, words: []string{"1.0", "1.1", "1.2", "1.3"}}},
	}
}

// Limits are those of package transport; 0 is its default.
type Limits struct {
	DialTimeout, CloseTimeout, WriteTimeout, IdleTimeout, PingInterval time.Duration
	MaxMessage, MaxBacklog                                             int
	OnBacklog                                                          string
}

func (l *Limits) fields() []field {
	return []field{
		{name: "dial_timeout", doc: "for the whole opening handshake", value: duration{to: &l.DialTimeout, min: 1}},
		{name: "close_timeout", doc: "for the server's close frame", value: duration{to: &l.CloseTimeout, min: 1}},
		{name: "write_timeout", doc: "for a socket that takes nothing", value: duration{to: &l.WriteTimeout, min: 1}},
		{name: "idle_timeout", doc: "for a server that sends nothing", value: duration{to: &l.IdleTimeout, min: 1}},
		{name: "ping_interval", doc: "between keep-alive pings", value: duration{to: &l.PingInterval, min: 1}},
		{name: "max_message", doc: "largest message to receive", value: size{&l.MaxMessage}},
		{name: "max_backlog", doc: "bytes that may wait for a server that does not read", value: size{&l.MaxBacklog}},
		{name: "on_backlog", doc: "drop the message or close the connection", value: choice{to: &l.OnBacklog, words: []string{"drop", "close"}}},
	}
}

// Auth is who the players are. The identity's parts may be templates.
type Auth struct {
	At                                                Pos
	Scope                                             string
	User, Organization, Project, World, LaunchContext string
	Token                                             Token
}

// Token is where the delegated token comes from.
type Token struct {
	Value    string // a token for all; @FILE reads it from a file
	Key      string // a file to mint with
	Issuer   string
	Audience []string
	Lifetime time.Duration
}

func (f *File) auth() value {
	a := new(Auth)
	return section{name: "auth", set: func(n *yaml.Node) { f.Auth, a.At = a, posOf(n) }, fields: []field{
		{name: "scope", doc: "which x-m2- headers are sent", value: choice{to: &a.Scope, words: []string{"none", "organization", "project", "world", "launch_context"}}},
		{name: "user", doc: "user id; player-{n} by default", value: text{to: &a.User}},
		{name: "organization", value: text{to: &a.Organization}},
		{name: "project", value: text{to: &a.Project}},
		{name: "world", value: text{to: &a.World}},
		{name: "launch_context", value: text{to: &a.LaunchContext}},
		{name: "token", doc: "the delegated bearer token", value: section{name: "token", fields: []field{
			{name: "value", doc: "a token for all players; @FILE reads it from a file", value: text{to: &a.Token.Value}},
			{name: "key", doc: "private key file to mint each player's token with", value: text{to: &a.Token.Key}},
			{name: "issuer", value: text{to: &a.Token.Issuer}},
			{name: "audience", value: texts{to: &a.Token.Audience, what: "audiences"}},
			{name: "lifetime", value: duration{to: &a.Token.Lifetime, min: time.Second}},
		}}},
	}}
}

// Feed is a file of rows.
type Feed struct {
	Name  string
	At    Pos
	File  string
	Type  string // csv or jsonl; by the file's name if empty
	Order string
	End   string
}

func (f *File) data() value {
	return named{what: "feeds", item: func(name string, key *yaml.Node) value {
		d := &Feed{Name: name, At: posOf(key), Order: "sequential", End: "wrap"}
		f.Data = append(f.Data, d)
		return either{text{to: &d.File}, section{name: name, fields: []field{
			{name: "file", doc: "path, from the scenario file's folder", required: true, value: text{to: &d.File}},
			{name: "format", doc: "csv (with a header line) or jsonl; by default what the name says", value: choice{to: &d.Type, words: []string{"csv", "jsonl"}}},
			{name: "order", doc: "sequential, shuffle (each row once, in an order of chance), random, or unique (a row for each player, never shared)", value: choice{to: &d.Order, words: []string{"sequential", "shuffle", "random", "unique"}}},
			{name: "at_end", doc: "wrap (begin again) or stop (the player)", value: choice{to: &d.End, words: []string{"wrap", "stop"}}},
		}}}
	}}
}

func (f *File) tags() value {
	f.Tags = make(map[string]string)
	return tags{f}
}

type tags struct{ f *File }

func (v tags) read(r *reader, n *yaml.Node) {
	values := make(map[string]*string)
	named{what: "texts", item: func(name string, _ *yaml.Node) value {
		values[name] = new(string)
		return text{to: values[name]}
	}}.read(r, n)
	for name, s := range values {
		v.f.Tags[name] = *s
	}
}

func (tags) schema(*schemas) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
}

// Threshold is what must hold, as it is written.
type Threshold struct {
	Text  string
	At    Pos
	Abort bool
	Delay time.Duration
}

type thresholdValue struct{ own *Threshold }

func (v thresholdValue) parts() either {
	return either{text{to: &v.own.Text, pos: &v.own.At}, section{name: "threshold", fields: []field{
		{name: "that", doc: "as p(95)<200ms, rate<0.01 or count>1000", required: true, value: text{to: &v.own.Text, pos: &v.own.At}},
		{name: "abort", doc: "end the run as soon as it fails", value: boolean{&v.own.Abort}},
		{name: "delay", doc: "from the start until it is looked at", value: duration{to: &v.own.Delay}},
	}}}
}

func (v thresholdValue) read(r *reader, n *yaml.Node) { v.parts().read(r, n) }

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
	return populations{named{what: "populations", item: func(name string, key *yaml.Node) value {
		p := &Population{Name: name, At: posOf(key), Weight: 1}
		f.Populations = append(f.Populations, p)
		return section{name: name, fields: []field{
			{name: "weight", doc: "its share of the players, against the others' weights", value: number{to: &p.Weight, min: 0, max: 1e6}},
			{name: "vars", doc: "variables of these players, beyond those of the file", value: vars{&p.Vars}},
			{name: "split", doc: "lines, or the delimiter, where one frame holds several messages", value: text{to: &p.Split}},
			{name: "on", doc: "what to do whenever a message of some kind comes, also while a step waits", value: list{what: "rules", item: func() value {
				r := new(Rule)
				p.Rules = append(p.Rules, r)
				return r.value()
			}}},
			{name: "steps", doc: "what the player does, from its arrival on", required: true, value: steps{to: &p.Steps}},
			{name: "lost", doc: "what it does when its connection is lost or could not be opened, such as reconnect; without it the player ends then", value: steps{to: &p.Lost}},
		}}
	}}, &f.populationsAt}
}

type populations struct {
	named
	at *Pos
}

func (v populations) read(r *reader, n *yaml.Node) {
	setPos(v.at, n)
	v.named.read(r, n)
}

// LoadModel is how many players come, when, and for how long.
type LoadModel struct {
	At         Pos
	Players    int
	Rate       float64 // arrivals per second
	RateAt     Pos
	Arrivals   string // even or poisson
	Duration   time.Duration
	Iterations int
	Replace    bool
	Start      string // spread or together
	Graceful   time.Duration
	Stages     []*Stage
}

// Stage is a part of the load's course: a number of players, or a rate, to go to.
type Stage struct {
	At       Pos
	Duration time.Duration
	Players  int // -1 if not given
	Rate     float64
	HasRate  bool
	Step     bool // go there at once, and stay
}

func (l *LoadModel) fields() []field {
	l.Graceful = -1
	return []field{
		{name: "players", doc: "closed model: how many are held", value: integer{to: &l.Players, min: 1, max: 10_000_000}},
		{name: "rate", doc: "open model: how many arrive, whatever becomes of those before them, as 50/s", value: rate{to: &l.Rate, pos: &l.RateAt}},
		{name: "arrivals", doc: "even (one by one, at equal distances) or poisson (by chance, at that rate)", value: choice{to: &l.Arrivals, words: []string{"even", "poisson"}}},
		{name: "duration", doc: "how long the load lasts, from the first arrival", value: duration{to: &l.Duration, min: 1}},
		{name: "iterations", doc: "how often each player goes through its steps; 0 is until the load ends", value: integer{to: &l.Iterations, min: 0, max: 1_000_000_000}},
		{name: "replace", doc: "closed model: a player that is done or lost is replaced by a new one", value: boolean{&l.Replace}},
		{name: "start", doc: "spread (players keep out of step with each other) or together (in lock-step)", value: choice{to: &l.Start, words: []string{"spread", "together"}}},
		{name: "graceful_stop", doc: "how long players may finish what they are at when the load ends", value: duration{to: &l.Graceful}},
		{name: "stages", doc: "the course of the load, instead of players or rate", value: list{what: "stages", item: func() value {
			s := &Stage{Players: -1}
			l.Stages = append(l.Stages, s)
			return section{name: "stage", fields: s.fields(), set: func(n *yaml.Node) { s.At = posOf(n) }}
		}}},
	}
}

func (s *Stage) fields() []field {
	return []field{
		{name: "duration", doc: "how long it takes to get there", required: true, value: duration{to: &s.Duration}},
		{name: "players", doc: "how many there are at its end", value: integer{to: &s.Players, min: 0, max: 10_000_000}},
		{name: "rate", doc: "how many arrive at its end, as 50/s", value: hasRate{s}},
		{name: "step", doc: "go there at once and stay for the duration, instead of a ramp", value: boolean{&s.Step}},
	}
}

type hasRate struct{ s *Stage }

func (v hasRate) read(r *reader, n *yaml.Node) {
	v.s.HasRate = true
	rate{to: &v.s.Rate}.read(r, n)
}

func (hasRate) schema(d *schemas) map[string]any { return rate{}.schema(d) }
