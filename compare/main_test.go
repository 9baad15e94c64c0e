package compare

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// play is a run that is made up.
type play struct {
	id        string
	intervals int
	players   int
	response  func(i int) []time.Duration // of an interval; round trips are the same
	lag       func(i int) time.Duration   // adds to responses
	read      time.Duration               // lateness in reading: adds to responses and round trips
	counters  func(i int, add func(key string, n float64))
	verdict   report.Verdict
}

// side replays it into a Side.
func (p play) side(t testing.TB) *Side {
	t.Helper()
	s := NewSide()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	must(s.Begin(manifest(p.id, p.players)))
	var response, round, lag, read metrics.Histogram
	counters := make(map[string]float64)
	for i := range p.intervals {
		response, round, lag, read = metrics.Histogram{}, metrics.Histogram{}, metrics.Histogram{}, metrics.Histogram{}
		late := time.Duration(0)
		if p.lag != nil {
			late = p.lag(i)
			lag.Record(late)
		}
		for _, d := range p.response(i) {
			response.Record(d + late + p.read)
			round.Record(d + p.read)
			if p.read > 0 {
				read.Record(p.read)
			}
		}
		counters[data(metrics.Received)[0]] += 1000
		counters[data(metrics.Sent)[0]] += 1000
		if p.counters != nil {
			p.counters(i, func(key string, n float64) { counters[key] += n })
		}
		must(s.Record(&metrics.Record{
			Seq: i, From: float64(i), To: float64(i + 1), Counters: counters, Gauges: map[string]float64{connected: float64(p.players)},
			Histograms: map[string]*metrics.Histogram{
				metrics.Response.Key(): &response, metrics.RoundTrip.Key(): &round, metrics.ScheduleLag.Key(): &lag,
				metrics.ReadLag.Key(): &read,
			},
		}))
	}
	must(s.Event(report.Event{At: float64(p.intervals), Kind: report.LoadOver}))
	must(s.End(&report.Summary{Verdict: p.verdict, Duration: float64(p.intervals), Reasons: []string{"the reason"}}))
	return s
}

func manifest(id string, players int) *report.Manifest {
	return &report.Manifest{
		Schema: report.ManifestSchema, ID: id, Started: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), URL: "ws://127.0.0.1:8080/",
		Players: players, Planned: 30, Interval: 1, Traffic: "paced", Rate: 10, Version: "v1.2.3", Go: "go1.26.0", Engine: "epoll", Shards: 2,
	}
}

// noise gives what multiplies the times of an interval: it is 1 but for chance.
type noise func() float64

// noises are kinds of noise within a run; each begins anew for each run.
var noises = map[string]func(r *rand.Rand) noise{
	"independent": func(r *rand.Rand) noise {
		return func() float64 { return math.Exp(.1 * r.NormFloat64()) }
	},
	"AR(1) .5": autoregressive(.5),
	"AR(1) .8": autoregressive(.8),
	"bursts": func(r *rand.Rand) noise { // one interval in ten is up to 20 times as slow
		return func() float64 {
			if r.IntN(10) == 0 {
				return 1 + 20*r.Float64()
			}
			return math.Exp(.05 * r.NormFloat64())
		}
	},
	"1/f": func(r *rand.Rand) noise { // each octave varies as much, up to what is four times as slow as a run of 30
		var level [7]float64
		i := r.IntN(1 << len(level))
		for k := range level {
			level[k] = r.NormFloat64()
		}
		return func() float64 {
			i++
			sum := 0.0
			for k := range level {
				if i%(1<<k) == 0 {
					level[k] = r.NormFloat64()
				}
				sum += level[k]
			}
			return math.Exp(.1 * sum)
		}
	},
}

func autoregressive(phi float64) func(r *rand.Rand) noise {
	return func(r *rand.Rand) noise {
		x := r.NormFloat64()
		return func() float64 {
			x = phi*x + math.Sqrt(1-phi*phi)*r.NormFloat64()
			return math.Exp(.15 * x)
		}
	}
}

// noisy makes a run of 30 intervals whose times are distance, which is always the same, and service, which is by
// chance: log-normal within each interval, all of it times the noise.
func noisy(t testing.TB, id string, r *rand.Rand, distance, service time.Duration, n noise) *Side {
	return play{id: id, intervals: 30, players: 100, verdict: report.Pass, response: func(int) []time.Duration {
		list := make([]time.Duration, 40)
		factor := n()
		for i := range list {
			list[i] = distance + time.Duration(float64(service)*factor*math.Exp(.3*r.NormFloat64()))
		}
		return list
	}}.side(t)
}

// steadyState is a run whose intervals are all alike.
func steadyState(d time.Duration) func(int) []time.Duration {
	return func(int) []time.Duration { return []time.Duration{d, d, d, 2 * d} }
}

// remote is the counter of sessions that the server ended.
var remote = metrics.Disconnects.Key(messages.CauseRemote.String(), messages.CauseRemote.Initiator().String())
