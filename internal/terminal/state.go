package terminal

import (
	"math"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// maxNews bounds the events and notes that are shown; the last ones are.
const maxNews = 200

// state is what is known of a run: what its last record and what its summary so far say. It has a bounded size.
type state struct {
	manifest *report.Manifest
	summary  *report.Summary // as it stands; nil before the first record
	now      interval
	faults   []fault
	series   [numSeries]series
	news     []news
	stalls   int
	over     bool // the load is
	ended    bool
}

// interval is what one record says.
type interval struct {
	from, to                    float64 // seconds since the run began
	states                      [messages.NumStates]float64
	wanted                      float64 // players; NaN where the load does not say
	attempted, opened, failed   float64 // a second
	asked, sent, received       float64 // a second; asked is NaN where nothing is
	response, roundTrip         report.Latency
	lag, turn                   float64 // seconds, 99th percentiles; NaN for none
	cpu, wait, gc, paused       float64 // shares; NaN where the system does not tell
	gcWorst                     float64 // seconds
	memory, files, limit, procs float64 // NaN where the system does not tell; procs are goroutines
	stalled                     float64 // seconds, in all
}

// fault is one way in which things went wrong.
type fault struct {
	name      string
	total     float64
	perSecond float64 // in the last interval
}

// news is an event of the run, or a line that was said meanwhile.
type news struct {
	at   float64 // seconds since the run began
	text string
	bad  bool
}

// What is kept of the last intervals.
const (
	ofConnected = iota
	ofSent
	ofResponse // p99, as the next
	ofRoundTrip
	ofLag
	ofCPU
	numSeries
)

// history is how many intervals are kept: five minutes of those of a second.
const history = 300

// series has the values of the last intervals.
type series struct {
	values [history]float64
	count  int // of all there were
}

func (s *series) add(v float64) {
	s.values[s.count%history] = v
	s.count++
}

// last gives the last ones, in at most n groups of equal size, each the greatest of its values or their mean. Groups
// begin at the same values all the time, so that a picture of them moves and does not flicker; NaN is no value.
func (s *series) last(n int, greatest bool) (groups []float64, size int) {
	have := min(s.count, history)
	if n <= 0 || have == 0 {
		return nil, 1
	}
	first := s.count - have
	// There are two groups at the least, as two values may be in different ones whatever their size is.
	for size = 1; size < have && (s.count-1)/size-first/size+1 > max(2, n); {
		size++
	}
	for at := first - first%size; at < s.count; at += size {
		sum, most, values := 0.0, math.NaN(), 0
		for i := max(at, first); i < min(at+size, s.count); i++ {
			v := s.values[i%history]
			if math.IsNaN(v) {
				continue
			}
			sum += v
			values++
			if math.IsNaN(most) || v > most {
				most = v
			}
		}
		switch {
		case values == 0:
			groups = append(groups, math.NaN())
		case greatest:
			groups = append(groups, most)
		default:
			groups = append(groups, sum/float64(values))
		}
	}
	return groups[max(0, len(groups)-n):], size
}

// tell adds news.
func (s *state) tell(n news) {
	if len(s.news) >= maxNews {
		s.news = slices.Delete(s.news, 0, len(s.news)-maxNews+1)
	}
	s.news = append(s.news, n)
}

// copy gives a state that does not change.
func (s *state) copy() state {
	c := *s
	c.news = slices.Clone(s.news)
	return c
}

// counters turns records into rates.
type counters struct {
	before map[string]float64
	now    map[string]float64
	span   float64 // seconds
}

func (c *counters) grown(keys ...string) float64 {
	sum := 0.0
	for _, k := range keys {
		sum += c.now[k] - c.before[k]
	}
	return max(0, sum)
}

// rate gives by how much counters grow a second.
func (c *counters) rate(keys ...string) float64 {
	if c.span <= 0 {
		return 0
	}
	return c.grown(keys...) / c.span
}

// share gives which part of one counter another is; NaN where there is none.
func (c *counters) share(part, of string) float64 {
	if _, known := c.now[of]; !known {
		return math.NaN()
	}
	all := c.grown(of)
	if all <= 0 {
		return math.NaN()
	}
	return c.grown(part) / all
}

// keysOf are the keys of the counters that rates are made of.
var keysOf = struct {
	attempted, opened, failed, sent, received, asked []string
}{
	attempted: transitions(messages.Connecting),
	opened:    []string{metrics.Transitions.Key(messages.Connecting.String(), messages.Connected.String())},
	failed:    []string{metrics.Transitions.Key(messages.Connecting.String(), messages.Disconnected.String())},
	sent:      []string{metrics.Sent.Key(messages.OpText.String()), metrics.Sent.Key(messages.OpBinary.String())},
	received:  []string{metrics.Received.Key(messages.OpText.String()), metrics.Received.Key(messages.OpBinary.String())},
	asked:     []string{metrics.LoadMessages.Key()},
}

func transitions(to messages.State) (keys []string) {
	for _, from := range messages.States() {
		keys = append(keys, metrics.Transitions.Key(from.String(), to.String()))
	}
	return keys
}

// record takes what a record says, and keeps nothing of it.
func (s *state) record(r *metrics.Record, c *counters) {
	c.now, c.span = r.Counters, r.Seconds()
	gauge := func(f *metrics.Family, labels ...string) float64 {
		if v, ok := r.Gauges[f.Key(labels...)]; ok {
			return v
		}
		return math.NaN()
	}
	p99 := func(f *metrics.Family) float64 {
		if h := r.Histograms[f.Key()]; h != nil && h.Count() > 0 {
			return h.Quantile(.99).Seconds()
		}
		return math.NaN()
	}
	latency := func(f *metrics.Family) (l report.Latency) {
		if h := r.Histograms[f.Key()]; h != nil {
			l = report.NewLatency(h)
		}
		return l
	}
	n := interval{
		from: r.From, to: r.To, wanted: gauge(metrics.LoadPlayers),
		attempted: c.rate(keysOf.attempted...), opened: c.rate(keysOf.opened...), failed: c.rate(keysOf.failed...),
		asked: c.rate(keysOf.asked...), sent: c.rate(keysOf.sent...), received: c.rate(keysOf.received...),
		response: latency(metrics.Response), roundTrip: latency(metrics.RoundTrip),
		lag: p99(metrics.ScheduleLag), turn: p99(metrics.LoopTurn),
		cpu: c.share(metrics.RigCPU.Key(), metrics.RigCPUUsable.Key()), wait: c.share(metrics.RigRunQueue.Key(), metrics.RigWallClock.Key()),
		gc: c.share(metrics.RigGCCPU.Key(), metrics.RigCPU.Key()), paused: c.share(metrics.RigGCPaused.Key(), metrics.RigWallClock.Key()),
		gcWorst: gauge(metrics.RigGCPauseWorst), memory: gauge(metrics.RigResident), files: gauge(metrics.RigFiles),
		limit: gauge(metrics.RigFileLimit), procs: gauge(metrics.RigGoroutines), stalled: r.Counters[metrics.RigStalled.Key()],
	}
	for _, st := range messages.States() {
		n.states[st] = r.Gauges[metrics.Connections.Key(st.String())]
	}
	if _, asks := r.Counters[metrics.LoadMessages.Key()]; !asks {
		n.asked = math.NaN()
	}
	s.now = n
	s.faults = faultsOf(r, c)
	p99of := func(l report.Latency) float64 {
		if l.Count == 0 {
			return math.NaN()
		}
		return l.P99
	}
	for i, v := range [numSeries]float64{
		ofConnected: n.states[messages.Connected], ofSent: n.sent, ofResponse: p99of(n.response), ofRoundTrip: p99of(n.roundTrip),
		ofLag: n.lag, ofCPU: n.cpu,
	} {
		s.series[i].add(v)
	}
	c.remember(r.Counters)
}

// remember keeps counters for the next record.
func (c *counters) remember(now map[string]float64) {
	if c.before == nil {
		c.before = make(map[string]float64)
	}
	for k, v := range now {
		c.before[k] = v
	}
	c.now = nil
}

// faultsOf lists what went wrong, the most frequent first: attempts by phase and cause, sessions by cause, and what
// became of messages. A counter has its series only once it counts, so the names there are bound the list.
func faultsOf(r *metrics.Record, c *counters) []fault {
	sums := make(map[string]*fault)
	add := func(name, key string, sign float64) {
		f := sums[name]
		if f == nil {
			f = &fault{name: name}
			sums[name] = f
		}
		f.total += sign * r.Counters[key]
		if c.span > 0 {
			f.perSecond += sign * (r.Counters[key] - c.before[key]) / c.span
		}
	}
	for key := range r.Counters {
		name, rest, _ := strings.Cut(key, "{")
		words, known := faultOf[name]
		if !known {
			continue
		}
		var labels []metrics.Label
		if rest != "" {
			_, labels, _ = metrics.ParseKey(key)
		}
		words(add, key, labels)
	}
	list := make([]fault, 0, len(sums))
	for _, f := range sums {
		if f.total > 0.5 {
			f.perSecond = max(0, f.perSecond)
			list = append(list, *f)
		}
	}
	slices.SortFunc(list, func(a, b fault) int {
		if a.total != b.total {
			return int(math.Copysign(1, b.total-a.total))
		}
		return strings.Compare(a.name, b.name)
	})
	return list
}

// planned are the causes that are part of a run's plan.
var planned = func() map[string]bool {
	m := make(map[string]bool)
	for _, c := range messages.Causes() {
		m[c.String()] = c.Expected()
	}
	return m
}()

type adder func(name, key string, sign float64)

// faultOf words the counters of what went wrong, by the names of their families. An attempt that failed is among the
// disconnects too, and is told once, with its phase.
var faultOf = map[string]func(add adder, key string, l []metrics.Label){
	metrics.Disconnects.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 0 && !planned[l[0].Value] {
			add("ended: "+l[0].Value, key, 1)
		}
	},
	metrics.HandshakeFailures.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 1 && !planned[l[1].Value] {
			add(l[0].Value+": "+l[1].Value, key, 1)
			add("ended: "+l[1].Value, key, -1)
		}
	},
	metrics.Dropped.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 0 {
			add("dropped: "+l[0].Value, key, 1)
		}
	},
	metrics.Strays.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 0 {
			add(l[0].Value, key, 1)
		}
	},
	metrics.Checks.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 1 && l[1].Value == metrics.ResultFailed {
			add("failed checks", key, 1)
		}
	},
	metrics.RequestsLost.Name: func(add adder, key string, _ []metrics.Label) { add("lost requests", key, 1) },
	metrics.PlayersLost.Name:  func(add adder, key string, _ []metrics.Label) { add("lost players", key, 1) },
	metrics.Faults.Name:       func(add adder, key string, _ []metrics.Label) { add("expression faults", key, 1) },
	metrics.LoadStarts.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 0 && l[0].Value == metrics.StartMissed {
			add("missed starts", key, 1)
		}
	},
	metrics.Deliveries.Name: func(add adder, key string, l []metrics.Label) {
		if len(l) > 1 && l[1].Value != messages.OrderKept.String() {
			add("deliveries "+l[1].Value, key, 1)
		}
	},
}
