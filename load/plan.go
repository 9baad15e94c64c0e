package load

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Model is one of the two load models.
type Model string

// The load models. In a closed one a slow server is asked for less, as players wait for it; an open one has
// players arrive on a schedule, which is what a crowd of strangers does.
const (
	Closed Model = "closed" // a number of players is held
	Open   Model = "open"   // players arrive at a rate
)

// Bounds of a Plan. They are far beyond what one machine can do, and keep the arithmetic exact.
const (
	MaxPlayers  = 10_000_000
	MaxDuration = 10 * 365 * 24 * time.Hour
	MaxStages   = 10_000
	// MaxArrivals is how many may arrive in one run of the open model.
	MaxArrivals = 1e12
)

// Defaults of a Plan.
const (
	DefaultWithin   = time.Second
	DefaultGraceful = 30 * time.Second
)

// Forever is the Duration of a last stage that goes on until all players are done.
const Forever time.Duration = math.MaxInt64

// Stage is a part of the course: a number of players, or a rate, to go to. It begins at the level that the
// stage before it ended at, the first one at 0, and goes to its own in a straight line, which is a ramp. A
// ramp to the level where it begins holds that.
type Stage struct {
	// Duration is how long it lasts; more than 0. Forever only in a last stage that steps, in the closed
	// model with Iterations and without Replace, as nothing else would ever end.
	Duration time.Duration
	// Players are held at its end, in the closed model; 0 to MaxPlayers.
	Players int
	// Rate is that of arrivals at its end, in the open model; 0 to MaxRate.
	Rate Rate
	// Step goes to the level at the beginning, and stays for Duration. Stairs and spikes are made of steps.
	Step bool
}

// Plan is how many players come, when, and for how long. It only says what is to happen; Held and Arrivals
// have the arithmetic of it.
type Plan struct {
	Model Model
	// Stages are its course; one to MaxStages.
	Stages []Stage

	// Poisson has players of the open model arrive by chance, with exponential gaps, at the rate of the
	// stages; otherwise they keep even distances.
	Poisson bool
	// Replace has a new player start for each one of the closed model that is done or lost before it was to
	// stop. Without it such a player leaves a gap.
	Replace bool
	// Iterations is how often each player goes through its steps; 0 is until it is told to stop.
	Iterations int

	// LockStep has players do the same at the same time: those of a step start at one instant, and those
	// that share a period have the same place in it. Otherwise they keep apart; see Within and Pace.
	LockStep bool
	// Within is the time over which the players of a step up start, evenly, in the closed model; the stage's
	// own duration if that is shorter. 0 is DefaultWithin; LockStep is for none at all.
	Within time.Duration
	// Graceful is how long players may finish what they are at, when the load ends or a ramp down stops
	// them; 0 stops them at once.
	Graceful time.Duration
}

// StageError is a mistake in one stage of a Plan.
type StageError struct {
	Stage int // from 0
	Err   error
}

// Error names the stage, counted from 1.
func (e *StageError) Error() string { return fmt.Sprintf("stage %d: %v", e.Stage+1, e.Err) }

// Unwrap gives what is wrong with the stage.
func (e *StageError) Unwrap() error { return e.Err }

