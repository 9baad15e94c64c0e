package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of a Queue.
const (
	maxWaiting = 120      // bodies; with one a second, a server may be away for two minutes
	maxBytes   = 32 << 20 // of the bodies that wait

	attempt  = 10 * time.Second // how long one answer is waited for
	patience = 2 * time.Minute  // how long one body is tried
	farewell = 5 * time.Second  // how long Close waits
	brief    = time.Second      // how long Close waits for a server that never took anything

	firstPause = 250 * time.Millisecond // between two tries; it doubles
	lastPause  = 8 * time.Second
	maxPause   = 30 * time.Second // that a server may ask for

	maxAnswer = 64 << 10 // bytes of an answer that are read
	maxReason = 200      // of them that are told
)

// Options describe a Queue.
type Options struct {
	Name   string // what the output is called
	URL    *url.URL
	Header http.Header // of each request
	Auth   Auth
	// Retry tells after which status a body may be tried again. Default: 429 and all from 500.
	Retry func(status int) bool
	// Answer reads the answer with which a body was taken, and says what of it was not. Default: all was.
	Answer func(body []byte) error
	// Patient has Add wait for room rather than drop what is oldest: for a run that is read again, where nothing
	// waits for it. Then the first body that is given up is the last one that is tried.
	Patient bool
	// Logger is told at once if the server cannot be reached. Default: slog.Default.
	Logger *slog.Logger

	transport http.RoundTripper // of tests
}

// Queue sends bodies to a server, in their order, each in a request of its own. Add and Close are for one goroutine.
type Queue struct {
	o      Options
	client *http.Client
	ctx    context.Context // ends when nothing more is tried
	stop   context.CancelFunc
	done   chan struct{} // closed when nothing is sent any more
	hurry  chan struct{} // closed when Close has begun: nobody sleeps then

	mu sync.Mutex
	// Guarded by mu.
	waiting [][]byte
	bytes   int
	changed chan struct{} // closed and made anew when waiting changes
	closing bool
	added   int
	taken   int
	lost    int
	gaveUp  bool  // of a Patient queue
	last    error // why something was lost
	partly  error // what was not taken of a body that was
	warned  bool
}

// New starts a queue. It must be closed.
func New(o Options) *Queue {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Retry == nil {
		o.Retry = func(code int) bool { return code == http.StatusTooManyRequests || code/100 == 5 }
	}
	q := &Queue{o: o, done: make(chan struct{}), hurry: make(chan struct{}), changed: make(chan struct{})}
	if q.o.transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 1
		q.o.transport = t
	}
	q.client = &http.Client{
		Transport: q.o.transport, Timeout: attempt,
		// A redirect would turn the POST into a GET, or take what we log in with elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	q.ctx, q.stop = context.WithCancel(context.Background())
	go q.run()
	return q
}

// Add puts a body at the end. It keeps it. Unless the queue is Patient it returns at once: if there is no room, the
// oldest one is dropped and counted.
func (q *Queue) Add(body []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.added++
	for q.o.Patient && !q.gaveUp && q.full(len(body)) {
		q.awaitChange()
	}
	if q.gaveUp {
		q.lost++
		return
	}
	for q.full(len(body)) && len(q.waiting) > 0 {
		q.take()
		q.lose(errors.New("the server was slower than the run, and what was oldest was dropped"))
	}
	q.waiting = append(q.waiting, body)
	q.bytes += len(body)
	q.change()
}

func (q *Queue) full(more int) bool {
	return len(q.waiting) > 0 && (len(q.waiting) >= maxWaiting || q.bytes+more > maxBytes)
}

// take takes the oldest body.
func (q *Queue) take() []byte {
	body := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	q.bytes -= len(body)
	q.change()
	return body
}

func (q *Queue) lose(why error) {
	q.lost++
	q.last = why
}

func (q *Queue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// awaitChange gives up mu until waiting has changed.
func (q *Queue) awaitChange() {
	changed := q.changed
	q.mu.Unlock()
	<-changed
	q.mu.Lock()
}

// Close waits, for at most a few seconds, until the last body was taken, and says what was not.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closing = true
	q.change()
	wait := farewell
	if q.taken == 0 {
		wait = brief
	}
	q.mu.Unlock()
	if q.o.Patient {
		wait = patience
	} else {
		close(q.hurry)
	}
	enough := time.AfterFunc(wait, q.stop)
	<-q.done
	enough.Stop()
	q.stop()
	q.client.CloseIdleConnections()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.lost > 0:
		return fmt.Errorf("%s: %d of %d intervals did not get to %s: %w", q.o.Name, q.lost, q.added, Redact(q.o.URL.String()), q.last)
	case q.partly != nil:
		return fmt.Errorf("%s: %s did not take all: %w", q.o.Name, Redact(q.o.URL.String()), q.partly)
	}
	return nil
}

