package transport

// The queue is how work reaches a loop: from other goroutines by Post, from its own by Defer.

type item struct {
	run Runner
	arg any
}

// Post queues r to be run on the loop with arg. Any goroutine may call it. What one goroutine posts is
// run in its order. What is posted after Run has returned is never run.
func (l *Loop) Post(r Runner, arg any) { l.post(&l.queue, r, arg) }

// PostUrgent is Post with priority over everything that was posted without.
func (l *Loop) PostUrgent(r Runner, arg any) { l.post(&l.urgent, r, arg) }

// post tells whether r will be run.
func (l *Loop) post(queue *[]item, r Runner, arg any) bool {
	l.mu.Lock()
	gone := l.gone
	if !gone {
		*queue = append(*queue, item{r, arg})
	}
	l.mu.Unlock()
	if !gone {
		l.rouse()
	}
	return !gone
}

func (l *Loop) rouse() {
	if l.sleeping.Load() && l.sleeping.CompareAndSwap(true, false) {
		l.wake()
	}
}

// wake holds mu so that it never writes to a descriptor that Run has closed.
func (l *Loop) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gone {
		l.poller.wake()
	}
}

// Defer queues r behind what the loop is doing now; it is run in the same turn, unless it was deferred
// by something that itself was: then in the next, which begins without waiting. Only the loop's
// goroutine may call it; it takes no lock.
func (l *Loop) Defer(r Runner, arg any) { l.local = append(l.local, item{r, arg}) }

func (l *Loop) queued() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0 || len(l.urgent) > 0
}

// drain runs what was queued when it began: urgent items, then the others', and after each of the two
// what was deferred.
func (l *Loop) drain() {
	l.mu.Lock()
	l.batch, l.urgent = l.urgent, l.batch[:0]
	l.mu.Unlock()
	l.runBatch()
	l.runLocal()
	l.mu.Lock()
	l.batch, l.queue = l.queue, l.batch[:0]
	l.mu.Unlock()
	l.runBatch()
	l.runLocal()
}

// runLocal runs what was deferred so far. It does not run what that defers, so that it ends.
func (l *Loop) runLocal() {
	if len(l.local) > 0 {
		l.batch, l.local = l.local, l.batch[:0]
		l.runBatch()
	}
}

// maxKept bounds the queue memory that is kept for reuse, in items.
const maxKept = 1 << 16

func (l *Loop) runBatch() {
	for l.ran = 0; l.ran < len(l.batch); {
		l.runSome()
	}
	if cap(l.batch) > maxKept {
		l.batch = nil
	}
}

func (l *Loop) runSome() {
	defer l.recoverTurn()
	for l.ran < len(l.batch) {
		it := l.batch[l.ran]
		l.batch[l.ran] = item{}
		l.ran++
		l.blame = it.run
		it.run.RunOnLoop(it.arg)
	}
}

// leave ends the loop's part: nothing is queued from now on. Of what still is, only the results of jobs
// are run, as they may hold a socket.
func (l *Loop) leave() {
	l.mu.Lock()
	l.gone = true
	l.poller.close()
	left := append(l.urgent, l.queue...)
	l.urgent, l.queue = nil, nil
	l.mu.Unlock()
	for _, it := range left {
		if r, ok := it.run.(*result); ok {
			r.RunOnLoop(nil)
		}
	}
}
