package realservers

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// TestPrometheus has two real Prometheus servers scrape a run of a scenario, one with native histograms and one with
// classic ones. What they then say is what the summary says: counts to the last one, quantiles within the buckets. All
// rules and all queries of all dashboards have an answer from both.
func TestPrometheus(t *testing.T) {
	c := everything(t)
	native, classic := newScraper(t, c.HTTP, true), newScraper(t, c.HTTP, false)
	// Counters are seen at 0 first: a rate does not know of what was there at the first scrape.
	c.Starting = func() {
		for _, p := range []*scraper{native, classic} {
			if !p.await(func() bool { list, err := p.now("loadrig_build_info"); return err == nil && len(list) == 1 }) {
				t.Error("prometheus: waited a minute until it scrapes")
			}
		}
	}
	began := time.Now()
	watched(t, c, func(s *report.Summary, w *metrics.Whole) {
		// The final counts must have been scraped, and then some more: a rate wants two samples, and rules their turn.
		enough := time.Now().Add(3 * time.Second)
		for _, p := range []*scraper{native, classic} {
			p.until("it has scraped the final counts", func() bool { return p.scrapedAfter(enough) })
			rulesEvaluate(t, p, enough)
			dashboardsAnswer(t, p, began, time.Now())
		}
		sameCounts(t, native, s)
		sameTimes(t, native, w)
		for _, key := range []string{metrics.Response.Key(), metrics.RoundTrip.Key()} {
			if got, want := classic.number(metrics.Prefix+key+"_count"), w.TimesOf(key).Count(); got != float64(want) {
				t.Errorf("classic %s: Prometheus has %v, the records %d", key, got, want)
			}
		}
		if n := len(classic.vector("histogram_count(loadrig_response_seconds)")) + len(native.vector("loadrig_response_seconds_bucket")); n != 0 {
			t.Error("the two are not of different kinds")
		}
	})
}

// scrapedAfter tells whether the last scrape was after a time.
func (p *scraper) scrapedAfter(after time.Time) bool {
	list := p.vector("timestamp(loadrig_build_info)")
	if len(list) != 1 {
		return false
	}
	text, _ := list[0].Value[1].(string)
	at, err := strconv.ParseFloat(text, 64)
	return err == nil && at > float64(after.UnixMilli())/1e3
}

