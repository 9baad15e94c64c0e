package metrics

import "github.com/loadrig/loadrig/messages"

// The metrics of a ScenarioSnapshot.
var (
	RequestResponse = ofScenario(Times, "request_response_seconds",
		"From when a request of the scenario was due to its answer: what a user would feel.", "request")
	RequestRoundTrip = ofScenario(Times, "request_round_trip_seconds",
		"From when a request of the scenario was sent to its answer.", "request")
	RequestsLost = ofScenario(Counter, "requests_lost_total",
		"Requests of the scenario without an answer in time, or while the connection lasted.", "request")

	Checks = ofScenario(Counter, "checks_total",
		"Checks of the scenario, by whether they held.", "check", "result")

	DeliveryAge = ofScenario(Times, "delivery_seconds",
		"From a publication to when a member of its audience first got it.", "delivery")
	Deliveries = ofScenario(Counter, "deliveries_total",
		"Publications that a member of the audience got, by how they relate to the sender's others, or that they came corrupt.", "delivery", "order")
	Publications = ofScenario(Counter, "publications_total",
		"Messages sent to an audience.", "delivery")
	DeliveriesExpected = ofScenario(Counter, "deliveries_expected_total",
		"Members of the audience that each publication had when it was sent, added up.", "delivery")

	TickDeviation = ofScenario(Times, "tick_deviation_seconds",
		"By how much the time between two ticks of the server differed from what is wanted, either way.", "tick")
	TickLate = ofScenario(Counter, "tick_late_seconds_total",
		"By how much ticks of the server came too late, added up; what is left of the sum of the deviations came too early.", "tick")

	PopulationResponse = ofScenario(Times, "population_response_seconds",
		"From when a request of a player was due to its answer, by the player's population.", "population")
	PopulationRoundTrip = ofScenario(Times, "population_round_trip_seconds",
		"From when a request of a player was sent to its answer, by the player's population.", "population")
	PopulationStarts = ofScenario(Counter, "population_starts_total",
		"Players that began, by population.", "population")
	PopulationEnds = ofScenario(Counter, "population_ends_total",
		"Players that ended, by population.", "population")
	PopulationIterations = ofScenario(Counter, "population_iterations_total",
		"How often players went through the steps of the scenario, by population.", "population")
	PopulationLost = ofScenario(Counter, "population_players_lost_total",
		"Players that ended before they had gone through their steps, by population.", "population")

	Iterations = ofScenario(Counter, "iterations_total",
		"How often players went through the steps of the scenario.")
	PlayersLost = ofScenario(Counter, "players_lost_total",
		"Players that ended before they had gone through their steps.")
	Faults = ofScenario(Counter, "expression_faults_total",
		"Expressions of the scenario that could not be evaluated.")
)

// Values of the label result of Checks.
const (
	ResultHeld   = "held"
	ResultFailed = "failed"
)

// Visit shows v all series of s, in an order that stays. Each name has its series from the start; there are at
// most MaxNames of a kind.
func (s *ScenarioSnapshot) Visit(v Visitor) {
	v.Count(Iterations, float64(s.Iterations))
	v.Count(PlayersLost, float64(s.PlayersLost))
	v.Count(Faults, float64(s.Faults))
	for i := range s.Populations {
		p := &s.Populations[i]
		v.Times(PopulationResponse, &p.Response, p.Name)
		v.Times(PopulationRoundTrip, &p.RoundTrip, p.Name)
		v.Count(PopulationStarts, float64(p.Starts), p.Name)
		v.Count(PopulationEnds, float64(p.Ends), p.Name)
		v.Count(PopulationIterations, float64(p.Iterations), p.Name)
		v.Count(PopulationLost, float64(p.Lost), p.Name)
	}
	for i := range s.Requests {
		r := &s.Requests[i]
		v.Times(RequestResponse, &r.Response, r.Name)
		v.Times(RequestRoundTrip, &r.RoundTrip, r.Name)
		v.Count(RequestsLost, float64(r.Lost), r.Name)
	}
	for i := range s.Checks {
		k := &s.Checks[i]
		v.Count(Checks, float64(k.Held), k.Name, ResultHeld)
		v.Count(Checks, float64(k.Failed), k.Name, ResultFailed)
	}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		v.Times(DeliveryAge, &d.Latency, d.Name)
		for o := range messages.Order(messages.NumOrders) {
			v.Count(Deliveries, float64(d.Orders[o]), d.Name, o.String())
		}
		v.Count(Publications, float64(d.Published), d.Name)
		v.Count(DeliveriesExpected, float64(d.Expected), d.Name)
	}
	for i := range s.Ticks {
		t := &s.Ticks[i]
		v.Times(TickDeviation, &t.Deviation, t.Name)
		v.Count(TickLate, max(0, (t.Deviation.sumNanos()+t.drift.nanos())/2)/1e9, t.Name)
	}
}
