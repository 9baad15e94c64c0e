package metrics

import (
	"slices"
	"strings"
)

// Kind is what a metric is.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota // only ever grows, from 0 at the start of the run
	Gauge               // what is at this instant
	Times               // a Histogram of durations
)

// String names the kind as Prometheus does.
func (k Kind) String() string {
	switch k {
	case Counter:
		return "counter"
	case Gauge:
		return "gauge"
	default:
		return "histogram"
	}
}

// Group is what a metric is about.
type Group string

// The groups.
const (
	OfConnections Group = "connections" // what a Snapshot has
	OfScenario    Group = "scenario"    // what a ScenarioSnapshot has
	OfRig         Group = "rig"         // what a Health has
)

// Prefix goes before the names of all metrics, in Prometheus and wherever else they leave loadrig.
const Prefix = "loadrig_"

// Family is a metric: a name, and the series that its labels tell apart. Every output calls it the same.
type Family struct {
	Group  Group  // what it is about
	Name   string // without Prefix; ends in the unit, and in _total if it is a counter
	Kind   Kind
	Help   string   // one sentence
	Labels []string // their names; which values they have is bounded, see docs/metrics.md
}

// Key names one series of f: its name, and its labels as Prometheus writes them, such as
// messages_sent_total{opcode="text"}. It is what a Record has its figures by.
func (f *Family) Key(labels ...string) string {
	if len(labels) == 0 {
		return f.Name
	}
	var b strings.Builder
	b.WriteString(f.Name)
	for i, v := range labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(f.Labels[i])
		b.WriteString(`="`)
		escapes.WriteString(&b, v)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

var (
	escapes   = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	unescapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
)

// Label is one label of a series.
type Label struct{ Name, Value string }

// ParseKey takes apart what Key made; ok is false for anything else.
func ParseKey(key string) (name string, labels []Label, ok bool) {
	name, rest, more := strings.Cut(key, "{")
	if name == "" || strings.ContainsAny(name, `"},=`) {
		return "", nil, false
	}
	if !more {
		return name, nil, true
	}
	for {
		label, after, ok := strings.Cut(rest, `="`)
		if !ok || label == "" {
			return "", nil, false
		}
		end := 0
		for end < len(after) && after[end] != '"' {
			if after[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(after)-1 { // a quote, and something behind it
			return "", nil, false
		}
		labels = append(labels, Label{label, unescapes.Replace(after[:end])})
		switch after[end+1] {
		case ',':
			rest = after[end+2:]
		case '}':
			return name, labels, end+2 == len(after)
		default:
			return "", nil, false
		}
	}
}

// Families lists all metrics of loadrig, by name.
func Families() []*Family {
	list := slices.Clone(families)
	slices.SortFunc(list, func(a, b *Family) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Visitor is shown series, each with the values of its family's labels. It may keep labels; a Histogram it must
// not keep.
type Visitor interface {
	Count(f *Family, n float64, labels ...string)
	Gauge(f *Family, v float64, labels ...string)
	Times(f *Family, h *Histogram, labels ...string)
}

var families []*Family

func ofConnections(kind Kind, name, help string, labels ...string) *Family {
	return family(OfConnections, kind, name, help, labels)
}

func ofScenario(kind Kind, name, help string, labels ...string) *Family {
	return family(OfScenario, kind, name, help, labels)
}

func ofRig(kind Kind, name, help string, labels ...string) *Family {
	return family(OfRig, kind, name, help, labels)
}

func family(group Group, kind Kind, name, help string, labels []string) *Family {
	f := &Family{Group: group, Name: name, Kind: kind, Help: help, Labels: labels}
	families = append(families, f)
	return f
}
