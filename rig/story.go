package rig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/scenario"
)

// Play is a scenario to run, instead of one kind of traffic.
type Play struct {
	Scenario *scenario.Scenario
	Tables   []players.Table // by feed of the scenario
	Plan     load.Plan
	Seed     uint64
	// SHA256, in hex, and Text are of the scenario's file, the latter without secrets. They go into the manifest.
	SHA256, Text string
	Env          map[string]string // what env(name) gives in expressions
	// Auth gives the auth context of the n-th player, whose identity the scenario says. Default: Config.Auth.
	Auth func(n int, id players.Identity) messages.Authorizer
}

// MaxPlayers gives how many players of p there can be at once; 0 if the plan does not say, as in the open
// model, where that depends on how long they stay.
func (p *Play) MaxPlayers() int {
	if held, err := p.Plan.Held(); err == nil {
		return held.Peak()
	}
	return 0
}

// validate reports every mistake.
func (p *Play) validate() error {
	var errs []error
	wrong := func(err error) {
		if err != nil {
			errs = append(errs, &messages.FieldError{Field: "Play", Err: err})
		}
	}
	wrong(p.Plan.Validate())
	if p.Scenario == nil || len(p.Scenario.Programs) == 0 {
		wrong(errors.New("got no scenario"))
	} else if n := len(p.Scenario.Feeds); len(p.Tables) != n {
		wrong(fmt.Errorf("got %d tables, want %d", len(p.Tables), n))
	}
	return errors.Join(errs...)
}

// storyRecorder is the recorder of one shard in a run of a scenario.
type storyRecorder struct {
	*recorder
	*metrics.ScenarioShard
}

// story is a run of a scenario: who is on stage, and who comes and goes next. What is not said to be
// guarded belongs to the goroutine of direct.
type story struct {
	run    *run
	play   *Play
	cast   *players.Cast
	names  *metrics.Scenario
	shards []*metrics.ScenarioShard
	parts  []*metrics.ScenarioSnapshot // by shard; guarded by run.gathering
	all    *messages.Connect

	tally  load.Tally
	starts struct{ onTime, late, missed atomic.Int64 } // as in tally, for others
	free   []messages.ConnID                           // closed, or never begun
	live   []messages.ConnID                           // in the order in which they began
	next   int                                         // the number of the next player

	changed chan struct{}
	mu      sync.Mutex
	over    []messages.ConnID // have ended, and were not noticed yet; guarded by mu
}

func (r *run) newStory(p *Play) (*story, error) {
	sc := p.Scenario
	names, err := metrics.NewScenario(metrics.Names{Requests: sc.Requests, Checks: sc.Checks, Deliveries: sc.Deliveries, Ticks: sc.Ticks, Populations: sc.Populations})
	if err != nil {
		return nil, &messages.FieldError{Field: "Play", Err: err}
	}
	s := &story{run: r, play: p, names: names, all: r.cfg.connect(), changed: make(chan struct{}, 1)}
	series := make([]players.Series, r.cfg.Shards)
	for i := range series {
		s.shards = append(s.shards, names.NewShard())
		s.parts = append(s.parts, names.NewSnapshot())
		series[i] = storyRecorder{r.recorders[i], s.shards[i]}
	}
	s.cast, err = players.NewCast(players.CastOptions{
		Scenario: sc, Series: series, Tables: p.Tables, Seed: p.Seed, Players: r.cfg.Connections,
		Iterations: p.Plan.Iterations, Spread: !p.Plan.LockStep,
		Connect: s.connect, Signal: func(id messages.ConnID, v any) error { return r.manager.Signal(id, v) },
		Done: s.done, Env: p.Env, Logger: r.cfg.Logger,
	})
	return s, err
}

// connect gives what the n-th player connects with.
func (s *story) connect(n int, o players.Opening) *messages.Connect {
	c := s.run.cfg.connectOf(n, s.all)
	if o.URL == "" && o.Headers == nil && (o.Identity == nil || s.play.Auth == nil) {
		return c
	}
	own := *c
	if o.URL != "" {
		own.URL = o.URL
	}
	if o.Headers != nil {
		own.Headers = maps.Clone(c.Headers)
		if own.Headers == nil {
			own.Headers = make(http.Header)
		}
		maps.Copy(own.Headers, o.Headers)
	}
	if o.Identity != nil && s.play.Auth != nil {
		own.Auth = s.play.Auth(n, *o.Identity)
	}
	return &own
}

