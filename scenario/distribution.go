package scenario

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// Distribution is a time by chance.
type Distribution struct {
	Kind string        // constant, uniform, normal or exponential
	A, B time.Duration // the time · from, to · mean, deviation · mean
}

// distribution reads 2s, {uniform: [1s, 3s]}, {normal: {mean: 2s, deviation: 500ms}} and {exponential: 2s}.
type distribution struct{ to *Distribution }

func (v distribution) forms() either {
	d := v.to
	kind := func(kind string) func(*yaml.Node) { return func(*yaml.Node) { d.Kind = kind } }
	return either{
		setting{duration{to: &d.A}, kind("constant")},
		section{name: "think", fields: []field{
			{name: "uniform", doc: "any time between the two, as `[1s, 3s]`", value: pair{d}},
			{name: "normal", doc: "by the bell curve; never less than 0", value: setting{section{name: "normal", fields: []field{
				{name: "mean", doc: "its middle", required: true, value: duration{to: &d.A}},
				{name: "deviation", doc: "its standard deviation", required: true, value: duration{to: &d.B}},
			}}, kind("normal")}},
			{name: "exponential", doc: "as between arrivals by chance; the value is the mean", value: setting{duration{to: &d.A}, kind("exponential")}},
		}},
	}
}

func (v distribution) read(r *reader, n *yaml.Node) {
	v.forms().read(r, n)
	if n.Kind == yaml.MappingNode && len(n.Content) != 2 {
		r.wrongAt(n, "think: got %d keys, want one of uniform, normal, exponential", len(n.Content)/2)
	}
}

func (v distribution) want() string { return v.forms().want() }

func (v distribution) schema(d *schemas) map[string]any {
	s := v.forms().schema(d)
	mapping := s["anyOf"].([]any)[1].(map[string]any)
	mapping["minProperties"], mapping["maxProperties"] = 1, 1
	return s
}

// pair is two times, the second not less than the first.
type pair struct{ to *Distribution }

func (v pair) read(r *reader, n *yaml.Node) {
	v.to.Kind = "uniform"
	if n.Kind != yaml.SequenceNode || len(n.Content) != 2 {
		r.got(n, v.want())
		return
	}
	duration{to: &v.to.A}.read(r, n.Content[0])
	duration{to: &v.to.B}.read(r, n.Content[1])
	if v.to.B < v.to.A {
		r.wrongAt(n, "uniform: got [%v, %v], want the lesser time first", v.to.A, v.to.B)
	}
}

func (pair) want() string { return "two times, as [1s, 3s]" }

func (pair) schema(d *schemas) map[string]any {
	return map[string]any{"type": "array", "items": duration{}.schema(d), "minItems": 2, "maxItems": 2}
}
