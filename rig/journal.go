package rig

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// Intervals of records, where the configuration has none. A run that is planned to last longer than longRun has
// fewer of them.
const (
	shortInterval = time.Second
	longInterval  = 10 * time.Second
	longRun       = time.Hour
)

// journal makes the records and events of a run, and passes them on: to the builder of the summary, to the sinks
// and to Progress. Its methods may be called from any goroutine.
type journal struct {
	run      *run
	manifest *report.Manifest
	kept     chan struct{} // closed when keep's goroutine is over
	stop     func()        // ends what keep began

	mu sync.Mutex
	// Guarded by mu.
	recorder *metrics.Recorder
	builder  *report.Builder
	outputs  []output
	last     float64 // seconds; the end of the last record
	health   *health
	asked    *asked
	law      string // which was broken last
	over     bool   // the load is

	sent, received uint64  // data messages, up to the last record
	wanted         float64 // data messages that were asked for, up to it
}

// output is a sink, and what became of it.
type output struct {
	report.Sink
	failed string // what it said of the first thing that it could not take; empty if it took all
}

// newJournal begins the journal of a run that starts now. A sink that cannot begin is an error: it is told before
// the first player.
func (r *run) newJournal() (*journal, error) {
	m := r.manifest()
	j := &journal{run: r, manifest: m, builder: report.NewBuilder(m), asked: newAsked(&r.cfg)}
	j.recorder = metrics.NewRecorder(nil)
	if r.story != nil {
		j.recorder = metrics.NewRecorder(r.story.names)
	}
	for _, s := range r.cfg.Sinks {
		if err := s.Begin(m); err != nil {
			for _, o := range j.outputs { // those that have begun
				_ = o.End(nil)
			}
			return nil, &OutputError{err}
		}
		j.outputs = append(j.outputs, output{Sink: s})
	}
	r.started = time.Now() // not before: a disk that took its time would make the first players late
	j.health = newHealth(r.cfg.MaxLag)
	return j, nil
}

// OutputError is why an output could not begin; there was no run.
type OutputError struct{ Err error }

// Error implements error.
func (e *OutputError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *OutputError) Unwrap() error { return e.Err }

// keep makes a record each interval until stop is called, which waits for the last one.
func (j *journal) keep() {
	ctx, cancel := context.WithCancel(context.Background())
	j.kept = make(chan struct{})
	go func() {
		defer close(j.kept)
		tick := time.NewTicker(time.Duration(j.manifest.Interval * 1e9))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if j.justDone() {
				continue
			}
			within, cancel := context.WithTimeout(ctx, metrics.GatherTimeout)
			_ = j.record(within) // a shard that does not answer is in the next record
			cancel()
		}
	}()
	j.stop = sync.OnceFunc(func() { cancel(); <-j.kept })
}

// justDone tells that a record was made a moment ago, as after one that took so long that the next tick was there
// already.
func (j *journal) justDone() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now()-j.last < j.manifest.Interval/2
}

// loadOver ends an interval where the load ends: nothing is asked for from here on.
func (j *journal) loadOver() {
	ctx, cancel := context.WithTimeout(context.Background(), metrics.GatherTimeout)
	defer cancel()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over = true
	_ = j.next(ctx) // if a shard does not answer, the record goes on
	j.asked.over = true
	j.tell(report.Event{Kind: report.LoadOver, Text: "the load is over; connections are closed now"})
}

// record makes the next record.
func (j *journal) record(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next(ctx)
}

