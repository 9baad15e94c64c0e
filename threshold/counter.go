package threshold

import (
	"maps"
	"slices"
)

// Counters lists the counts that have a name of their own.
func Counters() []CounterDoc {
	list := make([]CounterDoc, 0, len(counters))
	for _, c := range counters {
		list = append(list, CounterDoc{c.name, c.doc, c.metric, c.label})
	}
	return list
}

// CounterDoc is such a count: what it counts, the metric it is a part of, and the label by which less of it can be
// asked for; empty for none.
type CounterDoc struct{ Name, Doc, Metric, Label string }

// counter is a count that has a name of its own.
type counter struct {
	name, doc string
	metric    string
	given     map[string]string // labels of the metric that it counts, if not all
	label     string            // of the metric, by which a part of it can be asked for; empty for none
	leave     []string          // values of label that are not in the whole
	only      []string          // values of label that alone are in the whole
}

func to(state string) map[string]string { return map[string]string{"to": state} }

var countersByName = func() map[string]counter {
	all := make(map[string]counter)
	for _, c := range counters {
		all[c.name] = c
	}
	return all
}()

var data = []string{"text", "binary"}

var counters = []counter{
	{name: "sent", doc: "data messages handed to the kernel", metric: "messages_sent_total", label: "opcode", only: data},
	{name: "received", doc: "data messages that came whole", metric: "messages_received_total", label: "opcode", only: data},
	{name: "dropped", doc: "messages that will never be sent", metric: "sends_dropped_total", label: "reason"},
	{name: "sent_bytes", doc: "payload of what was sent", metric: "sent_bytes_total"},
	{name: "received_bytes", doc: "payload of what came", metric: "received_bytes_total"},
	{name: "sent_wire_bytes", doc: "what was sent, with headers and handshakes, as compressed", metric: "sent_wire_bytes_total"},
	{name: "received_wire_bytes", doc: "what came, likewise", metric: "received_wire_bytes_total"},
	{name: "attempted", doc: "attempts to connect", metric: "transitions_total", given: to("connecting")},
	{name: "opened", doc: "attempts that opened", metric: "transitions_total", given: to("connected")},
	{name: "failed", doc: "attempts that did not open", metric: "transitions_total", given: map[string]string{"from": "connecting", "to": "disconnected"}},
	{name: "compressed", doc: "connections that agreed on compression", metric: "compressed_sessions_total"},
	{name: "disconnects", doc: "attempts and connections that ended otherwise than by plan", metric: "disconnects_total", label: "cause", leave: planned},
	{name: "closes", doc: "connections that ended, however they did", metric: "closes_total", label: "code"},
	{name: "refused", doc: "commands that the state of the connection did not allow", metric: "commands_refused_total", label: "command"},
	{name: "iterations", doc: "how often players went through their steps", metric: "iterations_total"},
	{name: "players_lost", doc: "players that ended before they had", metric: "players_lost_total"},
	{name: "faults", doc: "expressions of the scenario that could not be evaluated", metric: "expression_faults_total"},
}

// sum gives the keys that c counts; all of them, or those with one value of its label.
func (n *Names) sum(c counter, part string) []string {
	i := slices.IndexFunc(Metrics(), func(m Metric) bool { return m.Name == c.metric })
	m := Metrics()[i]
	given := maps.Clone(c.given)
	if part != "" {
		return n.keys(m, map[string]string{c.label: part})
	}
	if c.leave == nil && c.only == nil {
		return n.keys(m, given)
	}
	var keys []string
	for _, l := range m.Labels {
		if l.Name != c.label {
			continue
		}
		for _, v := range l.Values {
			if !slices.Contains(c.leave, v) && (c.only == nil || slices.Contains(c.only, v)) {
				keys = append(keys, n.keys(m, map[string]string{c.label: v})...)
			}
		}
	}
	return keys
}
