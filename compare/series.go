package compare

import (
	"slices"
	"strings"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// direction is which change of a figure is a regression.
type direction int8

const (
	neither      direction = 0
	moreIsWorse  direction = 1
	fewerIsWorse direction = -1
)

// families are the metrics by their names.
var families = func() map[string]*metrics.Family {
	m := make(map[string]*metrics.Family)
	for _, f := range metrics.Families() {
		m[f.Name] = f
	}
	return m
}()

// timed is a series of times.
type timed struct {
	key, name string
	rank      int
	ofRig     bool
	once      bool     // most of it happens once for each player, when it comes
	lags      []string // keys of lateness of the rig that is in it
}

// familyNames are what people call the metrics of times, the most important first.
var familyNames = []struct {
	family *metrics.Family
	name   string
}{
	{metrics.Response, "response"},
	{metrics.RequestResponse, "request"},
	{metrics.DeliveryAge, "delivery"},
	{metrics.TickDeviation, "tick"},
	{metrics.PopulationResponse, "population"},
	{metrics.KernelRoundTrip, "kernel round trip"},
	{metrics.RoundTrip, "round trip"},
	{metrics.RequestRoundTrip, "round trip"},
	{metrics.PopulationRoundTrip, "round trip"},
	{metrics.PingRoundTrip, "ping"},
	{metrics.HandshakeDuration, "handshake"},
	{metrics.ScheduleLag, "schedule lag"},
	{metrics.ReadLag, "read lag"},
	{metrics.LoopTurn, "loop turn"},
}

// aboutRig are metrics that are counted with those of connections and say nothing about the server.
var aboutRig = []*metrics.Family{metrics.ScheduleLag, metrics.ReadLag, metrics.LoopTurn}

// lagsIn gives the series of the rig's own lateness that times of a metric have in them: those that begin when
// something was due, and those that end with a read.
func lagsIn(f *metrics.Family) (keys []string) {
	switch f {
	case metrics.Response, metrics.RequestResponse, metrics.PopulationResponse:
		return []string{metrics.ScheduleLag.Key(), metrics.ReadLag.Key()}
	case metrics.RoundTrip, metrics.RequestRoundTrip, metrics.PopulationRoundTrip, metrics.PingRoundTrip, metrics.DeliveryAge, metrics.TickDeviation:
		return []string{metrics.ReadLag.Key()}
	default:
		return nil
	}
}

// timedOf says what a key of a histogram is; ok is false if it is of no metric that there is.
func timedOf(key string) (t timed, ok bool) {
	name, labels, ok := metrics.ParseKey(key)
	f := families[name]
	if !ok || f == nil || f.Kind != metrics.Times {
		return t, false
	}
	t = timed{
		key: key, rank: len(familyNames), ofRig: f.Group == metrics.OfRig || slices.Contains(aboutRig, f),
		once: f == metrics.HandshakeDuration, lags: lagsIn(f),
	}
	words := []string{strings.ReplaceAll(strings.TrimSuffix(name, "_seconds"), "_", " ")}
	for i, n := range familyNames {
		if n.family == f {
			t.rank, words[0] = i, n.name
		}
	}
	for _, l := range labels {
		if f != metrics.HandshakeDuration || l.Value != metrics.PhaseTotal {
			words = append(words, l.Value)
		}
	}
	t.name = strings.Join(words, " ")
	return t, true
}

// flow is what goes on all the time: a rate per second.
type flow struct {
	series, name string
	keys         []string // added up
	worse        direction
}

// flows are what is compared as rates.
var flows = []flow{
	{metrics.Received.Name, "messages received", data(metrics.Received), fewerIsWorse},
	{metrics.Iterations.Key(), "iterations", []string{metrics.Iterations.Key()}, fewerIsWorse},
	{metrics.Sent.Name, "messages sent", data(metrics.Sent), neither},
	{metrics.ReceivedBytes.Key(), "bytes received", []string{metrics.ReceivedBytes.Key()}, neither},
	{metrics.SentBytes.Key(), "bytes sent", []string{metrics.SentBytes.Key()}, neither},
}

func data(f *metrics.Family) []string {
	return []string{f.Key(messages.OpText.String()), f.Key(messages.OpBinary.String())}
}

// rare is what should not happen, or seldom. Where it is a share, it is one of trials.
type rare struct {
	series, name string
	keys         []string // added up
	less         []string // and these taken away
	trials       []string // counters; none for events per second
	answered     string   // a histogram whose count is among the trials too
}

// expected are causes of disconnects that belong to the plan of a run.
var expected = func() (labels []string) {
	for _, c := range messages.Causes() {
		if c.Expected() {
			labels = append(labels, c.String())
		}
	}
	return labels
}()

// rareOf says what of the rare a counter is; ok is false for others. Those that are shares of the same trials each
// have a key that stands for them.
func rareOf(key string) (r rare, ok bool) {
	name, labels, ok := metrics.ParseKey(key)
	f := families[name]
	if !ok || f == nil || len(labels) != len(f.Labels) {
		return r, false
	}
	label := ""
	if len(labels) > 0 {
		label = labels[0].Value
	}
	r = rare{series: key, keys: []string{key}}
	switch f {
	case metrics.Disconnects:
		r.name = "ended by " + label
		return r, !slices.Contains(expected, label)
	case metrics.Dropped:
		r.name = "dropped: " + label
	case metrics.Strays:
		r.name = label + " message"
		return r, label != messages.StrayForeign.String()
	case metrics.PlayersLost:
		r.name = "players lost"
	case metrics.Faults:
		r.name = "faults"
	case metrics.RequestsLost:
		r.name, r.trials, r.answered = "lost request "+label, []string{key}, metrics.RequestResponse.Key(label)
	case metrics.Checks:
		r.name, r.trials = "failed check "+label, []string{key, metrics.Checks.Key(label, metrics.ResultHeld)}
		return r, labels[1].Value == metrics.ResultFailed
	case metrics.DeliveriesExpected:
		r.name, r.trials = "lost delivery "+label, []string{key}
		r.less = []string{metrics.Deliveries.Key(label, messages.OrderKept.String()), metrics.Deliveries.Key(label, messages.OrderLate.String()),
			metrics.Deliveries.Key(label, messages.OrderCorrupt.String())}
	case metrics.Deliveries:
		order := labels[1].Value
		r.name, r.trials = order+" delivery "+label, []string{metrics.DeliveriesExpected.Key(label)}
		return r, order != messages.OrderKept.String()
	default:
		return r, false
	}
	return r, true
}

// counted tells whether a counter is of use to a comparison.
func counted(key string) bool {
	name, _, _ := metrics.ParseKey(key)
	f := families[name]
	return f != nil && slices.Contains(usedCounters, f)
}

var usedCounters = []*metrics.Family{
	metrics.Received, metrics.Sent, metrics.ReceivedBytes, metrics.SentBytes, metrics.Iterations,
	metrics.Disconnects, metrics.Dropped, metrics.Strays, metrics.PlayersLost, metrics.Faults, metrics.RequestsLost, metrics.Checks,
	metrics.DeliveriesExpected, metrics.Deliveries,
}
