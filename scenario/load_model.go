package scenario

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loadrig/loadrig/load"
)

// What a load is that says nothing else. They are those of the command line too.
const (
	DefaultPlayers  = 1000
	DefaultDuration = 10 * time.Second
)

// Plan gives the arithmetic that the load asks for. Where it says nothing, DefaultPlayers are held for
// DefaultDuration; or until they are done, if they have iterations to do and are not replaced. The error has
// every mistake; one that Read let pass has none.
func (l *LoadModel) Plan() (load.Plan, error) {
	var errs []error
	p := l.plan(func(_ Pos, format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) })
	if len(errs) > 0 {
		return load.Plan{}, errors.Join(errs...)
	}
	return p, nil
}

// open tells the open model.
func (l *LoadModel) open() bool {
	return l.Rate > 0 || slices.ContainsFunc(l.Stages, func(s *Stage) bool { return s.HasRate })
}

// plan is Plan, with the place of each mistake.
func (l *LoadModel) plan(wrong func(at Pos, format string, args ...any)) load.Plan {
	sound := true
	l.contradictions(func(at Pos, format string, args ...any) {
		sound = false
		wrong(at, format, args...)
	})
	if !sound {
		return load.Plan{}
	}
	p := load.Plan{
		Model:      load.Closed,
		Stages:     l.course(),
		Poisson:    l.Arrivals == "poisson",
		Replace:    l.Replace,
		Iterations: l.Iterations,
		LockStep:   l.Start == "together",
		Graceful:   l.Graceful,
	}
	if l.open() {
		p.Model = load.Open
	}
	if l.Graceful < 0 {
		p.Graceful = load.DefaultGraceful
	}
	for _, err := range each(p.Validate()) {
		var stage *load.StageError
		switch {
		case errors.As(err, &stage) && len(l.Stages) > 0:
			wrong(l.Stages[stage.Stage].At, "%v", err)
		case stage != nil: // the only one, which the file does not call so
			wrong(l.At, "load: %v", stage.Err)
		default:
			wrong(l.At, "load: %v", err)
		}
	}
	return p
}

// each takes joined errors apart.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

// contradictions finds what cannot be meant together.
func (l *LoadModel) contradictions(wrong func(at Pos, format string, args ...any)) {
	if l.Players > 0 && l.Rate > 0 {
		wrong(l.RateAt, "load: got players and rate, want one: players are held (closed model), or arrive at a rate (open model)")
	}
	if l.RateAt != (Pos{}) && l.Rate == 0 {
		wrong(l.RateAt, "load: got a rate of 0, want more; nobody would come")
	}
	if len(l.Stages) > 0 && (l.Players > 0 || l.Rate > 0) {
		wrong(l.Stages[0].At, "load: got stages besides players or rate, want one of the three")
	}
	if len(l.Stages) > 0 && l.Duration > 0 {
		wrong(l.Stages[0].At, "load: got stages besides duration, want one; the load lasts as long as its stages do")
	}
	byRate := 0
	for _, s := range l.Stages {
		switch {
		case s.HasRate && s.Players >= 0, !s.HasRate && s.Players < 0:
			wrong(s.At, "stage: want either players or rate")
		case s.HasRate:
			byRate++
		}
	}
	if byRate > 0 && byRate < len(l.Stages) {
		wrong(l.Stages[0].At, "load: got stages of players and of rates, want one kind")
		return // which model is meant, nobody knows
	}
	at := l.At
	switch {
	case l.Rate > 0:
		at = l.RateAt
	case byRate > 0:
		at = l.Stages[0].At
	}
	if l.Replace && l.open() {
		wrong(at, "load: replace is of the closed model, and rate is the open one")
	}
	if l.Arrivals != "" && !l.open() {
		wrong(at, "load: arrivals is of the open model, which has a rate, or stages of rates")
	}
}

// course gives the stages, of which there is one if the file has none.
func (l *LoadModel) course() (all []load.Stage) {
	for _, s := range l.Stages {
		all = append(all, load.Stage{Duration: s.Duration, Players: max(s.Players, 0), Rate: load.Rate(s.Rate), Step: s.Step})
	}
	if len(all) > 0 {
		return all
	}
	one := load.Stage{Duration: l.Duration, Step: true}
	switch {
	case l.Rate > 0:
		one.Rate = load.Rate(l.Rate)
	case l.Players > 0:
		one.Players = l.Players
	default:
		one.Players = DefaultPlayers
	}
	switch {
	case l.Duration > 0:
	case l.Iterations > 0 && !l.Replace && l.Rate == 0:
		one.Duration = load.Forever
	default:
		one.Duration = DefaultDuration
	}
	return []load.Stage{one}
}
