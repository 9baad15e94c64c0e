package rig

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
)

// drainTimeout bounds the closing of all connections, on top of the close timeout of each.
const drainTimeout = 30 * time.Second

// Run carries out one run and gives its summary. When ctx ends, the load does, and the run drains and
// reports as it would have at its end, as it does when a threshold that is to end the run fails. An error means that there was no run: a *messages.FieldError or several,
// a *LimitError, or what kept the engine or the HTTP listener from starting. A name that cannot be looked up, or
// a proxy that lets nobody through, is such an error; a server that does not answer is what a run reports.
func Run(ctx context.Context, c Config) (*report.Summary, error) {
	c = c.withDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := Fit(c); err != nil {
		return nil, err
	}
	r := &run{cfg: c, recorders: make([]*recorder, c.Shards), parts: make([]metrics.Snapshot, c.Shards)}
	r.gauges.left.Store(int64(c.Connections))
	r.gauges.over = make(chan struct{})
	if c.Rate == 0 {
		r.gauges.slots = make(chan struct{}, c.MaxHandshakes)
	}
	meters := make([]players.Meter, c.Shards)
	for i := range r.recorders {
		r.recorders[i] = &recorder{gauges: &r.gauges}
		meters[i] = r.recorders[i]
	}
	var err error
	if c.Play != nil {
		if r.story, err = r.newStory(c.Play); err != nil {
			return nil, err
		}
		defer r.story.cast.Stop()
		r.gauges.left.Store(math.MaxInt64) // players come back
		r.gauges.slots = nil
	} else if r.crowd, err = players.NewCrowd(c.crowd(meters)); err != nil {
		return nil, err
	}
	r.manager, err = actors.NewManager(actors.Options{
		Shards:    c.Shards,
		Transport: c.Transport,
		Logger:    c.Logger,
		Recorder:  func(i int) actors.Recorder { return r.recorders[i] },
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		_ = r.manager.Stop(stop)
	}()
	if err := r.manager.Network().Probe(ctx, c.connect()); err != nil && ctx.Err() == nil { // as Probe, with names kept
		return nil, err
	}
	if c.HTTP != "" {
		web, err := r.serve()
		if err != nil {
			return nil, &messages.FieldError{Field: "HTTP", Err: err}
		}
		defer web.stop()
	}
	if c.Starting != nil {
		c.Starting()
	}
	s, err := r.run(ctx)
	if c.Linger > 0 && err == nil {
		select {
		case <-time.After(c.Linger):
		case <-ctx.Done():
		}
	}
	return s, err
}

// run is a run under way.
type run struct {
	cfg       Config
	manager   *actors.Manager
	crowd     *players.Crowd // nil for a scenario
	story     *story         // nil for none
	recorders []*recorder    // by shard
	gauges    gauges
	ids       []messages.ConnID
	started   time.Time
	shown     shown // what the rig last measured of itself

	// abort ends the load because of a threshold; false if it had ended before for another reason.
	abort func(*abortError) bool

	gathering sync.Mutex
	parts     []metrics.Snapshot // by shard; guarded by gathering
}

// abortError is why the load ended before its time: a threshold that is to end it failed.
type abortError struct{ threshold string }

// Error implements error.
func (e *abortError) Error() string { return "the threshold " + e.threshold + " failed" }

func (r *run) run(ctx context.Context) (*report.Summary, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.abort = func(e *abortError) bool { cancel(e); return context.Cause(ctx) == e }
	number := make([]int, r.cfg.Shards) // players so far, by shard; each is its shard's own
	ids, err := r.manager.OpenMany(r.cfg.Connections, func(id messages.ConnID) actors.Behavior {
		shard := id.Shard()
		n := number[shard]*r.cfg.Shards + shard
		number[shard]++
		if r.story != nil {
			return r.story.cast.Player(shard, n)
		}
		return r.crowd.Player(shard, n)
	})
	if err != nil {
		return nil, err
	}
	r.ids = ids
	r.started = time.Now()
	j, err := r.newJournal()
	if err != nil {
		return nil, err
	}
	j.keep()
	defer j.stop()
	s, err := r.carryOut(ctx, j)
	if err != nil {
		j.abandon()
	}
	return s, err
}

// carryOut has the load take place, and closes everything.
func (r *run) carryOut(ctx context.Context, j *journal) (*report.Summary, error) {
	if r.story != nil {
		if err := r.tell(ctx); err != nil {
			return nil, err
		}
	} else {
		r.load(ctx)
		r.crowd.Quiet()
	}
	o := &report.Outcome{Load: time.Since(r.started).Seconds()}
	ended := ctx.Err() != nil // an interrupt from here on ends nothing before its time
	j.loadOver()              // from here on, no threshold ends it
	var aborted *abortError
	if errors.As(context.Cause(ctx), &aborted) {
		o.Aborted = aborted.threshold
	} else {
		o.Interrupted = ended
	}
	if err := r.finish(o); err != nil {
		return nil, err
	}
	j.stop()
	last, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return j.end(last, o)
}

// load has players arrive and stay until the time is over, or ctx, or no player is left.
func (r *run) load(ctx context.Context) {
	load, cancel := context.WithTimeout(ctx, r.cfg.Duration)
	defer cancel()
	arriving := make(chan struct{})
	go func() {
		defer close(arriving)
		r.arrive(load)
	}()
	select {
	case <-load.Done():
	case <-r.gauges.over: // no player is left, and none comes back
		cancel()
	}
	<-arriving
}

// tell carries out the scenario.
func (r *run) tell(ctx context.Context) error {
	r.story.free = append([]messages.ConnID(nil), r.ids...)
	return r.story.direct(ctx)
}

// finish waits for the last answers, closes all connections and fills in the outcome.
func (r *run) finish(o *report.Outcome) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Settle+drainTimeout)
	defer cancel()
	snap := new(metrics.Snapshot)
	if err := r.settle(ctx, snap); err != nil {
		return err
	}
	o.ByState = make(map[string]int64)
	for _, st := range messages.States() {
		o.ByState[st.String()] = snap.States[st]
	}
	o.Goroutines = runtime.NumGoroutine()
	o.Unsent = snap.Traffic.Pending
	draining := time.Now()
	if err := r.manager.Drain(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("drain: %w", err)
	}
	o.Drain = time.Since(draining).Seconds()
	last, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if r.story != nil {
		r.story.cast.Stop() // HTTP requests under way count as lost now
		r.story.describe(o)
	}
	snap.Reset()
	if err := r.gather(last, snap); err != nil {
		return fmt.Errorf("read the counts: %w", err)
	}
	o.Peak = r.gauges.peak.Load()
	r.describe(last, o, snap)
	return nil
}

