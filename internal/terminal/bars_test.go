package terminal

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBar: parts have their share of the columns, and each that is there has one.
func TestBar(t *testing.T) {
	p := newPainter(&state{}, true, 80, 24)
	for _, c := range []struct {
		a, b, c, whole float64
		columns        int
		want           string
	}{
		{5, 0, 0, 10, 10, "aaaaa     "},
		{10, 0, 0, 10, 10, "aaaaaaaaaa"},
		{8, 1, 1, 10, 10, "aaaaaaaabc"},
		{998, 1, 1, 1000, 10, "aaaaaaaabc"},
		{1, 1, 1, 1000, 10, "abc       "},
		{1, 1, 1, 3, 10, "aaaabbbccc"},
		{0, 0, 0, 0, 3, "   "},
		{20, 0, 0, 10, 4, "aaaa"}, // more than were asked for
		{1, 1, 1, 3, 2, "bc"},
	} {
		l := p.bar([]part{{c.a, "a", plain}, {c.b, "b", plain}, {c.c, "c", plain}}, c.whole, c.columns)
		got := ""
		for _, s := range l {
			got += s.text
		}
		if got != c.want {
			t.Errorf("%v: got %q", c, got)
		}
	}
}

func TestSpark(t *testing.T) {
	p := newPainter(&state{}, false, 80, 24)
	if got, want := p.spark([]float64{0, 1, math.NaN(), 4, 8}), "▁▁ ▄█"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := p.spark([]float64{0, 0}), "▁▁"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	lines := p.chart([]float64{0, 8, 16}, 11, 2, count)
	var got []string
	for _, l := range lines {
		got = append(got, l[0].text+l[1].text)
	}
	if want := []string{"     16   █", "      0 ▁██"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSeries: the last values are there, in groups that begin where they did before, and never more than wanted.
func TestSeries(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var s series
		count, n := rapid.IntRange(0, 3*history).Draw(r, "values"), rapid.IntRange(-1, 2*history).Draw(r, "room")
		for i := range count {
			s.add(float64(i))
		}
		groups, size := s.last(n, true)
		if len(groups) > max(0, n) {
			r.Fatalf("got %d groups, want at most %d", len(groups), n)
		}
		if count == 0 || n <= 0 {
			return
		}
		if last := groups[len(groups)-1]; last != float64(count-1) {
			r.Errorf("the last group: got %v, want %d", last, count-1)
		}
		for i, g := range groups[:len(groups)-1] {
			if int(g+1)%size != 0 {
				r.Errorf("group %d ends with %v, want a multiple of %d before the next", i, g, size)
			}
		}
		if have := min(count, history); n > 2 && len(groups) < min(have, n)/2 {
			r.Errorf("got %d groups of %d values in room for %d", len(groups), have, n)
		}
	})
}

func TestClock(t *testing.T) {
	for s, want := range map[float64]string{-1: "0:00", 0: "0:00", 59.9: "0:59", 60: "1:00", 3599: "59:59", 3600: "1:00:00", 360000: "100:00:00"} {
		if got := clock(s); got != want {
			t.Errorf("%v: got %s, want %s", s, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.04: "<0.1", 0.5: "0.5", 3: "3", 9.94: "9.9", 9.95: "10", 12345.6: "12,346", math.NaN(): "-", math.Inf(1): "-"} {
		if got := rate(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
