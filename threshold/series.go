package threshold

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// figure is one number of a run.
type figure struct {
	name     string // alike for all that are the same
	unit     Unit
	grows    growth
	settles  bool     // it is known only when the run is over
	counters []string // keys that it asks for
	timed    []string
	read     func(View) (v float64, known bool)
}

// What can be asked of a series.
const (
	aggP         = "p" // a percentile; med is that of 50
	aggMin       = "min"
	aggMax       = "max"
	aggMean      = "mean"
	aggRate      = "rate"  // a share: of what was lost, or of a check, what held
	aggCount     = "count" // of what was timed; of a check, how often it was made
	aggPerSecond = "per_second"
)

var aggregates = []string{"p(N)", "min", "max", "mean", "avg", "med", "rate", "count"}

// named are the kinds of series that a scenario gives names to.
var named = []string{"request", "delivery", "tick", "check", "population"}

// timedByName are the series of durations of the whole run.
var timedByName = map[string]string{
	"response":     key("response_seconds"),
	"round_trip":   key("round_trip_seconds"),
	"schedule_lag": key("schedule_lag_seconds"),
	"ping":         key("ping_round_trip_seconds"),
	"handshake":    key("handshake_duration_seconds", "phase", "total"),
	"resolve":      key("handshake_duration_seconds", "phase", "resolve"),
	"connect":      key("handshake_duration_seconds", "phase", "connect"),
	"tls":          key("handshake_duration_seconds", "phase", "tls"),
	"upgrade":      key("handshake_duration_seconds", "phase", "upgrade"),
}

var timedNames = []string{"response", "round_trip", "schedule_lag", "ping", "handshake", "resolve", "connect", "tls", "upgrade"}

// unnamed gives the series that have no name in the short form: those of durations, and counters.
func unnamed() []string {
	all := slices.Clone(timedNames)
	for _, c := range counters {
		all = append(all, c.name)
	}
	return all
}

// Words lists what a threshold in the short form may have before its colon.
func Words() []string { return slices.Concat(named, unnamed()) }

// series is what figures are asked of.
type series struct {
	kind  string // a word of Words, or empty for the responses of the whole run
	name  string // of a kind that has names
	what  string // what messages call it
	timed string // the key of its durations; empty if it has none
	count []string
}

// named looks a series up.
func (n *Names) named(kind, name string) (series, *Error) {
	if names := n.of(kind); !n.Partial && !slices.Contains(names, name) {
		return series{}, wrong("unknown %s %q: %s", kind, clip(name, 80), among(name, names))
	}
	s := series{kind: kind, name: name, what: "a " + kind}
	switch kind {
	case "request":
		s.timed = key("request_response_seconds", kind, name)
	case "delivery":
		s.timed = key("delivery_seconds", kind, name)
	case "tick":
		s.timed = key("tick_deviation_seconds", kind, name)
	case "population":
		s.timed = key("population_response_seconds", kind, name)
	case "check":
		s.count = []string{key("checks_total", kind, name, "result", "held"), key("checks_total", kind, name, "result", "failed")}
	}
	return s, nil
}

// whole gives a series that has no name of its own; ok is false if there is no such word.
func (n *Names) whole(word string) (s series, ok bool, err *Error) {
	s = series{kind: word, what: word}
	if s.timed, ok = timedByName[word]; ok {
		return s, true, nil
	}
	c, ok := countersByName[word]
	if !ok {
		return s, false, nil
	}
	if slices.Contains(ofScenario, c.metric) && !n.scenario() {
		return s, true, wrong("there is no scenario, which %s is of", word)
	}
	s.count = n.sum(c, "")
	return s, true, nil
}

// figure gives what an aggregate of s is; called is the aggregate as it is written.
func (n *Names) figure(s series, agg string, percent float64, called string) (*figure, *Error) {
	_, counts := countersByName[s.kind]
	timed := agg != aggRate && agg != aggCount && agg != aggPerSecond
	switch {
	case s.kind == "check" && (timed || agg == aggPerSecond):
		return nil, wrong("a check has no times, so no %s; want rate or count", called)
	case counts && (timed || agg == aggRate):
		return nil, wrong("%s has no %s, as it only counts; want count or per_second", s.what, called)
	case counts && agg == aggPerSecond:
		return perSecond(counting(s.count)), nil
	case agg == aggCount && s.timed == "":
		return counting(s.count), nil
	case agg == aggCount:
		return countOf(s.timed), nil
	case agg == aggRate:
		return n.share(s)
	case agg == aggPerSecond:
		return nil, wrong("unknown aggregate %q: %s", agg, among(agg, aggregates))
	default:
		return durationOf(s.timed, agg, percent), nil
	}
}

