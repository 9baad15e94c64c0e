package threshold

import (
	"slices"
	"strings"
)

// Metric is a metric of loadrig's catalogue, by the name that it has in every output, without the prefix.
type Metric struct {
	Name   string
	Kind   Kind
	Labels []Label
}

// Label is a label of a metric, with the values that it may have. Values is nil for the names that a scenario
// gives, which are of the kind that the label is called.
type Label struct {
	Name   string
	Values []string
}

// Kind is what a metric is.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota // only ever grows
	Gauge               // what is at an instant
	Timed               // durations
)

var (
	states     = []string{"idle", "connecting", "connected", "disconnected"}
	commands   = []string{"connect", "reconnect", "disconnect", "send_json", "send_text", "send_binary", "ping"}
	phases     = []string{"resolve", "connect", "tls", "upgrade"}
	opcodes    = []string{"text", "binary", "ping", "pong", "close"}
	drops      = []string{"backlog", "closed"}
	initiators = []string{"local", "remote"}
	causes     = []string{
		"local", "remote", "resolve", "refused", "connect_timeout", "tls", "upgrade_status", "upgrade_invalid", "reset",
		"eof", "idle_timeout", "write_timeout", "protocol_error", "bad_utf8", "too_big", "backlog", "auth",
		"local_resource", "internal", "shutdown", "proxy", "redirect",
	}
	codes = []string{
		"1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1013", "1014",
		"1015", "3000-3999", "4000-4999", "invalid",
	}
)

// planned are the causes that are part of a run's plan.
var planned = []string{"local", "shutdown"}

// Metrics lists the metrics that thresholds know, all of which are measured: build_info is not. They and the
// values of their labels are the catalogue's of package metrics, which this package cannot see; a test of package
// report holds the two equal.
func Metrics() []Metric {
	opcode, request, population := Label{"opcode", opcodes}, Label{"request", nil}, Label{"population", nil}
	delivery, cause, initiator := Label{"delivery", nil}, Label{"cause", causes}, Label{"initiator", initiators}
	return []Metric{
		{"connections", Gauge, []Label{{"state", states}}},
		{"transitions_total", Counter, []Label{{"from", states}, {"to", states}}},
		{"commands_refused_total", Counter, []Label{{"command", commands}, {"state", states}}},
		{"handshake_duration_seconds", Timed, []Label{{"phase", append([]string{"total"}, phases...)}}},
		{"handshake_failures_total", Counter, []Label{{"phase", phases}, {"reason", causes}}},
		{"compressed_sessions_total", Counter, nil},
		{"messages_sent_total", Counter, []Label{opcode}},
		{"messages_received_total", Counter, []Label{opcode}},
		{"stray_messages_total", Counter, []Label{{"reason", []string{"corrupted", "duplicated", "foreign"}}}},
		{"sends_asked_total", Counter, nil},
		{"sends_pending", Gauge, nil},
		{"sends_dropped_total", Counter, []Label{{"reason", drops}}},
		{"sent_bytes_total", Counter, nil},
		{"received_bytes_total", Counter, nil},
		{"sent_wire_bytes_total", Counter, nil},
		{"received_wire_bytes_total", Counter, nil},
		{"round_trip_seconds", Timed, nil},
		{"response_seconds", Timed, nil},
		{"schedule_lag_seconds", Timed, nil},
		{"loop_turn_seconds", Timed, nil},
		{"read_lag_seconds", Timed, nil},
		{"kernel_round_trip_seconds", Timed, nil},
		{"ping_round_trip_seconds", Timed, nil},
		{"disconnects_total", Counter, []Label{cause, initiator}},
		{"closes_total", Counter, []Label{{"code", codes}, initiator}},

		{"request_response_seconds", Timed, []Label{request}},
		{"request_round_trip_seconds", Timed, []Label{request}},
		{"requests_lost_total", Counter, []Label{request}},
		{"checks_total", Counter, []Label{{"check", nil}, {"result", []string{"held", "failed"}}}},
		{"delivery_seconds", Timed, []Label{delivery}},
		{"deliveries_total", Counter, []Label{delivery, {"order", []string{"in_order", "late", "duplicate", "corrupt"}}}},
		{"publications_total", Counter, []Label{delivery}},
		{"deliveries_expected_total", Counter, []Label{delivery}},
		{"tick_deviation_seconds", Timed, []Label{{"tick", nil}}},
		{"tick_late_seconds_total", Counter, []Label{{"tick", nil}}},
		{"population_response_seconds", Timed, []Label{population}},
		{"population_round_trip_seconds", Timed, []Label{population}},
		{"population_starts_total", Counter, []Label{population}},
		{"population_ends_total", Counter, []Label{population}},
		{"population_iterations_total", Counter, []Label{population}},
		{"population_players_lost_total", Counter, []Label{population}},
		{"iterations_total", Counter, nil},
		{"players_lost_total", Counter, nil},
		{"expression_faults_total", Counter, nil},

		{"load_players", Gauge, nil},
		{"load_starts_total", Counter, []Label{{"outcome", []string{"on_time", "late", "missed"}}}},
		{"load_messages_total", Counter, nil},
		{"rig_cpu_seconds_total", Counter, nil},
		{"rig_cpu_usable_seconds_total", Counter, nil},
		{"rig_run_queue_seconds_total", Counter, nil},
		{"rig_context_switches_total", Counter, []Label{{"kind", []string{"voluntary", "involuntary"}}}},
		{"rig_throttled_periods_total", Counter, nil},
		{"rig_quota_periods_total", Counter, nil},
		{"rig_gc_cpu_seconds_total", Counter, nil},
		{"rig_gc_paused_seconds_total", Counter, nil},
		{"rig_stalled_seconds_total", Counter, nil},
		{"rig_seconds_total", Counter, nil},
		{"rig_host_cpu_seconds_total", Counter, []Label{{"mode", []string{"busy", "steal", "iowait", "idle"}}}},
		{"rig_gc_pause_worst_seconds", Gauge, nil},
		{"rig_resident_bytes", Gauge, nil},
		{"rig_goroutines", Gauge, nil},
		{"rig_open_files", Gauge, nil},
		{"rig_open_files_limit", Gauge, nil},
		{"rig_host_tcp_sockets", Gauge, []Label{{"state", []string{"used", "time_wait"}}}},
		{"rig_host_ports", Gauge, nil},
	}
}

