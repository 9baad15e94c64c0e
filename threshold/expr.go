package threshold

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
)

// functions are what an expression may call, beside counters with a part of theirs.
var functions = []string{"request", "delivery", "tick", "check", "population", "metric", "connections", "per_second"}

// expression reads one.
func (n *Names) expression(text string) (*node, *Error) {
	l, err := lift(text)
	if err != nil {
		return nil, err
	}
	config := conf.CreateNew()
	config.MaxNodes, config.DisableIfOperator = maxNodes, true
	tree, broken := parser.ParseWithConfig(l.text, config)
	if broken != nil {
		return nil, l.explain(broken)
	}
	b := &builder{names: n, literals: l}
	root := b.node(tree.Node)
	switch {
	case b.err != nil:
		return nil, b.err
	case root.unit != Truth:
		return nil, wrong("got %s, want a comparison, as response.p(95) < 200ms or dropped == 0", root.unit.noun())
	}
	return root, nil
}

// builder makes nodes of what the parser gave.
type builder struct {
	names    *Names
	literals *literals
	err      *Error // the first mistake
}

// nothing stands for what could not be read.
var nothing = constant(0, Number)

func (b *builder) wrong(at ast.Node, format string, args ...any) *node {
	if b.err == nil {
		b.err = wrong("%s", b.literals.restore(fmt.Sprintf(format, args...)))
		if at != nil {
			b.err.Column = b.literals.column(at.Location().From)
		}
	}
	return nothing
}

// fail keeps an error that has no place yet.
func (b *builder) fail(at ast.Node, err *Error) *node { return b.wrong(at, "%s", err.Message) }

// node reads what has a value.
func (b *builder) node(a ast.Node) *node {
	if b.err != nil {
		return nothing
	}
	switch a := a.(type) {
	case *ast.IntegerNode:
		return constant(float64(a.Value), Number)
	case *ast.FloatNode:
		return constant(a.Value, Number)
	case *ast.IdentifierNode:
		return b.identifier(a)
	case *ast.MemberNode:
		return b.member(a, nil)
	case *ast.CallNode:
		return b.call(a)
	case *ast.UnaryNode:
		return b.unary(a)
	case *ast.BinaryNode:
		return b.binary(a)
	case *ast.BoolNode, *ast.NilNode, *ast.StringNode, *ast.BytesNode:
		return b.wrong(a, "got %s, want a figure, a number, or a time as 200ms", brief(a))
	case *ast.BuiltinNode:
		return b.wrong(a, "unknown function %s: %s", a.Name, among(a.Name, functions))
	default:
		return b.wrong(a, "got what thresholds do not have, want figures, numbers, times, + - * /, comparisons, and, or, not")
	}
}

func (b *builder) unary(a *ast.UnaryNode) *node {
	of := b.node(a.Node)
	switch a.Operator {
	case "not", "!":
		if of.unit == Truth {
			return &node{op: "!", grows: moves, l: of}
		}
		return b.wrong(a, "got %s behind %s, want a comparison, in parentheses", of.unit.noun(), a.Operator)
	case "-":
		if of.unit != Truth {
			n := &node{op: opMinus, unit: of.unit, grows: moves, l: of}
			if of.grows == fixed {
				n.grows = fixed
			}
			return n
		}
		return b.wrong(a, "got - before a comparison, want a figure or a number")
	}
	return b.wrong(a, "unknown operator %s: want + - * /, a comparison, and, or, not", a.Operator)
}

func (b *builder) binary(a *ast.BinaryNode) *node {
	op := a.Operator
	switch op {
	case "and":
		op = "&&"
	case "or":
		op = "||"
	case "+", "-", "*", "/", "&&", "||":
	default:
		if _, ok := turned[op]; !ok {
			return b.wrong(a, "unknown operator %s: want + - * /, a comparison, and, or, not", clip(op, 20))
		}
	}
	l, r := b.node(a.Left), b.node(a.Right)
	if b.err != nil {
		return nothing
	}
	n := join(op, l, r)
	_, compares := turned[op]
	switch {
	case n == nil && l.unit != r.unit && (l.unit == Seconds && r.unit == Number || r.unit == Seconds && l.unit == Number):
		return b.wrong(a, "got a time and a number without a unit on the sides of %s, want both times, as 200ms", a.Operator)
	case n == nil:
		return b.wrong(a, "got %s and %s on the sides of %s, which do not go together", l.unit.noun(), r.unit.noun(), a.Operator)
	case compares && n.grows == fixed:
		return b.wrong(a, "got a comparison without a figure of the run, want one in it, as response.p(95)")
	}
	return n
}

// identifier reads a name that stands alone.
func (b *builder) identifier(a *ast.IdentifierNode) *node {
	if r, size := utf8.DecodeRuneInString(a.Value); size == len(a.Value) && r >= firstLetter && int(r-firstLetter) < len(b.literals.values) {
		return b.literals.values[r-firstLetter]
	}
	if a.Value == "pending" {
		return level([]string{key("sends_pending")}).node()
	}
	s, ok, err := b.names.whole(a.Value)
	switch {
	case err != nil:
		return b.fail(a, err)
	case ok && s.timed != "":
		return b.wrong(a, "got %s alone, want an aggregate of it, as %s.p(95) or %s.count", a.Value, a.Value, a.Value)
	case ok:
		return counting(s.count).node()
	}
	return b.unknown(a, a.Value)
}

