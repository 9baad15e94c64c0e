package report

import (
	"math"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// Sink takes a run while it happens, or when it is read again: first Begin, then records and events in the order
// of time, then End. It is called from one goroutine at a time. A record is the Sink's until Record returns.
type Sink interface {
	Begin(*Manifest) error
	Record(*metrics.Record) error
	Event(Event) error
	// End is told the summary; nil if the run was cut off and there is none.
	End(*Summary) error
}

// Follower is a Sink that is also told, after each record, how the run stands.
type Follower interface {
	Sink
	// Stands is given what Builder.Standing gives, to keep.
	Stands(*Summary) error
}

// Builder makes the summary of a run from its manifest, records and events: while it happens, or from what was
// written of it. It takes memory for the names there are, whatever the length of the run.
type Builder struct {
	manifest *Manifest
	whole    metrics.Whole
	outcome  *Outcome // nil until the run has ended
	events   []Event  // the first ones that are worth telling

	stall Event   // the longest standstill of the rig
	data  float64 // messages up to the last record
	best  float64 // messages a second, in the interval that had the most

	judge *judge
}

// NewBuilder makes the builder of one run; m must not change any more.
func NewBuilder(m *Manifest) *Builder { return &Builder{manifest: m, judge: newJudge(m)} }

// Record takes the next record, and keeps nothing of it. It gives the events that come of thresholds, which who
// makes the records is to tell, to the Builder too; when a run is read again, they are among what was written.
func (b *Builder) Record(r *metrics.Record) []Event {
	b.whole.Add(r)
	b.throughput(r)
	return b.judge.record(r, &b.whole)
}

// maxEvents bounds the events that a summary tells of.
const maxEvents = 100

// Event takes an event.
func (b *Builder) Event(e Event) {
	if e.Kind == Stall && e.Seconds > b.stall.Seconds {
		b.stall = e
	}
	switch {
	case e.Kind == Ended && e.Outcome != nil:
		b.outcome = e.Outcome
		b.judge.ended(e.Outcome)
	case e.Kind == LoadOver:
		b.judge.loadOver(e.At)
	case len(b.events) < maxEvents:
		b.events = append(b.events, e)
	}
}

// Whole gives what the records so far add up to, to be read until the next one.
func (b *Builder) Whole() *metrics.Whole { return &b.whole }

// Summary gives the outcome as far as it is known. A run without the event Ended was cut off: its summary says so.
func (b *Builder) Summary() *Summary { return b.summary(true) }

// Standing gives the summary of a run that is under way: without a verdict, and with the reasons that speak against a
// pass already. Thresholds are not among those: they say what they would, were the run to end now. Of a run that has
// ended it is Summary.
func (b *Builder) Standing() *Summary { return b.summary(false) }

// summary is of a run that ended or was cut off, or of one that may be under way.
func (b *Builder) summary(over bool) *Summary {
	m, w := b.manifest, &b.whole
	o, underWay := b.outcome, false
	if o == nil {
		o, underWay = b.sofar(), !over
	}
	s := &Summary{
		Schema: Schema, Run: m.ID, Name: m.Name, URL: m.URL, Started: m.Started.UTC().Format(time.RFC3339), Tags: m.Tags,
		Duration: o.Load, Interrupted: o.Interrupted, Aborted: o.Aborted, CutOff: b.outcome == nil && over, Players: m.Players,
		Events: append([]Event{}, b.events...),
	}
	s.fill(w)
	s.Connections.ByState, s.Connections.Peak = o.ByState, o.Peak
	s.Rig = Rig{
		Version: m.Version, Go: m.Go, Engine: m.Engine, Shards: m.Shards, CPUSeconds: o.CPU, MaxRSSBytes: o.MaxRSS,
		GCPauseMax: o.GCPause, Panics: o.Panics, Goroutines: o.Goroutines, OpenFileLimit: uint64(m.Host.Files),
		Unanswered: o.Unanswered, Conservation: "ok", DrainSeconds: o.Drain, Unsent: o.Unsent,
	}
	s.Rig.CPUShare = b.ratio(metrics.RigCPU.Key(), metrics.RigCPUUsable.Key())
	s.Rig.StealShare, s.Rig.ThrottledShare = b.steal(), b.throttled()
	s.Rig.GCShare = min(1, b.ratio(metrics.RigGCCPU.Key(), metrics.RigCPU.Key()))
	s.Rig.PeakFiles = uint64(w.Peaks[metrics.RigFiles.Key()])
	if w.Broken != "" {
		s.Rig.Conservation = w.Broken
	}
	if m.Scenario != nil {
		s.Scenario = newScenario(m.Scenario, w, o)
	}
	s.Load = b.load(s)
	s.Trust = b.trust()
	if underWay {
		s.Judge(Basis{}) // what is asked for may be still to come
		s.Verdict, s.Thresholds = "", b.judge.thresholds(w)
		return s
	}
	s.Thresholds = b.judge.thresholds(w)
	s.Judge(Basis{Asked: o.Asked, Details: o.Details})
	return s
}

// sofar gives what is known of a run that has not ended, or never will: what its last record says.
func (b *Builder) sofar() *Outcome {
	w := &b.whole
	o := &Outcome{Load: min(b.judge.end, w.To), ByState: make(map[string]int64), Asked: w.Count(metrics.Transitions, messages.Idle.String(), messages.Connecting.String())}
	for _, st := range messages.States() {
		o.ByState[st.String()] = int64(w.Gauges[metrics.Connections.Key(st.String())])
	}
	o.Peak = int64(w.Peaks[metrics.Connections.Key(messages.Connected.String())])
	o.Unsent = uint64(w.Gauges[metrics.Pending.Key()])
	// What the process cost is told by its last interval, less exactly: a peak between two was not seen.
	o.CPU, o.MaxRSS = w.Counters[metrics.RigCPU.Key()], int64(w.Peaks[metrics.RigResident.Key()])
	o.GCPause, o.Goroutines = w.Peaks[metrics.RigGCPauseWorst.Key()], int(w.Gauges[metrics.RigGoroutines.Key()])
	return o
}

// fill sets what the records say.
func (s *Summary) fill(w *metrics.Whole) {
	c := &s.Connections
	connecting, connected, disconnected := messages.Connecting.String(), messages.Connected.String(), messages.Disconnected.String()
	for _, from := range messages.States() {
		c.Attempted += w.Count(metrics.Transitions, from.String(), connecting)
	}
	c.Opened = w.Count(metrics.Transitions, connecting, connected)
	c.Failed = w.Count(metrics.Transitions, connecting, disconnected)
	c.Compressed = w.Count(metrics.Compressed)
	data := func(f *metrics.Family) uint64 {
		return w.Count(f, messages.OpText.String()) + w.Count(f, messages.OpBinary.String())
	}
	s.Messages = Messages{
		Sent: data(metrics.Sent), Received: data(metrics.Received),
		SentBytes: w.Count(metrics.SentBytes), ReceivedBytes: w.Count(metrics.ReceivedBytes),
		SentWireBytes: w.Count(metrics.SentWire), ReceivedWireBytes: w.Count(metrics.ReceivedWire),
	}
	stray := func(why messages.Stray) uint64 { return w.Count(metrics.Strays, why.String()) }
	s.Messages.Corrupted, s.Messages.Duplicated = stray(messages.StrayCorrupted), stray(messages.StrayDuplicated)
	s.Messages.Foreign = stray(messages.StrayForeign)
	for d := range messages.Drop(messages.NumDrops) {
		s.Messages.Dropped += w.Count(metrics.Dropped, d.String())
	}
	latency := func(f *metrics.Family, labels ...string) Latency { return NewLatency(w.Times(f, labels...)) }
	s.RoundTrip, s.Response = latency(metrics.RoundTrip), latency(metrics.Response)
	s.KernelRoundTrip, s.ReadLag, s.LoopTurn = latency(metrics.KernelRoundTrip), latency(metrics.ReadLag), latency(metrics.LoopTurn)
	s.ScheduleLag, s.Ping = latency(metrics.ScheduleLag), latency(metrics.PingRoundTrip)
	s.Handshake = Handshake{Latency: latency(metrics.HandshakeDuration, metrics.PhaseTotal), Phases: make(map[string]Latency)}
	for p := range messages.Phase(messages.NumPhases) {
		if l := latency(metrics.HandshakeDuration, p.String()); l.Count > 0 {
			s.Handshake.Phases[p.String()] = l
		}
	}
	s.Disconnects = append([]Disconnect{}, w.Ends...)
}

// newScenario gives what the records say of a scenario.
func newScenario(m *ManifestScenario, w *metrics.Whole, o *Outcome) *Scenario {
	c := &Scenario{
		Name: m.Name, Starts: o.Starts, FirstFault: o.FirstFault,
		Iterations: w.Count(metrics.Iterations), PlayersLost: w.Count(metrics.PlayersLost), Faults: w.Count(metrics.Faults),
		Populations: []Population{}, Requests: []Request{}, Checks: []Check{}, Deliveries: []Delivery{}, Ticks: []Tick{},
	}
	latency := func(f *metrics.Family, label string) Latency { return NewLatency(w.Times(f, label)) }
	for i, name := range m.Populations {
		p := Population{
			Name: name, Started: w.Count(metrics.PopulationStarts, name), Ended: w.Count(metrics.PopulationEnds, name),
			Iterations: w.Count(metrics.PopulationIterations, name), Lost: w.Count(metrics.PopulationLost, name),
			Response: latency(metrics.PopulationResponse, name), RoundTrip: latency(metrics.PopulationRoundTrip, name),
		}
		p.Players = int(p.Started)
		if i < len(o.Players) {
			p.Players = o.Players[i]
		}
		c.Populations = append(c.Populations, p)
	}
	for _, name := range m.Requests {
		c.Requests = append(c.Requests, Request{name, w.Count(metrics.RequestsLost, name),
			latency(metrics.RequestResponse, name), latency(metrics.RequestRoundTrip, name)})
	}
	for _, name := range m.Checks {
		c.Checks = append(c.Checks, Check{name, w.Count(metrics.Checks, name, metrics.ResultHeld), w.Count(metrics.Checks, name, metrics.ResultFailed)})
	}
	for _, name := range m.Deliveries {
		d := Delivery{
			Name: name, Published: w.Count(metrics.Publications, name), Expected: w.Count(metrics.DeliveriesExpected, name),
			InOrder:   w.Count(metrics.Deliveries, name, messages.OrderKept.String()),
			Late:      w.Count(metrics.Deliveries, name, messages.OrderLate.String()),
			Duplicate: w.Count(metrics.Deliveries, name, messages.OrderDuplicate.String()),
			Corrupt:   w.Count(metrics.Deliveries, name, messages.OrderCorrupt.String()),
			Latency:   latency(metrics.DeliveryAge, name),
		}
		if came := d.InOrder + d.Late + d.Corrupt; came < d.Expected {
			d.Lost = d.Expected - came
		}
		c.Deliveries = append(c.Deliveries, d)
	}
	for _, name := range m.Ticks {
		h := w.Times(metrics.TickDeviation, name)
		t := Tick{Name: name, Deviation: NewLatency(h)}
		if h.Count() > 0 { // late - early, and both together are the sum
			drift := (2*w.Counters[metrics.TickLate.Key(name)] - h.Sum()) / float64(h.Count())
			t.Drift = math.Round(drift*1e9) / 1e9
		}
		c.Ticks = append(c.Ticks, t)
	}
	return c
}