// sameCounts compares counts, which must be equal.
func sameCounts(t *testing.T, p *scraper, s *report.Summary) {
	t.Helper()
	compared := 0
	same := func(want uint64, query string, args ...any) {
		t.Helper()
		compared++
		if got := p.number(fmt.Sprintf(query, args...)); got != float64(want) {
			t.Errorf("%s: Prometheus has %v, the summary %d", fmt.Sprintf(query, args...), got, want)
		}
	}
	c, m := &s.Connections, &s.Messages
	same(c.Attempted, `sum(loadrig_transitions_total{to="connecting"})`)
	same(c.Opened, `loadrig_transitions_total{from="connecting",to="connected"}`)
	same(c.Failed, `loadrig_transitions_total{from="connecting",to="disconnected"}`)
	same(uint64(s.Players), `sum(loadrig_connections)`)
	same(m.Sent, `sum(loadrig_messages_sent_total{opcode=~"text|binary"})`)
	same(m.Received, `sum(loadrig_messages_received_total{opcode=~"text|binary"})`)
	same(m.Dropped, `sum(loadrig_sends_dropped_total)`)
	same(m.SentBytes, `loadrig_sent_bytes_total`)
	same(m.ReceivedBytes, `loadrig_received_bytes_total`)
	same(m.SentWireBytes, `loadrig_sent_wire_bytes_total`)
	same(m.ReceivedWireBytes, `loadrig_received_wire_bytes_total`)

	causes, codes, ends := make(map[string]uint64), make(map[string]uint64), uint64(0)
	for _, d := range s.Disconnects {
		causes[d.Cause] += d.Count
		codes[d.Code.Label()] += d.Count
		ends += d.Count
	}
	for _, cause := range messages.Causes() { // also those that there were none of
		same(causes[cause.String()], `sum(loadrig_disconnects_total{cause=%q})`, cause.String())
	}
	if len(codes) < 3 {
		t.Errorf("got the close codes %v, want three or more", codes)
	}
	for code, n := range codes {
		same(n, `sum(loadrig_closes_total{code=%q})`, code)
	}
	same(ends, `sum(loadrig_closes_total)`) // every attempt opened

	for name, l := range map[string]report.Latency{
		"response_seconds": s.Response, "round_trip_seconds": s.RoundTrip, "schedule_lag_seconds": s.ScheduleLag,
		"ping_round_trip_seconds": s.Ping, `handshake_duration_seconds{phase="total"}`: s.Handshake.Latency,
	} {
		same(l.Count, `histogram_count(loadrig_%s)`, name)
	}
	// Each scrape is a turn of every loop, also when the run is over.
	if got := p.number(`histogram_count(loadrig_loop_turn_seconds)`); got < float64(s.LoopTurn.Count) {
		t.Errorf("loop turns: Prometheus has %v, want the %d of the summary or more", got, s.LoopTurn.Count)
	}
	o := s.Scenario
	same(o.Iterations, `loadrig_iterations_total`)
	same(o.PlayersLost, `loadrig_players_lost_total`)
	same(o.Faults, `loadrig_expression_faults_total`)
	same(o.Starts.OnTime, `loadrig_load_starts_total{outcome="on_time"}`)
	same(o.Starts.Late, `loadrig_load_starts_total{outcome="late"}`)
	same(o.Starts.Missed, `loadrig_load_starts_total{outcome="missed"}`)
	lost := uint64(0)
	for _, r := range o.Requests {
		lost += r.Lost
		same(r.Response.Count, `histogram_count(loadrig_request_response_seconds{request=%q})`, r.Name)
		same(r.RoundTrip.Count, `histogram_count(loadrig_request_round_trip_seconds{request=%q})`, r.Name)
		same(r.Lost, `loadrig_requests_lost_total{request=%q}`, r.Name)
	}
	failed := uint64(0)
	for _, k := range o.Checks {
		failed += k.Failed
		same(k.Held, `loadrig_checks_total{check=%q,result="held"}`, k.Name)
		same(k.Failed, `loadrig_checks_total{check=%q,result="failed"}`, k.Name)
	}
	for _, d := range o.Deliveries {
		same(d.Published, `loadrig_publications_total{delivery=%q}`, d.Name)
		same(d.Expected, `loadrig_deliveries_expected_total{delivery=%q}`, d.Name)
		same(d.InOrder, `loadrig_deliveries_total{delivery=%q,order="in_order"}`, d.Name)
		same(d.Late, `loadrig_deliveries_total{delivery=%q,order="late"}`, d.Name)
		same(d.Duplicate, `loadrig_deliveries_total{delivery=%q,order="duplicate"}`, d.Name)
		same(d.Latency.Count, `histogram_count(loadrig_delivery_seconds{delivery=%q})`, d.Name)
	}
	for _, k := range o.Ticks {
		same(k.Deviation.Count, `histogram_count(loadrig_tick_deviation_seconds{tick=%q})`, k.Name)
	}
	for _, q := range o.Populations {
		same(q.Started, `loadrig_population_starts_total{population=%q}`, q.Name)
		same(q.Ended, `loadrig_population_ends_total{population=%q}`, q.Name)
		same(q.Iterations, `loadrig_population_iterations_total{population=%q}`, q.Name)
		same(q.Lost, `loadrig_population_players_lost_total{population=%q}`, q.Name)
		same(q.Response.Count, `histogram_count(loadrig_population_response_seconds{population=%q})`, q.Name)
	}
	if s.Response.Count == 0 || lost == 0 || failed == 0 || len(o.Deliveries) == 0 || o.Deliveries[0].InOrder == 0 || len(o.Ticks) == 0 || len(o.Populations) < 4 {
		t.Errorf("the run had nothing to compare: %+v", o)
	}
	t.Logf("%d counts compared", compared)
}