// unknown tells a name that nothing has.
func (b *builder) unknown(a ast.Node, name string) *node {
	switch {
	case slices.Contains(aggregates, name) || name == aggP:
		return b.wrong(a, "got %s alone, want a series before it, as response.%s", name, map[bool]string{true: "p(95)", false: name}[name == aggP])
	case slices.Contains(functions, name):
		return b.wrong(a, "got %s alone, want %s", name, usage(name))
	}
	return b.wrong(a, "unknown name %s, want one of those that docs/scenarios.md lists under Thresholds%s", clip(name, 60), meant(name, slices.Concat(unnamed(), functions, []string{"pending"})))
}

// usage shows how a function is called.
func usage(function string) string {
	switch function {
	case "per_second":
		return "per_second(sent)"
	case "metric":
		return `metric('closes_total{code="1006"}')`
	case "connections":
		return `connections("connected")`
	default:
		return fmt.Sprintf(`%s("NAME").%s`, function, map[bool]string{true: "rate", false: "p(95)"}[function == "check"])
	}
}

// call reads what has parentheses: a function, or p of a series.
func (b *builder) call(a *ast.CallNode) *node {
	switch callee := a.Callee.(type) {
	case *ast.MemberNode:
		return b.member(callee, a)
	case *ast.IdentifierNode:
		if callee.Value == "per_second" {
			return b.perSecond(a)
		}
		s, ok := b.series(a)
		switch {
		case b.err != nil:
			return nothing
		case ok && s.timed == "" && s.kind != "check":
			return s.alone()
		case ok:
			return b.wrong(a, "got %s alone, want an aggregate of it, as %s", callee.Value, usage(callee.Value))
		}
		return b.unknown(callee, callee.Value)
	}
	return b.wrong(a, "got a call of what is no function, want one of %s", strings.Join(functions, ", "))
}

// alone gives the figure of a series that is counters or gauges.
func (s *series) alone() *node {
	if s.kind == gauge {
		return level(s.count).node()
	}
	return counting(s.count).node()
}

// gauge is the kind of a series that is what a metric's gauges are.
const gauge = "gauge"

func (b *builder) perSecond(a *ast.CallNode) *node {
	if len(a.Arguments) != 1 {
		return b.wrong(a, "per_second: got %d arguments, want one, as per_second(sent)", len(a.Arguments))
	}
	of := b.node(a.Arguments[0])
	if b.err == nil && (of.unit != Count || of.grows != grows) {
		return b.wrong(a, "per_second: got %s, want what is counted, as sent or response.count", of.unit.noun())
	}
	return &node{op: opPerSecond, unit: PerSecond, grows: moves, l: of}
}

// member reads an aggregate of a series. call is what it is called with; nil if it is not.
func (b *builder) member(a *ast.MemberNode, call *ast.CallNode) *node {
	property, ok := a.Property.(*ast.StringNode)
	s, is := b.series(a.Node)
	switch {
	case b.err != nil:
		return nothing
	case !is:
		if id, ok := a.Node.(*ast.IdentifierNode); ok {
			return b.unknown(id, id.Value)
		}
		if c, ok := a.Node.(*ast.CallNode); ok {
			if id, ok := c.Callee.(*ast.IdentifierNode); ok && id.Value != "per_second" {
				return b.unknown(id, id.Value)
			}
		}
		return b.wrong(a, "got an aggregate of what is no series, want one as response or request(\"NAME\") before it")
	case !ok:
		return b.wrong(a, "got an index, want an aggregate, as .p(95)")
	case s.timed == "" && s.kind != "check":
		return b.wrong(a, "%s has no %s, as it only counts; want it alone, or in per_second()", s.what, clip(property.Value, 40))
	}
	in := ""
	if call != nil {
		switch {
		case len(call.Arguments) == 1 && property.Value == aggP:
			in = "(" + brief(call.Arguments[0]) + ")"
		case property.Value == aggP:
			in = "()"
		default:
			return b.wrong(a, "got %s with parentheses, want it without", clip(property.Value, 40))
		}
	}
	agg, percent, err := aggregate(property.Value, in)
	if err == nil {
		var f *figure
		if f, err = b.names.figure(s, agg, percent, property.Value); err == nil {
			return f.node()
		}
	}
	return b.fail(a, err)
}

// brief writes what is one token. All else is left out: the parser has nodes with two parents, and a tree of such
// nodes is longer, when it is written out, than anybody could wait for.
func brief(a ast.Node) string {
	switch a := a.(type) {
	case *ast.IntegerNode:
		return strconv.Itoa(a.Value)
	case *ast.FloatNode:
		return strconv.FormatFloat(a.Value, 'f', -1, 64)
	case *ast.IdentifierNode:
		return clip(a.Value, 40)
	case *ast.StringNode:
		return strconv.Quote(clip(a.Value, 40))
	case *ast.BoolNode:
		return strconv.FormatBool(a.Value)
	case *ast.NilNode:
		return "nil"
	default:
		return "…"
	}
}

// noun says what a value is.
func (u Unit) noun() string {
	switch u {
	case Seconds:
		return "a time"
	case Share:
		return "a share"
	case Count:
		return "a count"
	case PerSecond:
		return "a rate per second"
	case Number:
		return "a number"
	default:
		return "a comparison"
	}
}
