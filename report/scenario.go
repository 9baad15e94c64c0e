package report

import "fmt"

// Scenario is what a run of a scenario measured, by the names that the scenario gave. Lists are in its order.
type Scenario struct {
	Name        string       `json:"name"`
	Populations []Population `json:"populations"`
	Starts      Starts       `json:"starts"`
	Iterations  uint64       `json:"iterations"`            // how often players went through their steps
	PlayersLost uint64       `json:"players_lost"`          // players that ended before
	Faults      uint64       `json:"faults"`                // expressions that could not be evaluated
	FirstFault  string       `json:"first_fault,omitempty"` // what the first one was, and where
	Requests    []Request    `json:"requests"`
	Checks      []Check      `json:"checks"`
	Deliveries  []Delivery   `json:"deliveries"`
	Ticks       []Tick       `json:"ticks"`
}

// Population is the players who play the same part.
type Population struct {
	Name       string  `json:"name"`
	Players    int     `json:"players"` // that were to play it
	Started    uint64  `json:"started"`
	Ended      uint64  `json:"ended"`
	Iterations uint64  `json:"iterations"`
	Lost       uint64  `json:"lost"`             // ended before they had gone through their steps
	Response   Latency `json:"response_seconds"` // of all that was answered, but over HTTP
	RoundTrip  Latency `json:"round_trip_seconds"`
}

// Starts counts what became of the starts of players that were due.
type Starts struct {
	OnTime uint64  `json:"on_time"`
	Late   uint64  `json:"late"`
	Missed uint64  `json:"missed"`         // not started by the end of the load
	Latest float64 `json:"latest_seconds"` // what the latest start was late by
}

// Request is the requests of one name. Those answered are Response.Count.
type Request struct {
	Name      string  `json:"name"`
	Lost      uint64  `json:"lost"`               // no answer in time, or while the connection lasted
	Response  Latency `json:"response_seconds"`   // from when it was due to its answer
	RoundTrip Latency `json:"round_trip_seconds"` // from when it was sent
}

// Check is how often a check held.
type Check struct {
	Name   string `json:"name"`
	Held   uint64 `json:"held"`
	Failed uint64 `json:"failed"`
}

// Delivery is what was published under one name, and how much of it came.
type Delivery struct {
	Name      string `json:"name"`
	Published uint64 `json:"published"`
	Expected  uint64 `json:"expected"` // Σ of the members that the audience of each had
	InOrder   uint64 `json:"in_order"`
	Late      uint64 `json:"late"`      // something that its sender sent later came before it
	Duplicate uint64 `json:"duplicate"` // it had come already
	Corrupt   uint64 `json:"corrupt"`   // its stamp was not what had been sent
	Lost      uint64 `json:"lost"`      // expected - in order - late - corrupt, at least 0
	// Latency is from the publication to when a member first got it, so the age of what players know of each
	// other. P99 is the staleness that 1 in 100 deliveries exceeds, Max the worst.
	Latency Latency `json:"latency_seconds"`
}

// Tick is messages that come at a steady rate.
type Tick struct {
	Name      string  `json:"name"`
	Deviation Latency `json:"deviation_seconds"` // of the time between two from what is wanted, either way
	Drift     float64 `json:"drift_seconds"`     // its mean with signs: more than 0 if ticks come too slowly
}

// failures gives what of the scenario did not take place, as reasons for a verdict. A fault is one: a condition
// that could not be evaluated did not decide anything, and steps went another way than was meant. So is a delivery
// that came changed: no load explains it, and no share of it is right. A check that
// failed, a request or a delivery that was lost, and a tick that was off are figures, which fail a run only
// where a threshold says so.
func (c *Scenario) failures() (reasons []string) {
	if c == nil {
		return nil
	}
	if c.Faults > 0 {
		first := ""
		if c.FirstFault != "" {
			first = ", the first: " + c.FirstFault
		}
		reasons = append(reasons, "expressions of the scenario could not be evaluated, "+many(c.Faults, "time")+first)
	}
	if c.PlayersLost > 0 {
		reasons = append(reasons, fmt.Sprintf("%s lost before the end of the steps: the connection did not open or was lost, and no steps under lost brought it back",
			many(c.PlayersLost, "player")))
	}
	if n := &c.Starts; n.Missed > 0 {
		reasons = append(reasons, fmt.Sprintf("%s of %s that were due did not take place by the end of the load",
			count(n.Missed), many(n.OnTime+n.Late+n.Missed, "start")))
	}
	for _, d := range c.Deliveries {
		if d.Corrupt > 0 {
			reasons = append(reasons, fmt.Sprintf("%s of %q came with another stamp than was sent", deliveries(d.Corrupt), d.Name))
		}
	}
	return reasons
}