// sameTimes compares sums, which a histogram has exactly, and quantiles. Prometheus gives a quantile as a point of the
// native bucket that it is in, whose bounds are 2^(1/8) apart; its rank may be one beside ours.
func sameTimes(t *testing.T, p *scraper, w *metrics.Whole) {
	t.Helper()
	const width = 1.0906 // 2^(1/8), and 0.01 % for floats
	for _, key := range w.Timed() {
		if key == metrics.LoopTurn.Key() { // which scrapes go on to add to
			continue
		}
		h := w.TimesOf(key)
		selector := metrics.Prefix + key
		if got, want := p.number("histogram_sum("+selector+")"), h.Sum(); got < want*(1-1e-9) || got > want*(1+1e-9) {
			t.Errorf("%s: Prometheus has the sum %v, the records %v", key, got, want)
		}
		for _, q := range []float64{0.5, 0.9, 0.99} {
			got := p.number(fmt.Sprintf("histogram_quantile(%g, %s)", q, selector))
			n := float64(h.Count())
			low, high := h.Quantile(max(q-1/n, 1e-9)).Seconds(), h.Quantile(min(q+1/n, 1)).Seconds()
			low = max(low, 1e-6) // what is less is in the bucket of 1 µs
			if got < low/width || got > high*width {
				t.Errorf("%s: Prometheus has p%g = %v, want %v to %v", key, 100*q, got, low/width, high*width)
			}
		}
	}
	if len(w.Timed()) < 20 {
		t.Errorf("got the histograms %v, want more of them", w.Timed())
	}
}

// withoutValue are rules and panels that have none in this run, by what is in their queries.
var withoutValue = []struct{ part, why string }{
	{"rig_throttled", "there may be no CPU quota"},
	{"read_lag", "no kernel stamps were asked for"},
	{"kernel_round_trip", "no kernel stamps were asked for"},
	{"offset 1h", "the run has not lasted for an hour"},
	{"ports", "the test may run where the system does not tell"},
	{"load_messages", "a scenario has no paced traffic"},
	{"handshake_failures_total", "all handshakes succeed"},
	{"commands_refused", "no command was refused"},
	{`cause!~"local|shutdown"`, "all connections end by plan, and 0 is not shown"},
}

func hasNoValue(query string) bool {
	for _, w := range withoutValue {
		if strings.Contains(query, w.part) {
			return true
		}
	}
	return false
}

// rulesEvaluate checks that Prometheus could evaluate all rules after a time, and that there is what they record.
func rulesEvaluate(t *testing.T, p *scraper, after time.Time) {
	t.Helper()
	var data struct {
		Groups []struct {
			LastEvaluation time.Time
			Rules          []struct{ Name, Query, Type, Health, LastError string }
		}
	}
	p.until("all rules are evaluated", func() bool {
		if err := p.ask("rules", nil, &data); err != nil {
			t.Fatal(err)
		}
		for _, g := range data.Groups {
			if g.LastEvaluation.Before(after) {
				return false
			}
		}
		return len(data.Groups) > 0
	})
	rules := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			rules++
			if r.Health != "ok" {
				t.Errorf("rule %s: got %s: %s", r.Name, r.Health, r.LastError)
			}
			if r.Type == "recording" && len(p.vector(r.Name)) == 0 && !hasNoValue(r.Query) {
				t.Errorf("rule %s: recorded nothing by %s", r.Name, r.Query)
			}
		}
	}
	if rules < 40 {
		t.Errorf("got %d rules, want more of them", rules)
	}
}

var grafanaVariable = strings.NewReplacer("$__rate_interval", "4s", "$__range", "30s", "$instance", ".*", "$population", ".*")

// dashboardsAnswer asks all that the dashboards ask.
func dashboardsAnswer(t *testing.T, p *scraper, from, to time.Time) {
	t.Helper()
	files, err := filepath.Glob(deploy + "/grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got no dashboards (%v)", err)
	}
	asked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		for _, panel := range board.Panels {
			for _, q := range panel.Targets {
				asked++
				answer, err := p.rangeOf(grafanaVariable.Replace(q.Expr), from, to)
				switch {
				case err != nil:
					t.Errorf("%s: %q: %v in %s", filepath.Base(file), panel.Title, err, q.Expr)
				case len(answer) == 0 && !hasNoValue(q.Expr):
					t.Errorf("%s: %q: got nothing for %s", filepath.Base(file), panel.Title, q.Expr)
				}
			}
		}
	}
	t.Logf("asked %d queries of dashboards", asked)
}
