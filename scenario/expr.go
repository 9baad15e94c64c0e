package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
)

// Function is what expressions may call besides expr's own; the runtime gives it. All are without effects
// but for seq, uuid and the ones of chance.
type Function struct {
	Name string
	Doc  string
	Sign any // a nil func of its type
}

// Functions lists them.
func Functions() []Function {
	return []Function{
		{"uuid", "`uuid()`: a random UUID (version 4)", (func() string)(nil)},
		{"seq", "`seq()`: a number that grows by one each time, for each player", (func() int)(nil)},
		{"random", "`random(a, b)`: a whole number from a to b", (func(a, b int) int)(nil)},
		{"chance", "`chance(p)`: true with the probability p", (func(p float64) bool)(nil)},
		{"fake", "`fake(name)`: data made up by the function of [gofakeit](https://github.com/brianvoe/gofakeit) of that name, as `fake(\"name\")`, `fake(\"email\")`, `fake(\"city\")`", (func(name string) string)(nil)},
		{"now_ms", "`now_ms()`: milliseconds since 1970", (func() int)(nil)},
		{"json", "`json(path)`: what is at that path of the message at hand", (func(path string) any)(nil)},
		{"text", "`text()`: the message at hand", (func() string)(nil)},
		{"size", "`size()`: its bytes", (func() int)(nil)},
		{"env", "`env(\"NAME\")`: a value that was given with `-e`; empty if it was not", (func(name string) string)(nil)},
	}
}

// Constant is a name that every expression may use.
type Constant struct{ Name, Doc string }

// Constants lists them.
func Constants() []Constant {
	return []Constant{
		{"n", "the player's number, from 0"},
		{"iteration", "how often the player has gone through its steps, from 0"},
		{"connected", "whether it is connected"},
	}
}

// refused are expr's own functions that give another answer in each run, whatever the seed.
var refused = []string{"now"}

var reserved = func() map[string]bool {
	names := make(map[string]bool)
	for _, n := range []string{"stamp", "raw", "true", "false", "nil", "null", "in", "not", "and", "or", "let", "if", "else", "matches", "contains", "startsWith", "endsWith"} {
		names[n] = true
	}
	for _, f := range Functions() {
		names[f.Name] = true
	}
	for _, c := range Constants() {
		names[c.Name] = true
	}
	return names
}()

func isReserved(name string) bool { return reserved[name] }

// scope is the names that expressions of one population may use.
type scope struct {
	vars  []string
	slots map[string]int
	feeds []string
	rows  []*Rows // of the feeds; an element is nil if its file could not be read

	env types.Map // made when it is first asked for
}

func (s *scope) add(name string) {
	if _, ok := s.slots[name]; !ok {
		s.slots[name] = len(s.vars)
		s.vars = append(s.vars, name)
		s.env = nil
	}
}

func (s *scope) names() (names []string) {
	for _, c := range Constants() {
		names = append(names, c.Name)
	}
	return slices.Concat(names, s.vars, s.feeds)
}

// environment gives expr the types of names. Variables are of any type, as they come from messages.
func (s *scope) environment() types.Map {
	if s.env != nil {
		return s.env
	}
	s.env = types.Map{"n": types.Int, "iteration": types.Int, "connected": types.Bool}
	for _, f := range Functions() {
		s.env[f.Name] = types.TypeOf(f.Sign)
	}
	for _, name := range slices.Concat(s.vars, s.feeds) {
		s.env[name] = types.Any
	}
	return s.env
}

// What all expressions of a file may take.
const (
	maxExpr  = 4096   // bytes of one
	maxNodes = 500    // of one
	maxExprs = 10_000 // with the fragments put in
	maxRange = 10_000 // elements of a range, as 1..10
)

// spot is a place of a token: the nth in the source at or behind at, which is only looked for if it is
// wanted.
type spot struct {
	at    Pos
	token string
	nth   int
	skip  int // columns behind the token's begin
}

func (c *compiler) place(s spot) Pos {
	if c.full() {
		return s.at
	}
	at := c.find(s.at, strings.TrimSpace(s.token), s.nth)
	if s.token != "{{" && at.Line > s.at.Line+1 {
		return s.at // an expression over several lines; the same text is there again further below
	}
	at.Column += s.skip
	return at
}

// expr compiles an expression; condition tells that it must be true or false. It gives nil after a mistake.
func (c *compiler) expr(text string, where spot, condition bool) *Expr {
	switch {
	case strings.TrimSpace(text) == "":
		c.wrong(c.place(where), "expression: got nothing, want one, as n < 10")
		return nil
	case len(text) > maxExpr:
		c.wrong(c.place(where), "expression: got %d bytes, want at most %d", len(text), maxExpr)
		return nil
	case c.exprs == maxExprs:
		c.wrong(c.place(where), "expression: got more than %d with the fragments put in, want fewer", maxExprs)
		return nil
	}
	c.exprs++
	u := &uses{c: c, scope: c.scope}
	options := []expr.Option{expr.Env(c.scope.environment()), expr.MaxNodes(maxNodes), expr.Patch(u)}
	for _, f := range refused {
		options = append(options, expr.DisableBuiltin(f))
	}
	if condition {
		options = append(options, expr.AsBool())
	}
	p, err := expr.Compile(text, options...)
	if err == nil && u.mistake != "" {
		err = &file.Error{Location: u.at, Message: u.mistake}
		err.(*file.Error).Bind(file.NewSource(text))
	}
	if err != nil {
		if name, ok := unknownName(err); ok && c.hidden[name] {
			return nil
		}
		at, why := c.explain(err, where)
		c.wrong(at, "expression %q: %s", clip(text, 80), why)
		return nil
	}
	return &Expr{Program: p, Uses: u.found, Source: text, At: where.at}
}

