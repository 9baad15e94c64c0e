package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
		{"uuid", "uuid(): a random UUID (version 4)", (func() string)(nil)},
		{"seq", "seq(): a number that grows by one each time, for each player", (func() int)(nil)},
		{"random", "random(a, b): a whole number from a to b", (func(a, b int) int)(nil)},
		{"chance", "chance(p): true with the probability p", (func(p float64) bool)(nil)},
		{"fake", "fake(name): data made up, as fake(\"name\"), fake(\"email\"), fake(\"city\")", (func(name string) string)(nil)},
		{"now_ms", "now_ms(): milliseconds since 1970", (func() int)(nil)},
		{"json", "json(path): what is at that path of the message at hand", (func(path string) any)(nil)},
		{"text", "text(): the message at hand", (func() string)(nil)},
		{"size", "size(): its bytes", (func() int)(nil)},
		{"env", "env(name): a value that was given with -e", (func(name string) string)(nil)},
	}
}

// constants are names that every expression may use.
var constants = []string{"n", "iteration", "connected"}

func isReserved(name string) bool {
	return slices.Contains(constants, name) || slices.Contains([]string{"stamp", "true", "false", "nil", "null", "in", "not", "and", "or", "let", "if", "else"}, name) ||
		slices.ContainsFunc(Functions(), func(f Function) bool { return f.Name == name })
}

// scope is the names that expressions of one population may use.
type scope struct {
	vars  []string
	feeds []string
}

func (s *scope) names() []string {
	names := append(slices.Clone(constants), s.vars...)
	return append(names, s.feeds...)
}

// environment gives expr the types of names. Variables are of any type, as they come from messages.
func (s *scope) environment() types.Map {
	env := types.Map{"n": types.Int, "iteration": types.Int, "connected": types.Bool}
	for _, f := range Functions() {
		env[f.Name] = types.TypeOf(f.Sign)
	}
	for _, v := range s.vars {
		env[v] = types.Any
	}
	for _, f := range s.feeds {
		env[f] = types.Any
	}
	return env
}

const maxExpr = 4096 // bytes

// expr compiles an expression; condition tells that it must be true or false. It gives nil after a mistake.
func (c *compiler) expr(text string, at Pos, condition bool) *Expr {
	if len(text) > maxExpr {
		c.wrong(at, "expression: got %d bytes, want at most %d", len(text), maxExpr)
		return nil
	}
	if strings.TrimSpace(text) == "" {
		c.wrong(at, "expression: got nothing, want one, as n < 10")
		return nil
	}
	uses := &users{scope: c.scope}
	options := []expr.Option{expr.Env(c.scope.environment()), expr.MaxNodes(500), expr.Patch(uses)}
	if condition {
		options = append(options, expr.AsBool())
	}
	p, err := expr.Compile(text, options...)
	if err != nil {
		c.wrong(at, "expression %q: %s", clip(text, 80), c.explain(err))
		return nil
	}
	return &Expr{Program: p, Uses: uses.found, Source: text, At: at}
}

// explain words a mistake that expr found, with the nearest name.
func (c *compiler) explain(err error) string {
	var e *file.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	s := fmt.Sprintf("at column %d: %s", e.Column+1, e.Message)
	if name, ok := strings.CutPrefix(e.Message, "unknown name "); ok {
		names := c.scope.names()
		for _, f := range Functions() {
			names = append(names, f.Name)
		}
		s += "; " + among(strings.TrimSpace(name), names)
	}
	return s
}

// users finds which variables and feeds an expression refers to.
type users struct {
	scope *scope
	found []Use
}

// Visit implements ast.Visitor.
func (u *users) Visit(node *ast.Node) {
	id, ok := (*node).(*ast.IdentifierNode)
	if !ok || slices.ContainsFunc(u.found, func(o Use) bool { return o.Name == id.Value }) {
		return
	}
	if i := slices.Index(u.scope.vars, id.Value); i >= 0 {
		u.found = append(u.found, Use{Name: id.Value, Slot: i, Feed: -1})
	} else if i := slices.Index(u.scope.feeds, id.Value); i >= 0 {
		u.found = append(u.found, Use{Name: id.Value, Slot: -1, Feed: i})
	}
}