// next gives the next body; ok is false when there is none any more.
func (q *Queue) next() (body []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 {
		if q.closing {
			return nil, false
		}
		q.awaitChange()
	}
	return q.take(), true
}

func (q *Queue) run() {
	defer close(q.done)
	for {
		body, ok := q.next()
		if !ok {
			return
		}
		q.sent(q.send(body))
	}
}

// sent counts what became of a body.
func (q *Queue) sent(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		q.taken++
		return
	}
	q.lose(err)
	if !q.o.Patient && q.ctx.Err() == nil {
		return
	}
	q.gaveUp = true // nothing more is tried
	for len(q.waiting) > 0 {
		q.take()
		q.lost++
	}
	q.change()
}

// send tries to send a body until it is taken, refused, or the time is over.
func (q *Queue) send(body []byte) error {
	ctx, cancel := context.WithTimeout(q.ctx, patience)
	defer cancel()
	pause := firstPause
	var why error
	for {
		wait, err := q.try(ctx, body)
		var later *laterError
		if err == nil || !errors.As(err, &later) {
			return err
		}
		if why == nil || ctx.Err() == nil { // that we broke off says less than what went before
			why = later.error
		}
		q.warn(why)
		if wait = max(wait, pause); !q.sleep(ctx, wait) {
			return why
		}
		pause = min(2*pause, lastPause)
	}
}

// sleep tells whether there is time for another try. When the queue is being closed it sleeps less.
func (q *Queue) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	case <-q.hurry:
	}
	short := time.NewTimer(min(d, firstPause))
	defer short.Stop()
	select {
	case <-short.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// warn tells that the server cannot be reached, the first time.
func (q *Queue) warn(why error) {
	q.mu.Lock()
	first := !q.warned
	q.warned = true
	q.mu.Unlock()
	if first {
		what := "an output does not get through; it is tried again, and the run goes on"
		if q.o.Patient {
			what = fmt.Sprintf("an output does not get through; it is tried again for %v", patience)
		}
		q.o.Logger.Warn(what,
			"output", q.o.Name, "to", Redact(q.o.URL.String()), "reason", why)
	}
}

// laterError is one after which it may be tried again.
type laterError struct{ error }

// try sends a body once. wait is what the server asks for.
func (q *Queue) try(ctx context.Context, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.o.URL.String(), bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("got a URL that is not one")
	}
	for name, values := range q.o.Header {
		req.Header[name] = values
	}
	q.o.Auth.apply(req)
	resp, err := q.client.Do(req)
	if err != nil {
		return 0, &laterError{plain(err)}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, &laterError{fmt.Errorf("read the answer: %w", err)}
	}
	switch code := resp.StatusCode; {
	case code/100 == 2:
		if q.o.Answer != nil {
			if err := q.o.Answer(answer); err != nil {
				q.mu.Lock()
				q.partly = err
				q.mu.Unlock()
			}
		}
		return 0, nil
	case q.o.Retry(code):
		n, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return min(time.Duration(max(n, 0))*time.Second, maxPause), &laterError{refusal(code, answer)}
	default:
		return 0, refusal(code, answer)
	}
}

// plain gives an error of the client without the URL, as there may be a key in it.
func plain(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		err = with.Err
	}
	var timed interface{ Timeout() bool }
	if errors.Is(err, context.Canceled) || errors.As(err, &timed) && timed.Timeout() {
		return errors.New("got no answer in time")
	}
	return err
}

// refusal words an answer, of which a little is told: it is the server's, and may be anything.
func refusal(code int, answer []byte) error {
	text := strings.TrimSpace(strings.ToValidUTF8(string(answer[:min(len(answer), maxReason)]), "?"))
	if text == "" {
		return fmt.Errorf("got status %d, want 200", code)
	}
	return fmt.Errorf("got status %d, want 200: %q", code, text)
}
