package scenario

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// LoadModel is how many players come, when, and for how long.
type LoadModel struct {
	At         Pos
	Players    int
	PlayersAt  Pos
	Rate       float64 // arrivals per second
	RateAt     Pos
	Arrivals   string // even or poisson
	ArrivalsAt Pos
	Duration   time.Duration
	Iterations int
	Replace    bool
	ReplaceAt  Pos
	Start      string // spread or together
	Graceful   time.Duration
	Stages     []*Stage
	StagesAt   Pos
}

// Stage is a part of the load's course: a number of players, or a rate, to go to.
type Stage struct {
	At       Pos
	Duration time.Duration
	Players  int // -1 if not given
	Rate     float64
	HasRate  bool
	Step     bool // go there at once, and stay
}

func (l *LoadModel) fields() []field {
	l.Graceful = -1
	return []field{
		{name: "players", doc: "closed model: how many are held", value: integer{to: &l.Players, min: 1, max: maxPlayers, pos: &l.PlayersAt}},
		{name: "rate", doc: "open model: how many arrive, whatever becomes of those before them", value: rate{to: &l.Rate, pos: &l.RateAt}},
		{name: "arrivals", doc: "of the open model: `even`, one by one at equal distances, or `poisson`, by chance at that rate", value: choice{to: &l.Arrivals, words: []string{"even", "poisson"}, pos: &l.ArrivalsAt}},
		{name: "duration", doc: "how long the load lasts, from the first arrival", value: duration{to: &l.Duration, min: 1}},
		{name: "iterations", doc: "how often each player goes through its steps; 0 is until the load ends", value: integer{to: &l.Iterations, min: 0, max: 1_000_000_000}},
		{name: "replace", doc: "closed model: a player that is done or lost is replaced by a new one", value: boolean{to: &l.Replace, pos: &l.ReplaceAt}},
		{name: "start", doc: "`spread`, players keep out of step with each other, or `together`, in lock-step", value: choice{to: &l.Start, words: []string{"spread", "together"}}},
		{name: "graceful_stop", doc: "how long players may take to finish when the load ends: loops end after the round that they are in, and the steps after them follow", value: duration{to: &l.Graceful}},
		{name: "stages", doc: "the course of the load, instead of `players` or `rate`", value: list{what: "stages", min: 1, pos: &l.StagesAt, item: func() value {
			s := &Stage{Players: -1}
			l.Stages = append(l.Stages, s)
			return section{name: "stage", fields: s.fields(), set: func(n *yaml.Node) { s.At = posOf(n) }}
		}}},
	}
}

const maxPlayers = 10_000_000

func (s *Stage) fields() []field {
	return []field{
		{name: "duration", doc: "how long it takes to get there", required: true, value: duration{to: &s.Duration}},
		{name: "players", doc: "how many there are at its end", value: integer{to: &s.Players, min: 0, max: maxPlayers}},
		{name: "rate", doc: "how many arrive at its end, in a time", value: setting{rate{to: &s.Rate}, func(*yaml.Node) { s.HasRate = true }}},
		{name: "step", doc: "go there at once and stay for the duration, instead of a ramp", value: boolean{to: &s.Step}},
	}
}
