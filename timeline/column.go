package timeline

import (
	"math"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// merging says what becomes of two neighbouring rows' figures.
type merging uint8

const (
	first merging = iota
	last          // what is at the end of the row
	sum           // what was counted in the row; not known if of one of its intervals it is not
	most          // the worst of the row's intervals
)

// none is the figure of what there is nothing of.
var none = math.NaN()

func (m merging) merge(a, b float64) float64 {
	switch {
	case m == sum:
		return a + b
	case a != a:
		return b
	case b != b:
		return a
	case m == first:
		return a
	case m == last:
		return b
	default:
		return max(a, b)
	}
}

// column is one figure of all rows.
type column struct {
	key     string
	merging merging
	counts  bool // whole numbers, written with all their digits
	read    func(*metrics.Record) float64
}

// columns are made once for a run. Each may keep what the last record had: they are read in turn, once a record.
type columns struct {
	list []column
	heat []heatColumn

	to   float64 // where the last record ended
	torn bool    // records are missing between the last one and the one that is read
}

// grain is by how much times may differ that are the same.
const grain = 1e-3

// next is told each record before it is read.
func (c *columns) next(r *metrics.Record) {
	c.torn, c.to = r.From > c.to+grain, r.To
}

func newColumns(m *report.Manifest) *columns {
	c := new(columns)
	c.add("from", first, false, func(r *metrics.Record) float64 { return r.From })
	c.add("to", last, false, func(r *metrics.Record) float64 { return r.To })
	c.connections(m)
	c.traffic()
	c.times(m)
	if m.Scenario != nil {
		c.scenario(m.Scenario)
	}
	c.rig()
	return c
}

func (c *columns) add(key string, by merging, counts bool, read func(*metrics.Record) float64) {
	c.list = append(c.list, column{key, by, counts, read})
}

// counted adds what some counters grew by.
func (c *columns) counted(key string, of ...string) { c.grown(key, true, of) }

// spent adds what some counters of seconds grew by.
func (c *columns) spent(key string, of ...string) { c.grown(key, false, of) }

// grown adds what is not known where records are missing: what was counted in those would be in the next one too.
func (c *columns) grown(key string, counts bool, of []string) {
	before := 0.0
	c.add(key, sum, counts, func(r *metrics.Record) float64 {
		now := 0.0
		for _, k := range of {
			now += r.Counters[k]
		}
		n := max(0, now-before)
		before = now
		if c.torn {
			return none
		}
		return n
	})
}

// asked adds what a counter grew by that is not there where nothing is asked for.
func (c *columns) asked(key string, of ...string) {
	c.grown(key, false, of)
	added := &c.list[len(c.list)-1]
	grew := added.read
	added.read = func(r *metrics.Record) float64 {
		n := grew(r)
		for _, k := range of {
			if _, ok := r.Counters[k]; ok {
				return n
			}
		}
		return none
	}
}

// gauge adds a gauge.
func (c *columns) gauge(key string, by merging, of string) {
	c.add(key, by, true, func(r *metrics.Record) float64 {
		if v, ok := r.Gauges[of]; ok {
			return v
		}
		return none
	})
}

func (c *columns) connections(m *report.Manifest) {
	for _, st := range messages.States() {
		c.gauge("state:"+st.String(), last, metrics.Connections.Key(st.String()))
	}
	c.gauge("asked:players", last, metrics.LoadPlayers.Key())
	connecting, connected, disconnected := messages.Connecting.String(), messages.Connected.String(), messages.Disconnected.String()
	var attempts []string
	for _, from := range messages.States() {
		attempts = append(attempts, metrics.Transitions.Key(from.String(), connecting))
	}
	c.counted("attempted", attempts...)
	c.counted("opened", metrics.Transitions.Key(connecting, connected))
	c.counted("failed", metrics.Transitions.Key(connecting, disconnected))
	if m.Scenario != nil {
		onTime, late, missed := metrics.LoadStarts.Key(metrics.StartOnTime), metrics.LoadStarts.Key(metrics.StartLate), metrics.LoadStarts.Key(metrics.StartMissed)
		c.counted("asked:starts", onTime, late, missed)
		c.counted("starts", onTime, late)
	}
	for _, cause := range messages.Causes() {
		c.counted("ended:"+cause.String(), metrics.Disconnects.Key(cause.String(), cause.Initiator().String()))
	}
}

func (c *columns) traffic() {
	data := func(f *metrics.Family) []string {
		return []string{f.Key(messages.OpText.String()), f.Key(messages.OpBinary.String())}
	}
	c.asked("asked:messages", metrics.LoadMessages.Key())
	c.counted("sent", data(metrics.Sent)...)
	c.counted("received", data(metrics.Received)...)
	c.counted("sent_bytes", metrics.SentBytes.Key())
	c.counted("received_bytes", metrics.ReceivedBytes.Key())
	c.counted("sent_wire", metrics.SentWire.Key())
	c.counted("received_wire", metrics.ReceivedWire.Key())
	var drops []string
	for d := range messages.Drop(messages.NumDrops) {
		drops = append(drops, metrics.Dropped.Key(d.String()))
	}
	c.counted("dropped", drops...)
	c.gauge("pending", last, metrics.Pending.Key())
	for r := range messages.Stray(messages.NumStrays) {
		c.counted("stray:"+r.String(), metrics.Strays.Key(r.String()))
	}
}

func (c *columns) scenario(m *report.ManifestScenario) {
	c.counted("iterations", metrics.Iterations.Key())
	c.counted("players_lost", metrics.PlayersLost.Key())
	c.counted("faults", metrics.Faults.Key())
	for _, name := range m.Populations {
		starts, ends := metrics.PopulationStarts.Key(name), metrics.PopulationEnds.Key(name)
		key := "population:" + name + ":"
		c.add(key+"players", last, true, func(r *metrics.Record) float64 { return r.Counters[starts] - r.Counters[ends] })
		c.counted(key+"starts", starts)
		c.counted(key+"iterations", metrics.PopulationIterations.Key(name))
		c.counted(key+"lost", metrics.PopulationLost.Key(name))
	}
	for _, name := range m.Requests {
		c.counted("request:"+name+":lost", metrics.RequestsLost.Key(name))
	}
	for _, name := range m.Checks {
		c.counted("check:"+name+":held", metrics.Checks.Key(name, metrics.ResultHeld))
		c.counted("check:"+name+":failed", metrics.Checks.Key(name, metrics.ResultFailed))
	}
	for _, name := range m.Deliveries {
		key := "delivery:" + name + ":"
		c.counted(key+"published", metrics.Publications.Key(name))
		c.counted(key+"expected", metrics.DeliveriesExpected.Key(name))
		for _, o := range []struct {
			column string
			order  messages.Order
		}{
			{"in_order", messages.OrderKept}, {"late", messages.OrderLate},
			{"duplicate", messages.OrderDuplicate}, {"corrupt", messages.OrderCorrupt},
		} {
			c.counted(key+o.column, metrics.Deliveries.Key(name, o.order.String()))
		}
	}
}

func (c *columns) rig() {
	c.spent("rig:cpu", metrics.RigCPU.Key())
	c.spent("rig:cpu_usable", metrics.RigCPUUsable.Key())
	c.spent("rig:run_queue", metrics.RigRunQueue.Key())
	c.spent("rig:gc_cpu", metrics.RigGCCPU.Key())
	c.spent("rig:gc_paused", metrics.RigGCPaused.Key())
	c.spent("rig:stalled", metrics.RigStalled.Key())
	c.counted("rig:throttled", metrics.RigThrottled.Key())
	c.counted("rig:periods", metrics.RigPeriods.Key())
	for _, mode := range []string{metrics.HostSteal, metrics.HostBusy, metrics.HostIOWait, metrics.HostIdle} {
		c.spent("host:"+mode, metrics.HostCPU.Key(mode))
	}
	c.gauge("rig:resident", most, metrics.RigResident.Key())
	c.gauge("rig:goroutines", most, metrics.RigGoroutines.Key())
	c.gauge("rig:files", most, metrics.RigFiles.Key())
	c.gauge("rig:files_limit", last, metrics.RigFileLimit.Key())
	c.gauge("rig:gc_pause_worst", most, metrics.RigGCPauseWorst.Key())
	c.list[len(c.list)-1].counts = false
}
