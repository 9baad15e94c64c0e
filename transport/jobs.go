package transport

import "sync"

// jobs runs what may block (name lookup, TLS, tokens) off the loops, on at most limit goroutines that
// end when there is nothing to do. The queue is bounded by the number of connections, as each waits
// for at most one job.
type jobs struct {
	limit int

	mu      sync.Mutex
	queue   []func()
	running int
	done    sync.WaitGroup
}

// do queues f and returns at once.
func (j *jobs) do(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = append(j.queue, f)
	if j.running < j.limit {
		j.running++
		j.done.Add(1)
		go j.work()
	}
}

func (j *jobs) work() {
	defer j.done.Done()
	for {
		j.mu.Lock()
		if len(j.queue) == 0 {
			j.running--
			j.queue = nil
			j.mu.Unlock()
			return
		}
		f := j.queue[0]
		j.queue[0] = nil
		j.queue = j.queue[1:]
		j.mu.Unlock()
		f()
	}
}

// wait returns when all goroutines have ended. Nothing may be queued meanwhile.
func (j *jobs) wait() { j.done.Wait() }
