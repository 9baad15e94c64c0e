package threshold

import (
	"fmt"
	"math"
	"strconv"
)

// node is a part of a threshold.
type node struct {
	op    string // see the constants; of the rest, as it is written
	unit  Unit   // Truth for what is true or false
	grows growth
	value float64 // of opConstant
	fig   *figure // of opFigure
	l, r  *node   // r is nil for what has one side
}

// The nodes that are not an operator.
const (
	opConstant  = "constant"
	opFigure    = "figure"
	opPerSecond = "per_second"
	opMinus     = "minus"
)

// growth is how a value moves while a run goes on.
type growth uint8

const (
	fixed growth = iota // not at all
	grows               // upwards only
	moves               // as it likes
)

// turned gives what a comparison is when its sides change places.
var turned = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

// compares tells comparisons from all else.
func (n *node) compares() bool { _, ok := turned[n.op]; return ok }

// each calls f with n and all below it.
func (n *node) each(f func(*node)) {
	if n != nil {
		f(n)
		n.l.each(f)
		n.r.each(f)
	}
}

// String gives n in a form that does not depend on how it was written.
func (n *node) String() string {
	switch {
	case n.op == opConstant:
		return strconv.FormatFloat(n.value, 'g', -1, 64) + map[Unit]string{Seconds: "s"}[n.unit]
	case n.op == opFigure:
		return n.fig.name
	case n.r == nil:
		return fmt.Sprintf("%s(%s)", n.op, n.l)
	default:
		return fmt.Sprintf("(%s %s %s)", n.l, n.op, n.r)
	}
}

// eval gives the value of n, where true is 1 and false is 0; known is false if it depends on something that was
// not measured. soFar tells that the run goes on: then a comparison that a growing count may still change, as it
// has not reached its bound, is not known either, nor is what only the end shows.
func (n *node) eval(v View, soFar bool) (value float64, known bool) {
	switch n.op {
	case opConstant:
		return n.value, true
	case opFigure:
		if soFar && n.fig.settles {
			return 0, false
		}
		value, known = n.fig.read(v)
		return finite(value, known)
	case "&&", "||":
		return n.logic(v, soFar)
	case "!":
		value, known = n.l.eval(v, soFar)
		return 1 - value, known
	}
	l, known := n.l.eval(v, soFar)
	if !known {
		return 0, false
	}
	switch n.op {
	case opMinus:
		return -l, true
	case opPerSecond:
		return finite(l/v.Seconds(), true)
	}
	r, known := n.r.eval(v, soFar)
	if !known {
		return 0, false
	}
	if soFar && n.compares() && !n.decided(l, r) {
		return 0, false
	}
	switch n.op {
	case "+":
		return finite(l+r, true)
	case "-":
		return finite(l-r, true)
	case "*":
		return finite(l*r, true)
	case "/":
		return finite(l/r, true)
	default:
		return truth(compare(n.op, l, r)), true
	}
}

// finite makes what is no number, as a share of nothing, unknown.
func finite(v float64, known bool) (float64, bool) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, false
	}
	return v, known
}

// logic decides as soon as one side does, whatever is known of the other.
func (n *node) logic(v View, soFar bool) (float64, bool) {
	decides := truth(n.op == "||")
	l, known := n.l.eval(v, soFar)
	if known && l == decides {
		return l, true
	}
	r, also := n.r.eval(v, soFar)
	if also && r == decides {
		return r, true
	}
	return 1 - decides, known && also
}

// decided tells whether more of what grows cannot change a comparison, one side of which is fixed.
func (n *node) decided(l, r float64) bool {
	op, growing, bound := n.op, l, r
	switch {
	case n.l.grows == fixed && n.r.grows == grows:
		op, growing, bound = turned[op], r, l
	case n.l.grows != grows || n.r.grows != fixed:
		return true
	}
	switch op {
	case "<", ">=":
		return growing >= bound
	default: // ==, !=, <= and >
		return growing > bound
	}
}

func compare(op string, l, r float64) bool {
	switch op {
	case "<":
		return l < r
	case "<=":
		return l <= r
	case ">":
		return l > r
	case ">=":
		return l >= r
	case "==":
		return l == r
	default:
		return l != r
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func constant(v float64, u Unit) *node { return &node{op: opConstant, unit: u, value: v} }

func (f *figure) node() *node { return &node{op: opFigure, unit: f.unit, grows: f.grows, fig: f} }

// join makes a node of two sides and what is between them; nil if they do not go together.
func join(op string, l, r *node) *node {
	n := &node{op: op, l: l, r: r, grows: max(l.grows, r.grows)}
	if n.grows == grows && (op == "-" && r.grows == grows || op == "/" && r.grows == grows || (op == "*" || op == "/") && (below(l) || below(r))) {
		n.grows = moves
	}
	switch op {
	case "&&", "||":
		if l.unit != Truth || r.unit != Truth {
			return nil
		}
		n.grows = moves
		return n
	case "*":
		n.unit = product(l.unit, r.unit)
	case "/":
		n.unit = ratio(l.unit, r.unit)
	default:
		if n.unit = same(l.unit, r.unit); n.unit != Truth && n.compares() {
			n.unit = Truth
			return n
		}
	}
	if n.unit == Truth {
		return nil
	}
	return n
}

// below tells whether n may be below 0.
func below(n *node) bool { return n.grows != grows && !(n.op == opConstant && n.value >= 0) }

// same gives the unit that two values have in common; Truth if they have none. A number takes on any but a time,
// of which nobody could tell whether it means seconds or milliseconds.
func same(a, b Unit) Unit {
	switch {
	case a == b:
		return a
	case a == Number && b != Seconds && b != Truth:
		return b
	case b == Number && a != Seconds && a != Truth:
		return a
	default:
		return Truth
	}
}

// product gives the unit of a product; Truth if it has no meaning.
func product(a, b Unit) Unit {
	switch {
	case a == Truth || b == Truth:
		return Truth
	case b == Number || b == Share:
		return a
	case a == Number || a == Share:
		return b
	default:
		return Truth
	}
}

// ratio gives the unit of a quotient; Truth if it has no meaning.
func ratio(a, b Unit) Unit {
	switch {
	case a == Truth || b == Truth:
		return Truth
	case b == Number || b == Share:
		return a
	case a == b:
		return Number
	default:
		return Truth
	}
}
