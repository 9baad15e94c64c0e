package rig

import (
	"testing"
	"time"

	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/metrics"
)

// TestStandstills: what is later than the least counts, with when it ended, and is told once; many are bounded.
func TestStandstills(t *testing.T) {
	s := &standstill{least: 100 * time.Millisecond}
	now := time.Now()
	s.looked(now, 5*time.Millisecond)
	s.looked(now, 100*time.Millisecond)
	if s.total() != 0 || s.take() != nil {
		t.Errorf("got %v, want none up to the least", s.total())
	}
	s.looked(now, 101*time.Millisecond)
	s.looked(now.Add(time.Second), time.Second)
	if got := s.total(); got != 1101*time.Millisecond {
		t.Errorf("got %v, want 1.101s", got)
	}
	if got := s.take(); len(got) != 2 || got[1] != (stall{now.Add(time.Second), time.Second}) {
		t.Errorf("got %v, want both", got)
	}
	if got := s.take(); got != nil {
		t.Errorf("got %v again", got)
	}
	for range maxNews + 10 {
		s.looked(now, time.Second)
	}
	if got := len(s.take()); got != maxNews {
		t.Errorf("got %d, want %d at most", got, maxNews)
	}
	if got := s.total(); got != 1101*time.Millisecond+(maxNews+10)*time.Second {
		t.Errorf("got %v, want all of them counted", got)
	}
}

// TestHealthIsShown: what this system tells is shown, and counters do not run backwards.
func TestHealthIsShown(t *testing.T) {
	h := newHealth(time.Minute)
	defer h.stop()
	var first, second shown
	h.sample()
	first.take(h.visit)
	h.sample()
	second.take(h.visit)
	if len(first.last) < 5 {
		t.Fatalf("got %d figures, want some", len(first.last))
	}
	for i, f := range first.last {
		g := second.last[i]
		if f.family != g.family || f.family.Kind == metrics.Counter && g.value < f.value {
			t.Errorf("%s: got %v after %v", f.family.Name, g.value, f.value)
		}
	}
}

// TestAsked: how many players the load wants, by its model, and how many messages.
func TestAsked(t *testing.T) {
	open := load.Plan{Model: load.Open, Stages: []load.Stage{{Rate: 10, Duration: time.Second}}}
	closed := load.Plan{Model: load.Closed, Stages: []load.Stage{{Players: 7, Duration: 2 * time.Second, Step: true}}, LockStep: true}
	for _, c := range []struct {
		name string
		cfg  Config
		at   time.Duration
		want int // -1 for not known
	}{
		{"all at once", Config{Connections: 30}, 0, 30},
		{"at a rate", Config{Connections: 30, Rate: 10}, 1500 * time.Millisecond, 16}, // the first at 0
		{"at a rate, all there", Config{Connections: 30, Rate: 10}, time.Hour, 30},
		{"closed", Config{Play: &Play{Plan: closed}}, time.Second, 7},
		{"closed, at the end", Config{Play: &Play{Plan: closed}}, 2 * time.Second, 0},
		{"open", Config{Play: &Play{Plan: open}}, 500 * time.Millisecond, -1},
	} {
		got, ok := newAsked(&c.cfg).players(c.at)
		if ok != (c.want >= 0) || ok && got != c.want {
			t.Errorf("%s: got %d, %t, want %d", c.name, got, ok, c.want)
		}
	}
	// 4 players a second up to 8 in 2 s, who stay: 8·2/2 + 8·1 seconds in 3 s; the load ends then.
	a := newAsked(&Config{MessageRate: 5, Connections: 8, Rate: 4, Duration: 3 * time.Second})
	for at, want := range map[time.Duration]float64{0: 0, time.Second: 5 * 2, 2 * time.Second: 5 * 8, 3 * time.Second: 5 * 16, time.Hour: 5 * 16} {
		if got := a.messages(at); got != want {
			t.Errorf("messages up to %v: got %v, want %v", at, got, want)
		}
	}
	a.cfg.Rate = 0
	if got := a.messages(2 * time.Second); got != 5*16 {
		t.Errorf("all at once: got %v, want 80", got)
	}
	a.sample(time.Second)
	a.over = true
	if a.sample(time.Hour); a.at != time.Second {
		t.Errorf("got %v, want the end of the load", a.at)
	}
}

// TestTidy: a small heap that nothing presses is collected once it is time, and a large one is not.
func TestTidy(t *testing.T) {
	h := newHealth(time.Minute)
	defer h.stop()
	h.sample()
	if h.tidy() { // this notes the cycles so far
		t.Error("got a collection at once")
	}
	h.now.At = h.now.At.Add(tidyEvery)
	for bytes, want := range map[int64]bool{smallHeap: false, smallHeap - 1: true} {
		if h.now.HeapBytes = bytes; h.tidy() != want {
			t.Errorf("%d bytes: got a collection %t, want %t", bytes, !want, want)
		}
	}
	h.now.GCCycles++ // the runtime did it itself
	if h.tidy() {
		t.Error("got one right after another")
	}
}