// Validate reports every mistake in p at once. Those of one stage are each a *StageError.
func (p Plan) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch p.Model {
	case Closed:
		if p.Poisson {
			wrong("poisson: got it in the closed model, which has no arrivals, want the open model")
		}
	case Open:
		if p.Replace {
			wrong("replace: got it in the open model, where players come whatever becomes of those before them, want the closed model")
		}
	default:
		wrong("model: got %q, want %s or %s", p.Model, Closed, Open)
	}
	if p.Iterations < 0 {
		wrong("iterations: got %d, want 0 or more", p.Iterations)
	}
	if p.Within < 0 || p.Within > MaxDuration {
		wrong("within: got %v, want 0 to %v; lock-step is for players that start at one instant", p.Within, brief(MaxDuration))
	}
	if p.Graceful < 0 || p.Graceful > MaxDuration {
		wrong("graceful stop: got %v, want 0 to %v", p.Graceful, brief(MaxDuration))
	}
	if n := len(p.Stages); n < 1 || n > MaxStages {
		wrong("stages: got %d, want 1 to %d", n, MaxStages)
		return errors.Join(errs...)
	}
	sound := len(errs)
	for i := range p.Stages {
		for _, err := range p.stage(i) {
			errs = append(errs, &StageError{i, err})
		}
	}
	if len(errs) == sound {
		if err := p.course(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// stage gives the mistakes in the i-th stage.
func (p Plan) stage(i int) (errs []error) {
	s := p.Stages[i]
	switch {
	case s.Duration == Forever:
		if i+1 < len(p.Stages) || !s.Step || p.Model != Closed || p.Iterations == 0 || p.Replace {
			errs = append(errs, errors.New("duration: got forever, want a time; only a last step of the closed model, with iterations and without replacing, ends by itself"))
		}
	case s.Duration <= 0:
		errs = append(errs, fmt.Errorf("duration: got %v, want more than 0; a step goes to its level at once and stays for the duration", s.Duration))
	case s.Duration > MaxDuration:
		errs = append(errs, fmt.Errorf("duration: got %v, want at most %v", brief(s.Duration), brief(MaxDuration)))
	}
	switch p.Model {
	case Closed:
		if s.Players < 0 || s.Players > MaxPlayers {
			errs = append(errs, fmt.Errorf("players: got %d, want 0 to %d", s.Players, MaxPlayers))
		}
		if s.Rate != 0 {
			errs = append(errs, fmt.Errorf("rate: got %v in the closed model, want a number of players", s.Rate))
		}
	case Open:
		if err := s.Rate.Validate(); err != nil {
			errs = append(errs, err)
		}
		if s.Players != 0 {
			errs = append(errs, fmt.Errorf("players: got %d in the open model, want a rate", s.Players))
		}
	}
	return errs
}

// course finds what is wrong with stages that are right one by one.
func (p Plan) course() error {
	var sum time.Duration
	most, arrivals, rate := 0, 0.0, 0.0
	for _, s := range p.Stages {
		if s.Duration != Forever {
			sum += s.Duration // no overflow: it stays below two MaxDuration
		}
		if sum > MaxDuration {
			return fmt.Errorf("duration: got more than %v in all, want at most that", brief(MaxDuration))
		}
		most = max(most, s.Players)
		mean := float64(s.Rate)
		if !s.Step {
			mean = (rate + mean) / 2
		}
		arrivals += mean * s.Duration.Seconds()
		rate = float64(s.Rate)
	}
	if arrivals > MaxArrivals {
		return fmt.Errorf("arrivals: got %.3g in all, want at most %.0e", arrivals, float64(MaxArrivals))
	}
	if most == 0 && arrivals == 0 {
		return errors.New("stages: got none in which anybody comes, want one or more")
	}
	return nil
}

// Duration is how long the load lasts: no player starts at that time or after it. It is Forever if the load
// ends when all players are done.
func (p Plan) Duration() time.Duration {
	var sum time.Duration
	for _, s := range p.Stages {
		if s.Duration == Forever {
			return Forever
		}
		sum += s.Duration
	}
	return sum
}

// Deadline is when the last players must have stopped: Graceful after the load's end.
func (p Plan) Deadline() time.Duration {
	if d := p.Duration(); d != Forever {
		return d + p.Graceful
	}
	return Forever
}

// Pace is the schedule of the i-th player, from 0, for what all players do once in a period. In LockStep they
// do it at one instant. Otherwise they are spread evenly over the period, by Spread where their number is
// known and stays, and by Scatter where players come and go.
func (p Plan) Pace(period time.Duration, i int) Pace {
	switch {
	case p.LockStep:
		return Pace{Period: period}
	case p.Model == Closed && !p.Replace && len(p.Stages) == 1 && p.Stages[0].Step:
		return Spread(period, i, p.Stages[0].Players)
	default:
		return Scatter(period, i)
	}
}
