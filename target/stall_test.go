package target

import (
	"testing"
	"time"
)

func TestParseStall(t *testing.T) {
	s, err := ParseStall("1s/10s")
	if want := (Stall{time.Second, 10 * time.Second}); err != nil || s != want || s.String() != "1s/10s" {
		t.Errorf("got %v, %v, want %v", s, err, want)
	}
	for _, in := range []string{"", "1s", "/", "1s/", "0s/10s", "-1s/10s", "10s/10s", "1s/61m", "1s/10s/100s"} {
		if s, err := ParseStall(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, s)
		}
	}
}

// TestWindow: a stall of 1 s in every 10 s, the first after 10 s.
func TestWindow(t *testing.T) {
	s := Stall{time.Second, 10 * time.Second}
	for _, c := range []struct{ since, begin time.Duration }{
		{0, 10 * time.Second},
		{500 * time.Millisecond, 10 * time.Second}, // not the first second
		{10*time.Second - 1, 10 * time.Second},
		{10 * time.Second, 10 * time.Second},
		{11*time.Second - 1, 10 * time.Second},
		{11 * time.Second, 20 * time.Second},
		{35 * time.Second, 40 * time.Second},
	} {
		if begin, end := s.window(c.since); begin != c.begin || end != c.begin+time.Second {
			t.Errorf("%v: got %v to %v, want %v to a second later", c.since, begin, end, c.begin)
		}
	}
}