// explain words a mistake that expr found, with its place and the nearest name.
func (c *compiler) explain(err error, where spot) (Pos, string) {
	at := c.place(where)
	var e *file.Error
	if !errors.As(err, &e) {
		if got, ok := strings.CutPrefix(err.Error(), "expected bool, but got "); ok {
			return at, fmt.Sprintf("got a value that is %s, want true or false, as n < 10", typeName(got))
		}
		return at, err.Error()
	}
	if strings.HasSuffix(e.Message, "exceeds maximum allowed nodes") {
		return at, fmt.Sprintf("got more than %d parts, want fewer", maxNodes)
	}
	if e.Line == 1 {
		at.Column += e.Column
	}
	name, unknown := unknownName(err)
	switch {
	case unknown && name != "$env":
		names := c.scope.names()
		for _, f := range Functions() {
			names = append(names, f.Name)
		}
		return at, e.Message + ", " + among(name, names)
	case e.Message == "unexpected token EOF":
		return at, "it ends too early"
	case e.Message == `unexpected token Operator("=")`:
		return at, "got =, want == to compare"
	case e.Message == "literal not terminated":
		return at, "got a text without its closing quote"
	}
	return at, strings.TrimSpace(e.Message)
}

// unknownName gives the name, where that is what is wrong.
func unknownName(err error) (name string, ok bool) {
	var e *file.Error
	if !errors.As(err, &e) {
		return "", false
	}
	name, ok = strings.CutPrefix(e.Message, "unknown name ")
	return strings.TrimSpace(name), ok
}

// typeName says what Go's types are to those who do not write it.
func typeName(got string) string {
	switch got {
	case "int", "float64":
		return "a number"
	case "string":
		return "a text"
	case "[]interface {}":
		return "a list"
	}
	return got
}

// uses finds what an expression refers to, and mistakes that expr does not know of.
type uses struct {
	c       *compiler
	scope   *scope
	found   []Use
	mistake string // the first
	at      file.Location
}

func (u *uses) wrong(node ast.Node, format string, args ...any) {
	if u.mistake == "" {
		u.mistake, u.at = fmt.Sprintf(format, args...), node.Location()
	}
}

// Visit implements ast.Visitor.
func (u *uses) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		u.identifier(n)
	case *ast.MemberNode:
		u.member(n)
	case *ast.CallNode:
		u.call(n)
	case *ast.BinaryNode:
		if n.Operator == ".." {
			u.numbers(n)
		}
	}
}

func (u *uses) identifier(n *ast.IdentifierNode) {
	if n.Value == "$env" {
		u.wrong(n, "unknown name $env")
	}
	if slices.ContainsFunc(u.found, func(o Use) bool { return o.Name == n.Value }) {
		return
	}
	if i, ok := u.scope.slots[n.Value]; ok {
		u.found = append(u.found, Use{Name: n.Value, Slot: i, Feed: -1})
	} else if i := slices.Index(u.scope.feeds, n.Value); i >= 0 {
		u.found = append(u.found, Use{Name: n.Value, Slot: -1, Feed: i})
	}
}

// member checks that a feed has the column.
func (u *uses) member(n *ast.MemberNode) {
	id, ok := n.Node.(*ast.IdentifierNode)
	column, text := n.Property.(*ast.StringNode)
	if !ok || !text {
		return
	}
	if i := slices.Index(u.scope.feeds, id.Value); i >= 0 {
		if why := u.scope.column(i, column.Value); why != "" {
			u.wrong(column, "%s", why)
		}
	}
}

// call notes what env is asked for, so that -e can refuse names that nothing asks for, and checks the names
// that fake is given in quotes.
func (u *uses) call(n *ast.CallNode) {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || len(n.Arguments) != 1 {
		return
	}
	name, literal := n.Arguments[0].(*ast.StringNode)
	switch {
	case id.Value == "env" && !literal:
		u.wrong(n.Arguments[0], "env: want a name in quotes, as env(\"ROOM\")")
	case id.Value == "env":
		u.c.asked = append(u.c.asked, name.Value)
	case id.Value == "fake" && literal && u.mistake == "": // the nearest name is looked for once
		u.fake(name)
	}
}

// fake refuses what would make nothing up, at each call.
func (u *uses) fake(name *ast.StringNode) {
	switch info := gofakeit.GetFuncLookup(name.Value); {
	case info == nil:
		names := slices.Sorted(maps.Keys(gofakeit.FuncLookups))
		u.wrong(name, "fake: unknown name %q: %s", clip(name.Value, 60), among(name.Value, names))
	case slices.ContainsFunc(info.Params, func(p gofakeit.Param) bool { return !p.Optional && p.Default == "" }):
		u.wrong(name, "fake: %s needs more than a name, which fake cannot give it; want another", name.Value)
	}
}

// numbers bounds a range, which is a list with all its elements.
func (u *uses) numbers(n *ast.BinaryNode) {
	from, ok1 := n.Left.(*ast.IntegerNode)
	to, ok2 := n.Right.(*ast.IntegerNode)
	switch {
	case !ok1 || !ok2:
		u.wrong(n, "range: want two numbers that are written out, as 1..10")
	case to.Value-from.Value >= maxRange:
		u.wrong(n, "range: got %d elements, want at most %d", to.Value-from.Value+1, maxRange)
	}
}

// column says what is wrong with a column of a feed; nothing if it is empty.
func (s *scope) column(feed int, name string) string {
	r := s.rows[feed]
	if r == nil || r.Has(name) {
		return ""
	}
	return fmt.Sprintf("unknown column %q of %s: %s", clip(name, 60), s.feeds[feed], among(name, slices.Sorted(maps.Keys(r.columns))))
}