func (j *journal) next(ctx context.Context) error {
	j.recorder.Now.Reset()
	if err := j.run.gather(ctx, j.recorder.Now); err != nil {
		return err
	}
	if s := j.run.story; s != nil {
		j.recorder.NowScenario.Reset()
		if err := s.gather(ctx, j.recorder.NowScenario); err != nil {
			return err
		}
	}
	to := j.now()
	j.health.sample()
	j.asked.sample(time.Duration(to * 1e9))
	rec := j.recorder.Record(j.last, to, j.visit)
	j.run.shown.take(j.visit)
	j.last = to
	j.tellOfStalls()
	j.health.tidy()
	events := j.builder.Record(rec)
	j.each(func(s report.Sink) error { return s.Record(rec) })
	for _, e := range events {
		if e.Kind == report.Aborted && (j.over || !j.run.abort(&abortError{e.Text})) {
			continue // the load was over, or an interrupt came before
		}
		j.tell(e)
	}
	if rec.Broken != "" && rec.Broken != j.law {
		j.tell(report.Event{Kind: report.Broke, Text: rec.Broken})
	}
	j.law = rec.Broken
	j.follow()
	if tell := j.run.cfg.Progress; tell != nil && !j.over {
		tell(j.progress(rec))
	}
	return nil
}

// follow tells the sinks that want to know how the run stands.
func (j *journal) follow() {
	var standing *report.Summary
	j.each(func(s report.Sink) error {
		f, ok := s.(report.Follower)
		if !ok {
			return nil
		}
		if standing == nil {
			standing = j.builder.Standing()
		}
		return f.Stands(standing)
	})
}

// visit shows v what is not in the snapshots.
func (j *journal) visit(v metrics.Visitor) {
	j.health.visit(v)
	j.asked.visit(v, j.run.story)
}

// tellOfStalls tells of the standstills since the last record.
func (j *journal) tellOfStalls() {
	for _, s := range j.health.standstill.take() {
		j.tell(report.Event{
			At: s.end.Add(-s.took).Sub(j.run.started).Seconds(), Kind: report.Stall, Seconds: s.took.Seconds(),
			Text: fmt.Sprintf("the rig stood still for %s", s.took.Round(time.Millisecond)),
		})
	}
}

// now gives the seconds since the run began.
func (j *journal) now() float64 { return time.Since(j.run.started).Seconds() }

// tell tells of something that happened when it says; now if it does not.
func (j *journal) tell(e report.Event) {
	if e.At == 0 {
		e.At = j.now()
	}
	j.builder.Event(e)
	j.each(func(s report.Sink) error { return s.Event(e) })
}

// each calls f with each sink. What one cannot take, it does without: the first time is told.
func (j *journal) each(f func(report.Sink) error) {
	for i := range j.outputs {
		o := &j.outputs[i]
		if err := f(o.Sink); err != nil && o.failed == "" {
			o.failed = err.Error()
			j.run.cfg.Logger.Warn("an output lost something; the run goes on", "reason", err)
			e := report.Event{At: j.now(), Kind: report.Output, Text: err.Error()}
			j.builder.Event(e)
			for k := range j.outputs {
				if k != i {
					_ = j.outputs[k].Event(e) // told when that one's turn comes
				}
			}
		}
	}
}

// end makes the last record, and gives the summary.
func (j *journal) end(ctx context.Context, o *report.Outcome) (*report.Summary, error) {
	if err := j.record(ctx); err != nil {
		return nil, fmt.Errorf("read the counts: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.health.stop()
	j.tell(report.Event{Kind: report.Ended, Outcome: o})
	s := j.builder.Summary()
	for i := range j.outputs {
		// Also after another error: it may say how much was lost in all.
		if err := j.outputs[i].End(s); err != nil && err.Error() != j.outputs[i].failed {
			j.run.cfg.Logger.Warn("an output is not whole", "reason", err)
		}
	}
	return s, nil
}

// abandon ends the sinks of a run that has no summary.
func (j *journal) abandon() {
	j.stop() // or a record would come after the end, of what is closed
	j.mu.Lock()
	defer j.mu.Unlock()
	j.health.stop()
	var errs []error
	for _, o := range j.outputs {
		errs = append(errs, o.End(nil))
	}
	if err := errors.Join(errs...); err != nil {
		j.run.cfg.Logger.Warn("an output could not be ended", "reason", err)
	}
}
