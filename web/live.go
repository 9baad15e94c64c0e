package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/timeline"
)

// How viewers are served.
const (
	maxTold    = 64 // different messages that are kept while there is nothing new
	maxViewers = 1024
	leastPause = 500 * time.Millisecond // between two messages to a viewer
	few        = 8                      // viewers that are all told at once
	spread     = 400 * time.Millisecond // in which more of them are told, one after the other
	heartbeat  = 15 * time.Second       // of a run that has nothing new, so that proxies keep the line
	patience   = 10 * time.Second       // with a viewer that takes nothing
)

// Live serves the page of a run that happens. Whoever comes late gets the whole history; whoever takes in too little
// gets fewer rows, and who takes in nothing is dropped. None of it holds up the run.
type Live struct {
	of      *timeline.Timeline
	name    string
	viewers atomic.Int64  // who watch now
	came    atomic.Uint64 // who did at any time

	mu sync.Mutex
	// Guarded by mu: what is the same for all viewers is made once.
	version uint64
	whole   []byte // compressed
	news    map[cursor]told
}

// cursor is what a viewer has seen.
type cursor struct{ gen, rows, events int }

// NewLive makes the page of a run, which name is to tell from other tabs.
func NewLive(of *timeline.Timeline, name string) *Live { return &Live{of: of, name: name} }

// Handlers gives what is served, by the patterns of http.ServeMux.
func (l *Live) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"/{$}":           guard(l.page),
		"/timeline.json": guard(l.timeline),
		"/live":          guard(l.stream),
	}
}

// page serves the page.
func (l *Live) page(w http.ResponseWriter, r *http.Request) {
	p := ours()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy("'self'")+"; frame-ancestors 'none'")
	text := "This page shows a run while it happens, and needs scripts for that. The figures are at /metrics too."
	send(w, r, []byte(p.fill("", html.EscapeString("loadrig "+l.name), text, "")))
}