// describe fills in what the run cost, and what was asked for.
func (r *run) describe(ctx context.Context, o *report.Outcome, snap *metrics.Snapshot) {
	cpu, rss := usage()
	o.CPU, o.MaxRSS = cpu.Seconds(), rss
	if r.story == nil && r.cfg.Traffic != players.Idle {
		o.Unanswered = snap.Unanswered()
	}
	if all, err := r.manager.Snapshot(ctx); err == nil {
		o.Panics = all.Panics
	}
	var gc debug.GCStats
	gc.PauseQuantiles = make([]time.Duration, 2)
	debug.ReadGCStats(&gc)
	o.GCPause = gc.PauseQuantiles[1].Seconds()
	o.Details = r.gauges.details()
	o.Asked = uint64(r.cfg.Connections)
	if o.Interrupted || o.Aborted != "" || r.story != nil { // who opens a connection, and how often, is the scenario's affair
		o.Asked = 0
		for from := range snap.Transitions {
			o.Asked += snap.Transitions[from][messages.Connecting]
		}
	}
}

// settle waits until what was sent was answered, or was not for long enough, and leaves the counts in
// snap.
func (r *run) settle(ctx context.Context, snap *metrics.Snapshot) error {
	until := time.Now().Add(r.cfg.Settle)
	for {
		snap.Reset()
		if err := r.gather(ctx, snap); err != nil {
			return fmt.Errorf("read the counts: %w", err)
		}
		if (snap.Traffic.Pending == 0 && (r.story != nil || r.cfg.Traffic == players.Idle || snap.Unanswered() == 0)) || time.Now().After(until) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// gather adds all shards to snap.
func (r *run) gather(ctx context.Context, snap *metrics.Snapshot) error {
	r.gathering.Lock()
	defer r.gathering.Unlock()
	err := r.manager.Each(ctx, func(i int) {
		r.parts[i].Reset()
		r.recorders[i].AddTo(&r.parts[i])
		r.parts[i].Traffic, r.parts[i].At = r.manager.OnShard(i).Traffic, messages.Now()
	})
	if err != nil {
		return err
	}
	for i := range r.parts {
		snap.Merge(&r.parts[i])
	}
	return nil
}

// SafeURL gives a URL without what may be secret in it: user, query and fragment.
func SafeURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