// done takes a player that has ended, on its shard.
func (s *story) done(id messages.ConnID, _ int) {
	s.mu.Lock()
	s.over = append(s.over, id)
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// notice moves those who have ended from live to free.
func (s *story) notice() {
	s.mu.Lock()
	over := s.over
	s.over = nil
	s.mu.Unlock()
	if len(over) == 0 {
		return
	}
	gone := make(map[messages.ConnID]bool, len(over))
	for _, id := range over {
		gone[id] = true
	}
	kept := s.live[:0]
	for _, id := range s.live {
		if !gone[id] {
			kept = append(kept, id)
		}
	}
	s.live = kept
	s.free = append(s.free, over...)
}

// begin starts the next player, which was due then.
func (s *story) begin(due, now time.Duration) bool {
	if len(s.free) == 0 {
		return false
	}
	id := s.free[0]
	s.free = s.free[1:]
	n := s.next
	s.next++
	if s.run.manager.Signal(id, players.Begin{N: n}) != nil {
		return false
	}
	s.live = append(s.live, id)
	s.tally.Start(due, now)
	s.tallied()
	return true
}

// missed counts a start that did not take place.
func (s *story) missed() {
	s.tally.Miss(1)
	s.tallied()
}

func (s *story) tallied() {
	s.starts.onTime.Store(int64(s.tally.OnTime))
	s.starts.late.Store(int64(s.tally.Late))
	s.starts.missed.Store(int64(s.tally.Never))
}

// leave has the player that has been there the longest end.
func (s *story) leave(atOnce bool) {
	id := s.live[0]
	s.live = append(s.live[1:], id) // it counts until it is gone, and others leave before it is asked again
	_ = s.run.manager.Signal(id, players.Leave{AtOnce: atOnce})
}

// direct has players come and go as the plan says, until it is over or ctx ends, and then waits for those
// who are there to finish.
func (s *story) direct(ctx context.Context) error {
	var err error
	if s.play.Plan.Model == load.Open {
		err = s.open(ctx)
	} else {
		err = s.closed(ctx)
	}
	if err != nil {
		return err
	}
	s.cast.Quiet()
	s.finish(ctx)
	return nil
}

// closed holds as many players as the plan says.
func (s *story) closed(ctx context.Context) error {
	held, err := s.play.Plan.Held()
	if err != nil {
		return err
	}
	started, left := 0, 0
	clock := newClock(s.run.started)
	defer clock.stop()
	for ctx.Err() == nil {
		now := clock.now()
		s.notice()
		if s.play.Plan.Replace {
			for range held.Missing(now, len(s.live)) {
				if !s.begin(now, clock.now()) {
					break
				}
			}
		} else {
			for ; started < held.Starts(now); started++ {
				due, _ := held.StartDue(started)
				if !s.begin(due, clock.now()) {
					s.missed()
				}
			}
		}
		for ; left < held.Stops(now) && len(s.live) > 0; left++ {
			s.leave(s.play.Plan.Graceful == 0)
		}
		if now >= held.Duration() || held.Duration() == load.Forever && started == held.Total() && len(s.live) == 0 {
			break
		}
		// Without replacement nothing is left to do once all have come and gone.
		if !s.play.Plan.Replace && started == held.Total() && len(s.live) == 0 {
			break
		}
		next, ok := held.Next(now)
		if !ok {
			next = held.Duration()
		}
		clock.wait(ctx, next, s.changed)
	}
	return nil
}

// open starts players when they are due, whatever became of those before them.
func (s *story) open(ctx context.Context) error {
	arrivals, err := s.play.Plan.Arrivals()
	if err != nil {
		return err
	}
	stream := arrivals.Even()
	if s.play.Plan.Poisson {
		stream = arrivals.Poisson(s.play.Seed)
	}
	clock := newClock(s.run.started)
	defer clock.stop()
	due, more := stream.Next()
	for ctx.Err() == nil && more {
		if now := clock.now(); now < due {
			clock.wait(ctx, due, nil)
			continue
		}
		s.notice()
		if !s.begin(due, clock.now()) {
			s.missed() // all that there may be at once are there
		}
		due, more = stream.Next()
	}
	for ctx.Err() == nil && clock.now() < arrivals.Duration() {
		clock.wait(ctx, arrivals.Duration(), nil)
	}
	return nil
}

// finish waits for the players who are there to finish, for as long as the plan allows; if ctx has ended, they
// are not waited for.
func (s *story) finish(ctx context.Context) {
	deadline := time.NewTimer(s.play.Plan.Graceful)
	defer deadline.Stop()
	for s.notice(); len(s.live) > 0; s.notice() {
		select {
		case <-s.changed:
		case <-deadline.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// gather adds all shards to sum.
func (s *story) gather(ctx context.Context, sum *metrics.ScenarioSnapshot) error {
	s.run.gathering.Lock()
	defer s.run.gathering.Unlock()
	err := s.run.manager.Each(ctx, func(i int) {
		s.parts[i].Reset()
		s.shards[i].AddTo(s.parts[i])
	})
	if err != nil {
		return err
	}
	for _, p := range s.parts {
		sum.Merge(p)
	}
	return nil
}

// describe adds what is known of the scenario beside its counts.
func (s *story) describe(o *report.Outcome) {
	t := s.tally
	o.FirstFault = s.cast.FirstFault()
	o.Starts = report.Starts{OnTime: uint64(t.OnTime), Late: uint64(t.Late), Missed: uint64(t.Never), Latest: t.Worst.Seconds()}
	o.Players = s.cast.Parts(s.next)
}

// clock waits for instants of a run.
type clock struct {
	start time.Time
	timer *time.Timer
}

func newClock(start time.Time) *clock {
	c := &clock{start, time.NewTimer(math.MaxInt64)}
	c.timer.Stop()
	return c
}

func (c *clock) now() time.Duration { return time.Since(c.start) }
func (c *clock) stop()              { c.timer.Stop() }

// wait returns at the instant t, when something comes through changed, or when ctx ends.
func (c *clock) wait(ctx context.Context, t time.Duration, changed <-chan struct{}) {
	d := time.Duration(math.MaxInt64)
	if t < math.MaxInt64 {
		d = max(t-c.now(), 0)
	}
	c.timer.Reset(d)
	defer c.timer.Stop()
	select {
	case <-c.timer.C:
	case <-changed:
	case <-ctx.Done():
	}
}