// timeline serves the whole run, or what came since.
func (l *Live) timeline(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	at, since, err := l.cursorOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if since {
		b, _, err := l.since(&at)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		send(w, r, b)
		return
	}
	packed, err := l.all()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case packed == nil:
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"waiting":true}`, http.StatusServiceUnavailable)
	case strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed)
	default:
		if z, err := gzip.NewReader(bytes.NewReader(packed)); err == nil {
			_, _ = io.Copy(w, z) // of our own making
		}
	}
}

// send writes a body, compressed where that is understood.
func send(w http.ResponseWriter, r *http.Request, b []byte) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		_, _ = w.Write(b)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	_, _ = z.Write(b)
	_ = z.Close()
}

// cursorOf reads what a viewer has seen, and leads to nothing where that was of another run, which was at this address
// before.
func (l *Live) cursorOf(r *http.Request) (at cursor, since bool, err error) {
	at, since, err = seenBy(r)
	if run := r.URL.Query().Get("run"); run != "" && run != l.of.ID() {
		at.gen = noGen
	}
	return at, since, err
}

// noGen is a generation that no run has.
const noGen = -1

// seenBy reads what a viewer has seen; since is false for one that has seen nothing.
func seenBy(r *http.Request) (at cursor, since bool, err error) {
	// A browser that lost the line comes back with the id of the last message that it got.
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		if n, _ := fmt.Sscanf(id, "%d-%d-%d", &at.gen, &at.rows, &at.events); n == 3 {
			return at, true, nil
		}
	}
	q := r.URL.Query()
	for _, p := range []struct {
		name string
		to   *int
	}{{"gen", &at.gen}, {"after", &at.rows}, {"events", &at.events}} {
		text := q.Get(p.name)
		if text == "" {
			continue
		}
		since = true
		if *p.to, err = strconv.Atoi(text); err != nil || *p.to < 0 {
			return at, since, fmt.Errorf("%s: got %.20q, want a number of 0 or more", p.name, text)
		}
	}
	return at, since, nil
}

// stream serves what happens as server-sent events.
func (l *Live) stream(w http.ResponseWriter, r *http.Request) {
	at, _, err := l.cursorOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if l.viewers.Add(1) > maxViewers {
		l.viewers.Add(-1)
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("got more than %d viewers at a time", maxViewers), http.StatusServiceUnavailable)
		return
	}
	defer l.viewers.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep it
	line := http.NewResponseController(w)
	say := func(id string, body []byte) bool { // without a copy of what may be long and goes to many
		_ = line.SetWriteDeadline(time.Now().Add(patience))
		for _, part := range [][]byte{[]byte(id), body, []byte("\n\n")} {
			if _, err := w.Write(part); err != nil {
				return false
			}
		}
		return line.Flush() == nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	number := l.came.Add(1)
	seen := uint64(0) // of a run that has not begun
	for {
		version, changed := l.of.Changed()
		if version == seen {
			switch sleep(r, timer, heartbeat, changed) {
			case gone:
				return
			case late:
				if !say(": nothing new", nil) {
					return
				}
			}
			continue
		}
		seen = version
		if d := l.turn(number); d > 0 && sleep(r, timer, d, nil) == gone {
			return
		}
		b, more, err := l.since(&at)
		if err != nil || !say(fmt.Sprintf("id: %d-%d-%d\ndata: ", at.gen, at.rows, at.events), b) || !more {
			return
		}
		if sleep(r, timer, leastPause, nil) == gone {
			return
		}
	}
}

// turn gives how long the n-th viewer waits for its turn. To write to hundreds at once takes the cores for milliseconds,
// in which messages of players would be late; one after the other they are not noticed.
func (l *Live) turn(n uint64) time.Duration {
	if l.viewers.Load() <= few {
		return 0
	}
	_, part := math.Modf(float64(n) * math.Phi) // of neighbouring numbers far apart, of all spread evenly
	return time.Duration(part * float64(spread))
}

// Why a sleep ended.
const (
	gone  = iota // the viewer has
	woken        // there is something new
	late         // the time is over
)

func sleep(r *http.Request, timer *time.Timer, d time.Duration, changed <-chan struct{}) int {
	timer.Reset(d)
	select {
	case <-timer.C:
		return late
	case <-changed:
		return woken
	case <-r.Context().Done():
		return gone
	}
}

// reload tells a viewer to ask for the whole run again.
var reload = []byte(`{"reload":true}`)

// told is News, as it is sent.
type told struct {
	body []byte
	next cursor
	more bool // will come that goes on from there
}

// since gives what came since, and moves at. More is false when nothing will come that goes on from there.
func (l *Live) since(at *cursor) (b []byte, more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fresh()
	t, ok := l.news[*at]
	if !ok {
		if len(l.news) == maxTold {
			clear(l.news)
		}
		if t, err = l.tell(*at); err != nil {
			return nil, false, err
		}
		l.news[*at] = t
	}
	*at = t.next
	return t.body, t.more, nil
}

func (l *Live) tell(at cursor) (told, error) {
	n := l.of.Since(at.gen, at.rows, at.events)
	if n == nil {
		return told{reload, at, false}, nil
	}
	b, err := json.Marshal(n)
	return told{b, cursor{n.Gen, n.Next, n.EventsSeen()}, !n.Over}, err
}

// all gives the whole run, compressed; nil before it has begun.
func (l *Live) all() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fresh()
	if l.whole != nil {
		return l.whole, nil
	}
	r := l.of.Run()
	if r == nil {
		return nil, nil
	}
	var err error
	l.whole, err = pack(&document{Schema: Schema, Mode: live, Runs: []*timeline.Run{r}}, gzip.BestSpeed)
	return l.whole, err
}

// fresh forgets what was made of a run that has gone on.
func (l *Live) fresh() {
	if v, _ := l.of.Changed(); v != l.version || l.news == nil {
		l.version, l.whole, l.news = v, nil, make(map[cursor]told)
	}
}
