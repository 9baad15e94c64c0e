package threshold

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// series reads what figures can be asked of; ok is false if it is none.
func (b *builder) series(a ast.Node) (s series, ok bool) {
	if id, is := a.(*ast.IdentifierNode); is {
		s, ok, err := b.names.whole(id.Value)
		if err != nil {
			b.fail(a, err)
		}
		return s, ok
	}
	call, is := a.(*ast.CallNode)
	if !is {
		return s, false
	}
	id, is := call.Callee.(*ast.IdentifierNode)
	if !is {
		return s, false
	}
	c, counts := countersByName[id.Value]
	if id.Value == "per_second" || !counts && !slices.Contains(functions, id.Value) {
		return s, false
	}
	name, err := argument(call)
	if err == nil {
		switch {
		case counts:
			s, err = b.names.part(c, name)
		case id.Value == "metric":
			s, err = b.names.ofMetric(name)
		case id.Value == "connections":
			if s = (series{kind: gauge, what: "connections", count: []string{key("connections", "state", name)}}); !slices.Contains(states, name) {
				err = wrong("unknown state %q: %s", clip(name, 60), among(name, states))
			}
		default:
			s, err = b.names.named(id.Value, name)
		}
	} else if !counts {
		err = wrong("%s, as %s", err.Message, usage(id.Value))
	}
	if err != nil {
		b.fail(a, err)
	}
	return s, true
}

// argument gives the text that a function is called with.
func argument(call *ast.CallNode) (string, *Error) {
	name := brief(call.Callee)
	if len(call.Arguments) != 1 {
		return "", wrong("%s: got %d arguments, want one name in quotes", name, len(call.Arguments))
	}
	text, ok := call.Arguments[0].(*ast.StringNode)
	if !ok {
		return "", wrong("%s: got no text, want a name in quotes", name)
	}
	return text.Value, nil
}

// part gives a part of a counter, by the value of its label.
func (n *Names) part(c counter, value string) (series, *Error) {
	if c.label == "" {
		return series{}, wrong("%s: got a name, but it has no parts; want %s alone", c.name, c.name)
	}
	for _, m := range Metrics() {
		for _, l := range m.Labels {
			if m.Name == c.metric && l.Name == c.label && !slices.Contains(l.Values, value) {
				return series{}, wrong("%s: unknown %s %q: %s", c.name, c.label, clip(value, 60), among(value, l.Values))
			}
		}
	}
	return series{kind: c.name, what: c.name, count: n.sum(c, value)}, nil
}

// ofMetric gives the series of a metric that was asked for by its key.
func (n *Names) ofMetric(text string) (series, *Error) {
	m, keys, err := n.metric(text)
	switch {
	case err != nil:
		return series{}, err
	case m.Kind == Gauge:
		return series{kind: gauge, what: "the metric " + m.Name, count: keys}, nil
	case m.Kind == Counter:
		return series{kind: "metric", what: "the metric " + m.Name, count: keys}, nil
	case len(keys) > 1:
		return series{}, wrong("the metric %s has several series, of which one percentile cannot be had; want one of them, as %s", m.Name, m.example())
	case len(keys) == 0:
		return series{kind: "metric", what: "the metric " + m.Name, timed: m.Name}, nil // in a file that has mistakes
	}
	return series{kind: "metric", what: "the metric " + m.Name, timed: keys[0]}, nil
}