// share gives the rate of s.
func (n *Names) share(s series) (*figure, *Error) {
	switch s.kind {
	case "":
		return n.shareLost("rate", n.Requests)
	case "response":
		return n.shareLost("response.rate", n.Requests)
	case "request":
		return n.shareLost(s.kind+" "+s.name+".rate", []string{s.name})
	case "check":
		return shareOf("check "+s.name+".rate", s.count[:1], s.count, nil), nil
	case "handshake":
		failed := n.sum(countersByName["failed"], "")
		return shareOf("handshake.rate", failed, slices.Concat(failed, n.sum(countersByName["opened"], "")), nil), nil
	case "delivery":
		return shareUndelivered(s), nil
	case "tick":
		return nil, wrong("a tick has no rate, as none is lost; want p(N), min, max, mean, med or count")
	}
	return nil, wrong("%s has no rate; want p(N), min, max, mean, med or count", s.what)
}

// shareLost gives the share of these requests that had no answer.
func (n *Names) shareLost(name string, requests []string) (*figure, *Error) {
	if len(requests) == 0 && !n.Partial {
		return nil, wrong("there is no request, so no rate of those without an answer; want p(N), min, max, mean, med or count")
	}
	var lost, answered []string
	for _, r := range requests {
		lost = append(lost, key("requests_lost_total", "request", r))
		answered = append(answered, key("request_response_seconds", "request", r))
	}
	return shareOf(name, lost, lost, answered), nil
}

// durationOf gives an aggregate of durations.
func durationOf(k, agg string, percent float64) *figure {
	f := &figure{name: fmt.Sprintf("%s.%s", k, agg), unit: Seconds, grows: moves, timed: []string{k}}
	var read func(Times) time.Duration
	switch agg {
	case aggMin:
		read = Times.Min
	case aggMax:
		read = Times.Max
	case aggMean:
		read = Times.Mean
	default:
		f.name += fmt.Sprintf("(%v)", percent)
		read = func(t Times) time.Duration { return t.Quantile(percent / 100) }
	}
	f.read = func(v View) (float64, bool) {
		t := v.Times(k)
		return read(t).Seconds(), t.Count() > 0
	}
	return f
}

// countOf counts durations.
func countOf(keys ...string) *figure {
	return &figure{name: strings.Join(keys, "+") + ".count", unit: Count, grows: grows, timed: keys, read: func(v View) (float64, bool) {
		return add(v, nil, keys), true
	}}
}

// counting adds counters up.
func counting(keys []string) *figure {
	f := &figure{name: strings.Join(keys, "+"), unit: Count, grows: grows, counters: keys}
	if len(keys) > 0 && strings.HasPrefix(keys[0], "tick_late_seconds_total") {
		f.unit = Seconds
	}
	f.read = func(v View) (float64, bool) { return add(v, keys, nil), true }
	return f
}

// level adds gauges up.
func level(keys []string) *figure {
	return &figure{name: strings.Join(keys, "+"), unit: Count, grows: moves, read: func(v View) (sum float64, known bool) {
		for _, k := range keys {
			n, ok := v.Gauge(k)
			sum, known = sum+n, known || ok
		}
		return sum, known
	}}
}

func perSecond(f *figure) *figure {
	per := *f
	per.name, per.unit, per.grows = "per_second("+f.name+")", PerSecond, moves
	per.read = func(v View) (float64, bool) {
		n, known := f.read(v)
		return n / v.Seconds(), known
	}
	return &per
}

// shareOf gives what share of all, counted and timed, a part is.
func shareOf(name string, part, all, timed []string) *figure {
	return &figure{name: name, unit: Share, grows: moves, counters: all, timed: timed, read: func(v View) (float64, bool) {
		n := add(v, all, timed)
		return add(v, part, nil) / n, n > 0
	}}
}

// shareUndelivered gives the share of what was published that did not come to a member. While the run lasts, what
// is on its way would be taken for lost.
func shareUndelivered(s series) *figure {
	expected := key("deliveries_expected_total", s.kind, s.name)
	var came []string
	for _, order := range []string{"in_order", "late", "corrupt"} {
		came = append(came, key("deliveries_total", s.kind, s.name, "order", order))
	}
	return &figure{
		name: "delivery " + s.name + ".rate", unit: Share, grows: moves, settles: true, counters: append(came, expected),
		read: func(v View) (float64, bool) {
			n := v.Count(expected)
			return max(0, n-add(v, came, nil)) / n, n > 0
		},
	}
}

func add(v View, counters, timed []string) (n float64) {
	for _, k := range counters {
		n += v.Count(k)
	}
	for _, k := range timed {
		n += float64(v.Times(k).Count())
	}
	return n
}
