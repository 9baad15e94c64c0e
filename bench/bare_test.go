//go:build linux

package main

import (
	"bytes"
	"testing"
	"time"
)

// TestBareFrames: the reference counts each echo once however TCP cuts it up, and takes nothing else for
// one.
func TestBareFrames(t *testing.T) {
	frame := append([]byte{0x81, payloadSize}, payload[:]...)
	for _, c := range []struct {
		name  string
		reads [][]byte
		want  uint64
		fails bool
	}{
		{"one", [][]byte{frame}, 1, false},
		{"two at once", [][]byte{bytes.Repeat(frame, 2)}, 2, false},
		{"header apart", [][]byte{frame[:2], frame[2:]}, 1, false},
		{"in three", [][]byte{frame[:9], frame[9:40], frame[40:]}, 1, false},
		{"one and a half", [][]byte{append(bytes.Clone(frame), frame[:30]...), frame[30:]}, 2, false},
		{"nothing", [][]byte{frame, {}}, 1, false},
		{"half a header", [][]byte{frame[:1]}, 0, true},
		{"close", [][]byte{{0x88, 0}}, 0, true},
		{"other size", [][]byte{{0x81, payloadSize - 1}}, 0, true},
		{"masked", [][]byte{{0x81, 0x80 | payloadSize}}, 0, true},
	} {
		client := &bareClient{job: job{Mode: modePaced}, epoch: time.Now()} // sends nothing by itself
		var conn bareConn
		var err error
		for _, b := range c.reads {
			if err == nil {
				err = client.frames(0, &conn, b)
			}
		}
		if client.answered != c.want || (err != nil) != c.fails {
			t.Errorf("%s: got %d echoes, %v, want %d, failure %v", c.name, client.answered, err, c.want, c.fails)
		}
	}
}

func TestBareSchedule(t *testing.T) {
	s := bareSchedule{start: 100, interval: 400_000} // 0.4 ms, in ticks of 1 ms
	for i, want := range []int64{1, 1, 1, 2, 2, 3} { // due at 0, 0.4, 0.8, 1.2, 1.6 and 2 ms after the start of 100 ns
		s.sent = int64(i)
		if got := s.due() / bareTick; got != want {
			t.Errorf("message %d: got tick %d, want %d", i, got, want)
		}
	}
}

func TestBins(t *testing.T) {
	last := 0
	for d := time.Duration(1); d < time.Hour; d += max(1, d/100) {
		b := binOf(d)
		if b < last || b > last+1 || b >= numBins {
			t.Fatalf("%v is in bin %d, and what is just below in %d", d, b, last)
		}
		last = b
	}
	if b := binOf(1<<63 - 1); b >= numBins {
		t.Errorf("the longest duration is in bin %d of %d", b, numBins)
	}
	if b := binOf(-1); b != 0 {
		t.Errorf("a negative duration is in bin %d, want 0", b)
	}
}

func TestSource(t *testing.T) {
	for i, want := range map[int]byte{perSource: 2, 2*perSource - 1: 2, 2 * perSource: 3} {
		if ip, ok := source(i); !ok || ip != [4]byte{127, 0, 0, want} {
			t.Errorf("connection %d: got %v, %v, want 127.0.0.%d", i, ip, ok, want)
		}
	}
	if _, ok := source(perSource - 1); ok {
		t.Error("the first connections are bound, want the kernel's choice")
	}
}