// ofScenario are the metrics without labels that only a scenario has.
var ofScenario = []string{"iterations_total", "players_lost_total", "expression_faults_total"}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// key names one series, as records do.
func key(metric string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(metric)
	for i := 0; i < len(pairs); i += 2 {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(pairs[i] + `="`)
		escapes.WriteString(&b, pairs[i+1])
		b.WriteByte('"')
	}
	if len(pairs) > 0 {
		b.WriteByte('}')
	}
	return b.String()
}

// keys gives the series of m that have these labels, those not given having any value.
func (n *Names) keys(m Metric, given map[string]string) []string {
	sets := [][]string{nil} // pairs of each series so far
	for _, l := range m.Labels {
		values := n.values(l)
		if v, ok := given[l.Name]; ok {
			values = []string{v}
		}
		var longer [][]string
		for _, pairs := range sets {
			for _, v := range values {
				longer = append(longer, append(slices.Clip(pairs), l.Name, v))
			}
		}
		sets = longer
	}
	list := make([]string, 0, len(sets))
	for _, pairs := range sets {
		list = append(list, key(m.Name, pairs...))
	}
	return list
}

// values gives those that a label may have.
func (n *Names) values(l Label) []string {
	if l.Values != nil {
		return l.Values
	}
	return n.of(l.Name)
}

// of gives the names of one kind.
func (n *Names) of(kind string) []string {
	switch kind {
	case "request":
		return n.Requests
	case "check":
		return n.Checks
	case "delivery":
		return n.Deliveries
	case "tick":
		return n.Ticks
	case "population":
		return n.Populations
	default:
		return nil
	}
}

// metric reads a key as Prometheus writes it, name{label="value"}, where labels may be left out.
func (n *Names) metric(text string) (m Metric, keys []string, err *Error) {
	name, labels, _ := strings.Cut(text, "{")
	name = strings.TrimPrefix(strings.TrimSpace(name), "loadrig_")
	all := Metrics()
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		var names []string
		for _, m := range all {
			names = append(names, m.Name)
		}
		return m, nil, wrong("unknown metric %q: %s", clip(name, 60), among(name, names))
	}
	m = all[i]
	if !n.scenario() && (slices.Contains(ofScenario, m.Name) || len(m.Labels) > 0 && m.Labels[0].Values == nil) {
		return m, nil, wrong("there is no scenario, which the metric %s is of", m.Name)
	}
	given, err := n.labels(m, labels, strings.Contains(text, "{"))
	if err != nil {
		return m, nil, err
	}
	if keys = n.keys(m, given); len(keys) == 0 && !n.Partial {
		return m, nil, wrong("the metric %s has no series, as the scenario has no %s", m.Name, m.Labels[0].Name)
	}
	return m, keys, nil
}

// labels reads what stands behind {.
func (n *Names) labels(m Metric, text string, any bool) (map[string]string, *Error) {
	given := make(map[string]string)
	if !any {
		return given, nil
	}
	bad := wrong("got the metric %s with labels that cannot be read, want them as %s", m.Name, m.example())
	rest := strings.TrimSpace(text)
	for first := true; !strings.HasPrefix(rest, "}"); first = false {
		if !first {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return nil, bad
			}
		}
		name, after, ok := strings.Cut(rest, "=")
		name, after = strings.TrimSpace(name), strings.TrimSpace(after)
		if !ok || !strings.HasPrefix(after, `"`) {
			return nil, bad
		}
		value, behind, ok := quoted(after[1:])
		if !ok {
			return nil, bad
		}
		rest = strings.TrimSpace(behind)
		i := slices.IndexFunc(m.Labels, func(l Label) bool { return l.Name == name })
		if i < 0 {
			var names []string
			for _, l := range m.Labels {
				names = append(names, l.Name)
			}
			return nil, wrong("the metric %s has no label %q: %s", m.Name, clip(name, 40), among(name, names))
		}
		values := n.values(m.Labels[i])
		if !slices.Contains(values, value) && !(n.Partial && m.Labels[i].Values == nil) {
			return nil, wrong("unknown %s %q of the metric %s: %s", name, clip(value, 60), m.Name, among(value, values))
		}
		if _, twice := given[name]; twice {
			return nil, wrong("got the label %s of the metric %s twice, want it once", name, m.Name)
		}
		given[name] = value
	}
	if strings.TrimSpace(rest[1:]) != "" {
		return nil, bad
	}
	return given, nil
}

// example shows how a metric is asked for.
func (m Metric) example() string {
	if len(m.Labels) == 0 {
		return m.Name
	}
	v := "NAME"
	if l := m.Labels[0]; l.Values != nil {
		v = l.Values[0]
	}
	return key(m.Name, m.Labels[0].Name, v)
}

// quoted reads a label's value up to its closing quote.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}
